"""A collector of traces: OTLP over HTTP, as JSON, by the standard library; or a file of one request a line."""

import json
import os
import select
import socket
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple, Protocol, cast
from urllib.parse import urlsplit

from drumbeat import __version__
from drumbeat.infrastructure import tls
from drumbeat.infrastructure.addresses import connect, resolve
from drumbeat.infrastructure.deadline import Deadline, reason
from drumbeat.infrastructure.incoming import Incoming

MAX_ANSWER_BYTES = 64 * 1024
NONE = 0  # the status of an answer that did not come
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})


class Answer(NamedTuple):
    """What a collector said of one request."""

    status: int
    said: str = ""  # why there was no answer; a text of our own
    rejected: int = 0  # spans that it did not take, of those of a request that it took
    retry_after: float | None = None  # seconds

    @property
    def took(self) -> bool:
        """Whether it has the request."""
        return 200 <= self.status < 300

    @property
    def refuses_this(self) -> bool:
        """Whether it is this very request that it refuses: too large, or with something in it that it cannot take."""
        return self.status in (400, 413, 422)


class Collector(Protocol):
    """Takes requests."""

    def post(self, body: bytes, deadline: Deadline) -> Answer:
        """Send a request. Raises nothing: what went wrong is in the answer."""
        ...

    def close(self) -> None:
        """Close what is open; the collector stays usable."""
        ...


class HttpCollector:
    """A collector by its URL. Requests that follow each other go over one connection."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """Raises ValueError for headers that cannot be sent; it says which name, and no value."""
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": f"OTel-OTLP-Exporter-Drumbeat/{__version__}",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in (own | _sendable(headers)).items())
        self._head = f"POST {path} HTTP/1.1\r\n{lines}"
        self._socket: socket.socket | None = None

    def post(self, body: bytes, deadline: Deadline) -> Answer:
        """Send a request, and read the answer, of which the end may be missing."""
        try:
            connected = self._connected(deadline)
            connected.settimeout(deadline.remaining())
            connected.sendall(f"{self._head}content-length: {len(body)}\r\n\r\n".encode() + body)
            return self._answer(connected, deadline)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            return Answer(NONE, reason(error))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self, deadline: Deadline) -> socket.socket:
        if self._socket is not None and _is_quiet(self._socket):
            return self._socket
        self.close()
        addresses = resolve(self._host, self._port, deadline.remaining())
        self._socket = connect(addresses, self._port, deadline, allow_private=True)  # beside us, in most cases
        if self._secure:
            self._socket.settimeout(deadline.remaining())
            self._socket = tls.context().wrap_socket(self._socket, server_hostname=self._host)
        return self._socket

    def _answer(self, connected: socket.socket, deadline: Deadline) -> Answer:
        with HTTPResponse(cast(socket.socket, Incoming(connected, deadline)), method="POST") as response:
            response.begin()
            text = response.read(MAX_ANSWER_BYTES)
            if response.will_close or not response.isclosed():
                self.close()
            return Answer(
                response.status,
                rejected=_rejected(text) if response.status == 200 else 0,
                retry_after=_seconds(response.getheader("retry-after")),
            )


class FileCollector:
    """A file that each request is one line of, as the file exporter of OpenTelemetry writes it."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def post(self, body: bytes, deadline: Deadline) -> Answer:  # noqa: ARG002 - a disk is not waited for
        """Add a line, in one piece."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                whole = os.write(file, body + b"\n") == len(body) + 1
            finally:
                os.close(file)
        except OSError as error:
            return Answer(NONE, reason(error))
        return Answer(200) if whole else Answer(NONE, "the disk is full")

    def close(self) -> None:
        """Nothing is open."""


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()) or name.lower() in _OURS:
            raise ValueError(f"the header {name!r} cannot be set")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"the value of the header {name!r} cannot be sent")
    return {name.lower(): value for name, value in headers.items()}


def _is_quiet(connected: socket.socket) -> bool:
    """Return whether the collector has neither closed the connection nor sent anything unasked."""
    poll = select.poll()
    poll.register(connected, select.POLLIN)
    return not poll.poll(0)


def _rejected(text: bytes) -> int:
    """Return how many spans a collector did not take. What it says of them is not read: it may quote anything."""
    try:
        return max(0, int(json.loads(text)["partialSuccess"]["rejectedSpans"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdecimal() else None
