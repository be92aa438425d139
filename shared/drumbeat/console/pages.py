"""How a page is made: a template, documents as the JSON API answers them, headers that let no other site near it."""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import __version__
from drumbeat.console import texts
from drumbeat.core.errors import Problem
from drumbeat.web import problems

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none';"
    " img-src 'self' data:"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}
_LEAST_BYTES = 1_000  # compressing less saves nothing


def rendered(template: str, values: Mapping[str, object], status: int = 200) -> Response[str]:
    """Return a page; `values` are what its template names."""
    html = _environment().get_template(template).render(values)
    return Response(status, HTML, html, headers=dict(HEADERS))


def problem_page(problem: Problem, request: str) -> Response[str]:
    """Return what went wrong as a page, for who has no session, or where nothing more is known."""
    values = {"title": problem.title, "detail": problem.detail, "request": request}
    answer = rendered("plain_problem.html", values, problem.status)
    answer.headers |= problems.headers(problem)
    return answer


def compressed(answer: Response[Any], accepted: str) -> Response[Any]:
    """Return an answer as small as the browser takes it; API Gateway does not compress."""
    body = answer.body
    if not isinstance(body, str) or len(body) < _LEAST_BYTES or "gzip" not in accepted:
        return answer
    answer.body = b64encode(gzip.compress(body.encode("utf-8", "replace"), 6, mtime=0)).decode()
    answer.base64_encoded = True
    answer.headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return answer


@cache
def static(name: str) -> bytes:
    """Return a file that pages load. Raises FileNotFoundError."""
    return (resources.files("drumbeat.console") / "static" / name).read_bytes()


@cache
def static_url(name: str) -> str:
    """Return where a page loads a file: another address for another content, so that browsers keep each for ever."""
    return f"/assets/{hashlib.sha256(static(name)).hexdigest()[:12]}/{name}"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # most requests need no page

    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": static_url, "version": __version__}
    environment.filters |= texts.FILTERS
    return environment


def _template(name: str) -> str:
    return (resources.files("drumbeat.console") / "templates" / name).read_text(encoding="utf-8")
