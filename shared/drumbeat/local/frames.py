"""The protocol of a handler process: one JSON document each way over a unix socket, with its length before it.

A request frame is the event. A reply frame starts with one byte: a result or an error.
"""

import json
import socket
from pathlib import Path
from struct import Struct
from typing import Any

HEADER = Struct(">IB")
RESULT, ERROR = 0, 1
READ_BYTES = 262_144  # most frames arrive in one read

type Json = Any  # what json.loads returns


class HandlerGone(Exception):
    """The handler's process ended before it answered, or was not there; what it did is not known."""


class HandlerFailed(Exception):
    """The handler raised; carries what Lambda would answer: errorType, errorMessage, stackTrace. As text, one line."""

    def __init__(self, error: dict[str, Any]) -> None:
        first = str(error.get("errorMessage")).partition("\n")[0]
        super().__init__(f"{error.get('errorType')}: {first}")
        self.error = error


def encode(payload: object, kind: int = RESULT) -> bytes:
    """Return the frame of one JSON document; raises TypeError or ValueError when it is not JSON."""
    text = json.dumps(payload).encode()
    return HEADER.pack(len(text), kind) + text


def decode(kind: int, text: bytes | bytearray | memoryview) -> Json:
    """Return the document of a reply; raises HandlerFailed when it is an error."""
    payload = json.loads(bytes(text))
    if kind == ERROR:
        raise HandlerFailed(payload)
    return payload


def receive(connection: socket.socket) -> tuple[int, bytes] | None:
    """Wait for one frame; None when the other side has closed."""
    data = connection.recv(READ_BYTES)
    while len(data) < HEADER.size:
        more = connection.recv(READ_BYTES) if data else b""
        if not more:
            return None
        data += more
    length, kind = HEADER.unpack_from(data)
    end = HEADER.size + length
    if len(data) == end:
        return kind, data[HEADER.size :]
    whole = bytearray(data)
    while len(whole) < end:
        more = connection.recv(READ_BYTES)
        if not more:
            return None
        whole += more
    return kind, bytes(whole[HEADER.size : end])


class Handler:
    """The caller's side of one handler process, for callers that block; not for several threads at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: socket.socket | None = None

    def connect(self) -> None:
        """Connect, unless the connection is still open; raises HandlerGone when no process listens."""
        if self._connection is not None and _hung_up(self._connection):
            self.close()
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self.path))
            except OSError:
                connection.close()
                raise HandlerGone(f"{self.path.stem} is not there") from None
            self._connection = connection

    def invoke(self, event: object) -> Json:
        """Hand over one event and wait for the result.

        Raises:
            HandlerGone: no process listens, or it ended meanwhile. The next call connects again.
            HandlerFailed: the handler raised.
        """
        self.connect()
        assert self._connection is not None
        try:
            self._connection.sendall(encode(event))
            reply = receive(self._connection)
        except OSError:
            reply = None
        if reply is None:
            self.close()
            raise HandlerGone(f"{self.path.stem} ended while it worked")
        return decode(*reply)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _hung_up(connection: socket.socket) -> bool:
    """Return whether the other side has closed; between requests it sends nothing."""
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
