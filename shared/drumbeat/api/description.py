"""`/openapi.json`, and the same for people to read at `/docs/api`: what this API takes and answers.

The document is made from the routes before Drumbeat is built, by `drumbeat.local.openapi`, and here only handed out. It
says the same to all and holds nothing of an installation, so no key is needed.
"""

import gzip
import hashlib
import json
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.api.response import JSON

SOURCE = Path(__file__).with_name("openapi.json")
PACKED = SOURCE.with_suffix(".json.gz")  # what a layer has in its place
PAGES = Path(__file__).with_name("pages")

CACHED = "public, max-age=300"
# The page needs one style sheet of this function, and nothing else.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


@router.get("/openapi.json")
def show_document() -> Response[Any]:
    """Answer with the document, as it is kept to all who take it so."""
    return _answer(JSON, packed())


@router.get("/docs/api")
def show_page() -> Response[Any]:
    """Answer with the page."""
    return _answer("text/html; charset=utf-8", _page())


@router.get("/docs/api.css")
def show_style() -> Response[Any]:
    """Answer with the page's style sheet."""
    return _answer("text/css; charset=utf-8", gzip.compress((PAGES / "api.css").read_bytes(), mtime=0))


@cache
def packed() -> bytes:
    """Return the document, compressed."""
    return PACKED.read_bytes() if PACKED.exists() else gzip.compress(SOURCE.read_bytes(), mtime=0)


@cache
def _page() -> bytes:
    from jinja2 import Environment, FileSystemLoader  # which no other of these routes needs

    template = Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    html = template.get_template("api.html").render(json.loads(gzip.decompress(packed())))
    return gzip.compress(html.encode(), mtime=0)


def _answer(media_type: str, body: bytes) -> Response[Any]:
    event = router.current_event
    assert isinstance(event, APIGatewayProxyEventV2)
    asked = {name.lower(): value for name, value in event.headers.items()}
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'  # weak: compressed or not, it says the same
    headers: dict[str, str | list[str]] = {
        "ETag": tag,
        "Cache-Control": CACHED,
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    if tag in asked.get("if-none-match", ""):
        return Response(304, None, "", headers)
    if "gzip" not in asked.get("accept-encoding", ""):
        return Response(200, media_type, gzip.decompress(body).decode(), headers)
    answer = Response(200, media_type, b64encode(body).decode(), {**headers, "Content-Encoding": "gzip"})
    answer.base64_encoded = True  # which Powertools does for bytes, but takes no bytes for JSON
    return answer
