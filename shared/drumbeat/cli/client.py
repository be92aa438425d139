"""Calls a deployment over HTTP, and shows errors as sentences that people can act on."""

import functools
import json
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any, Concatenate, cast

import click

from drumbeat import __version__
from drumbeat.local import disk

URL = "http://127.0.0.1:8787"
PAGE_SIZE = 200  # the API's limit
FORBIDDEN = 403
TOO_MANY = 429
SERVER_ERROR = 500
TIMEOUT_SECONDS = 60.0  # twice what API Gateway allows a request
UNKNOWN = "Whether anything changed is not known; what the deployment recorded is safe"


# What a deployment answers; its shape is the API's contract.
type Json = Any


@dataclass
class Refusal(click.ClickException):
    """The deployment answered with a problem; `problem` is its body."""

    status: int
    problem: Mapping[str, Any]
    notice: str = ""  # of what stands in the way on this machine

    def __post_init__(self) -> None:
        """Make the message: what happened, and the id of the request, to report it."""
        title = self.problem.get("title") or f"HTTP {self.status}"
        detail = self.problem.get("detail") or "no reason was given"
        request = f" (request {self.problem['requestId']})" if self.problem.get("requestId") else ""
        super().__init__(f"{title}: {detail}{request}{self.notice}")


class Unanswered(click.ClickException):
    """No answer came: the deployment cannot be reached, or took too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a parsed body and the headers, names in lower case."""

    status: int
    body: Json
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """One deployment and how to print its answers.

    `changes`: for each change that was asked for, how a person finds out what became of it. It is kept before there is
    an answer: who stops looking then does not stop the deployment.
    """

    url: str
    key: str | None
    json: bool
    changes: list[str] = field(default_factory=list)

    def get(self, path: str, **query: object) -> Json:
        """Return the body of a GET; parameters that are None are left out. Raises click.ClickException."""
        return self.ask("GET", path, query=query).body

    def post(self, path: str, body: object = None, *, look: str = UNKNOWN) -> Json:
        """Return the body of a POST. `look`: where to look when its answer is not seen. Raises click.ClickException."""
        return self.ask("POST", path, body if body is not None else {}, look=look).body

    def pages(self, path: str, limit: int | None = None, **query: object) -> Iterator[Json]:
        """Go through a list, page by page, up to `limit` items."""
        cursor: object = None
        left = limit
        while left is None or left > 0:
            page = self.get(path, **query, cursor=cursor, limit=min(left or PAGE_SIZE, PAGE_SIZE))
            items = page["items"] if left is None else page["items"][:left]
            yield from items
            left = None if left is None else left - len(items)
            if (cursor := page["next"]) is None:
                return

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        look: str = UNKNOWN,
    ) -> Answer:
        """Make one request.

        Raises:
            Refusal: the deployment answered with an error.
            Unanswered: the deployment does not answer.
            click.ClickException: no key was given.
            click.UsageError: the URL is not valid, or a name or a parameter is empty, as where a variable was not set.
        """
        _require_http(self.url)
        if "" in (query or {}).values() or "//" in path or path.endswith("/"):
            raise click.UsageError("a name, an id or the value of an option is empty. Nothing was changed.")
        parameters = urllib.parse.urlencode({k: str(v) for k, v in (query or {}).items() if v is not None})
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.url}{path}{'?' if parameters else ''}{parameters}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Accept": "application/json", "User-Agent": f"drumbeat/{__version__}", **(headers or {})},
        )
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        if method == "GET":
            return self._send(request, None)
        self.changes.append(look)
        return self._send(request, look)

    def _send(self, request: urllib.request.Request, look: str | None) -> Answer:
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as reply:
                return Answer(reply.status, _parsed(reply.read()), _lower(reply.headers))
        except urllib.error.HTTPError as error:
            raise self._refusal(error.code, error.read(), _lower(error.headers)) from None
        except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
            raise Unanswered(_unanswered(self.url, getattr(error, "reason", None) or error, look)) from None

    def _refusal(self, status: int, raw: bytes, headers: Mapping[str, str]) -> click.ClickException:
        if status == 401 and not self.key:
            return click.ClickException(
                "this needs an API key: set DRUMBEAT_KEY or give --key (`drumbeat dev` prints one when it is ready)."
                " Nothing was changed."
            )
        body = _parsed(raw)
        problem = body if isinstance(body, dict) else {"detail": str(body)[:200]}
        if status == 401:
            problem |= {
                "title": f"{self.url} does not accept this API key",
                "detail": "DRUMBEAT_KEY (or --key) is mistyped, revoked, or a key of another deployment."
                " `drumbeat dev` prints the line that sets its own. Nothing was changed",
            }
        full = disk_full(headers) if status >= SERVER_ERROR else None
        return Refusal(status, problem, f". The reason may be: {full}." if full else "")


def may_pass(error: click.ClickException) -> bool:
    """Return whether the same question may be answered a moment later."""
    if isinstance(error, Refusal):
        return error.status >= SERVER_ERROR or error.status == TOO_MANY
    return isinstance(error, Unanswered)


def unread(error: click.ClickException) -> str:
    """Say why something could not be looked at after a change was made; what the API says is of the question alone."""
    if isinstance(error, Refusal) and error.status == FORBIDDEN:
        return "this API key may not look at it; one with the scope `read` may"
    return error.message


def disk_full(headers: Mapping[str, str]) -> str | None:
    """Say that the disk of a local stack is full, where its answers say so."""
    left = headers.get(disk.HEADER)
    return None if left is None else disk.sentence(left)


def with_client[**P, R](command: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
    """Pass a command its client; the options may stand before or after the command's name.

    An interrupt ends the command, and nothing that the deployment was asked for: that is said.
    """

    @click.option("--url", help="The deployment (DRUMBEAT_URL).")
    @click.option("--key", help="API key (DRUMBEAT_KEY).")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, /, *, url: str | None, key: str | None, as_json: bool, **options: object) -> R:
        given = context.find_root().obj
        client = Client(
            url=(url or getattr(given, "url", None) or URL).rstrip("/").removesuffix("/v1"),
            key=key or getattr(given, "key", None),
            json=as_json or bool(getattr(given, "json", False)),
        )
        try:
            return cast("Callable[..., R]", command)(client, **options)
        except KeyboardInterrupt:
            if not client.changes:
                raise
            raise click.ClickException(f"stopped. {client.changes[-1]}") from None

    return cast("Callable[P, R]", wrapped)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it could send a POST to another host."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _require_http(url: str) -> None:
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise click.UsageError(f"{url!r} is not a URL of a deployment, such as {URL}: correct --url or DRUMBEAT_URL")


def _unanswered(url: str, reason: object, look: str | None) -> str:
    """Say why there is no answer, whether anything can have changed, and what to do. `look` None: it was a question."""
    so = "" if look is None else ", so nothing was sent"  # of a question that would be no news, after a change a lie
    match reason:
        case ConnectionRefusedError():
            return (
                f"nothing listens at {url}{so}. Start the local stack with `drumbeat dev`, or give the deployment's"
                " URL: --url or DRUMBEAT_URL"
            )
        case socket.gaierror():
            return f"there is no host of {url}{so}. Correct --url or DRUMBEAT_URL"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE"):
            return f"{url} does not speak https{so}. Write http:// in --url or DRUMBEAT_URL"
        case ssl.SSLError():
            return f"{url} has no certificate that is trusted here ({reason}){so}"
    so = "" if look is None else f" {look}."
    return f"{url} does not answer ({reason}).{so} Look with `drumbeat doctor`, and check --url or DRUMBEAT_URL"


def _parsed(raw: bytes) -> Json:
    text = raw.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
