"""The bytes of an answer, for `http.client` to read within the time limit of its call."""

import io
import socket

from drumbeat.infrastructure.deadline import Deadline


class Incoming(io.RawIOBase):
    """What comes back on a socket, each read within the time that is left of the call."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connected, deadline

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - HTTPResponse needs this method of a socket
        """Return what `HTTPResponse` reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what is there, or wait for it as long as there is time. Raises OSError."""
        self._socket.settimeout(self._deadline.remaining())
        return self._socket.recv_into(buffer)
