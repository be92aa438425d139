"""A raw TCP peer for the HTTP caller: it keeps what it heard and answers by script, however badly."""

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"id": "a"}'
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Talk:
    """One connection, seen from the peer."""

    def __init__(self, sock: socket.socket, peer: "Peer") -> None:
        self.sock = sock
        self.peer = peer

    def hear(self) -> bytes | None:
        """Return one complete request, or None when the caller hung up instead."""
        data = b""
        while not _is_complete(data):
            chunk = self.sock.recv(65536)
            if not chunk:
                return None
            data += chunk
        self.peer.requests.append(data)
        return data

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes, pause: float = 0.02) -> None:
        """Say it a byte at a time until the test is over."""
        for byte in data:
            self.say(bytes([byte]))
            if self.peer.over.wait(pause):
                return

    def hang(self) -> None:
        """Say nothing until the test is over."""
        self.peer.over.wait()

    def hang_up(self) -> None:
        self.sock.close()
        self.peer.hung_up.set()

    def reset(self) -> None:
        """Hang up rudely."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.hang_up()


type Script = Callable[[Talk], None]


def polite(talk: Talk) -> None:
    """Answer every request with OK for as long as they come."""
    while talk.hear():
        talk.say(OK)


def answering(reply: bytes) -> Script:
    """Return the script that hears one request, says this, and hangs up."""

    def script(talk: Talk) -> None:
        talk.hear()
        talk.say(reply)

    return script


class Peer:
    """A listening peer: `with Peer(script) as peer`. Each connection runs the script in a thread of its own."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self.hung_up = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._talking: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        for sock in (self._listener, *self._talking):
            with suppress(OSError):  # closed already
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            sock.settimeout(5)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._talking.append(sock)
            self._script(Talk(sock, self))
        except OSError:
            pass  # the caller hung up first, which is its right
        finally:
            sock.close()


def _is_complete(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)
