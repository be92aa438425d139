"""What is sent: one request in bytes, as it was frozen, and where it goes."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from drumbeat import __version__
from drumbeat.core.request import Request

USER_AGENT = f"drumbeat/{__version__}"
_PORTS = {"http": 80, "https": 443}
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# No library parses the URL: each would change it (drop `..`, tabs or an empty query), and what is sent must be what was
# frozen. An authority has no `@`: a password there would not be sent, and could end up in a log.
_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#@\\\s]+)(?P<target>([/?][^#]*)?)(#.*)?", re.IGNORECASE)
# Headers that say where the message goes and where it ends, and the one that keeps replies from being compressed.
_OURS = frozenset({"host", "content-length", "transfer-encoding", "accept-encoding"})


class Origin(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str  # ASCII
    port: int


class Message(NamedTuple):
    """One request in bytes: target and headers are the frozen ones, in their order and case."""

    origin: Origin
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


def message(request: Request) -> Message:
    """Parse the URL and complete the headers. The fragment is dropped: HTTP does not send it.

    Raises ValueError when no such request can be made.
    """
    url = _URL.fullmatch(request.url)
    if url is None:
        raise ValueError("not an HTTP URL")
    origin, host = _origin(url["scheme"].lower(), url["authority"])
    target = url["target"] if url["target"].startswith("/") else f"/{url['target']}"
    return Message(
        origin, request.method.encode("ascii"), target.encode("ascii"), _headers(request, host), request.body
    )


@lru_cache(maxsize=256)
def _origin(scheme: str, authority: str) -> tuple[Origin, bytes]:
    """Return where the authority leads, and itself as the Host header has it. Raises ValueError."""
    url = urlsplit(f"//{authority}")
    if not url.hostname or scheme not in _PORTS:
        raise ValueError("no host")
    origin = Origin(scheme, url.hostname.encode("idna").decode(), url.port or _PORTS[scheme])
    return origin, authority.encode("idna")


def _headers(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    frozen = [
        (name.encode("ascii"), value.encode()) for name, value in request.headers.items() if name.lower() not in _OURS
    ]
    headers = [(b"host", host)]
    if not any(name.lower() == b"user-agent" for name, _ in frozen):
        headers.append((b"user-agent", USER_AGENT.encode()))
    headers += [*frozen, (b"accept-encoding", b"identity")]
    if request.body or request.method in _WITH_BODY:
        headers.append((b"content-length", str(len(request.body)).encode()))
    return headers
