"""The bytes between us and a peer."""

import select
import socket
import ssl
from contextlib import suppress

import httpcore

from drumbeat.infrastructure.deadline import CallError, Deadline


class Wire(httpcore.NetworkStream):
    """A connected socket that one call at a time uses; every operation is limited by that call's deadline.

    What the library writes is kept until it begins to read: the request is sent in one piece, its first byte leaves at
    one place, and a failure to write is reported there (the library would suppress it).
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self.begin(deadline)

    def begin(self, deadline: Deadline) -> None:
        """Begin a call: no byte of it has been written."""
        self._deadline = deadline
        self._kept: list[bytes] = []
        self._may_read: int | None = None
        self.started = False

    def limit(self, most: int | None) -> None:
        """Let so many more bytes be read, None: any number. A read beyond them raises CallError."""
        self._may_read = most

    def is_quiet(self) -> bool:
        """Return whether the peer has neither closed the connection nor sent anything unasked."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline limits the time
        """Keep the bytes until the library wants to read."""
        self._kept.append(buffer)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Send what was kept, then read."""
        if self._kept:
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it hung up
                self._send(b"".join(self._kept))
            self._kept.clear()
        if self._may_read is not None and self._may_read <= 0:
            raise CallError("the head of the reply does not end")
        self._sock.settimeout(self._deadline.remaining())
        data = self._sock.recv(max_bytes)
        if self._may_read is not None:
            self._may_read -= len(data)
        return data

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _send(self, request: bytes) -> None:
        self._sock.settimeout(self._deadline.remaining_to_start())
        self.started = True
        rest = memoryview(request)[self._sock.send(request) :]
        while rest:
            self._sock.settimeout(self._deadline.remaining())
            rest = rest[self._sock.send(rest) :]
