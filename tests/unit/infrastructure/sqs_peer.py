"""An SQS that does what a test says with each request, and a clock that moves only when a test or a peer moves it."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

type Step = Callable[[socket.socket, "Received"], bool]  # False: the connection is over

LINGER_NOT = struct.pack("ii", 1, 0)  # closing resets


class StoppedClock:
    """A clock that goes on by what is slept, and by what a peer takes its time for."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 25, 10, tzinfo=UTC)

    def elapsed(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Received:
    """One request, and the how-manieth connection it came on."""

    connection: int
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        return self.headers["x-amz-target"].removeprefix("AmazonSQS.")


@dataclass
class Peer:
    """Where it answers, what it has received, and the steps it has left."""

    url: str
    steps: Iterator[Step]
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)  # the first connection is over

    @property
    def queue(self) -> str:
        return f"{self.url}/000000000000/q"

    def serve(self, connection: socket.socket, number: int) -> None:
        """Answer one connection's requests."""
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while request := _read(stream, number):
                self.received.append(request)
                if not next(self.steps)(connection, request):
                    break
        connection.close()
        self.ended.set()


@contextmanager
def peer(*steps: Step, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Start a peer that does one step for each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        started = Peer(f"{scheme}://{host}:{listener.getsockname()[1]}", iter(steps))
        threads: list[threading.Thread] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with suppress(OSError):
                        secured = tls.wrap_socket(connection, server_side=True) if tls else connection
                        threads.append(threading.Thread(target=started.serve, args=(secured, len(threads))))
                        threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield started
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        for thread in threads:
            thread.join()


def answer(
    body: object = (), status: int = 200, headers: Iterable[str] = (), *, after: Callable[[], None] = lambda: None
) -> Step:
    """Answer as SQS does, and keep the connection."""

    def step(connection: socket.socket, _: Received) -> bool:
        after()
        text = b"" if body == () else json.dumps(body).encode()
        lines = "".join(f"{line}\r\n" for line in headers)
        connection.sendall(f"HTTP/1.1 {status} S\r\n{lines}content-length: {len(text)}\r\n\r\n".encode() + text)
        return True

    return step


def refuse(code: str, status: int = 400, message: str = "no") -> Step:
    """Refuse as SQS does."""
    return answer({"__type": f"com.amazonaws.sqs#{code}", "message": message}, status)


def say(text: bytes, *, stay: bool = False) -> Step:
    """Write these bytes, then hang up (or stay)."""

    def step(connection: socket.socket, _: Received) -> bool:
        connection.sendall(text)
        return stay

    return step


def echo(connection: socket.socket, received: Received) -> bool:
    """Give the request's body back where the status line belongs."""
    connection.sendall(received.body + b"\r\n\r\n")
    return False


def reset(connection: socket.socket, _: Received) -> bool:
    """Break the connection off instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    return False


def then_reset(first: Step) -> Step:
    """Answer, then break the connection off while it is idle."""

    def step(connection: socket.socket, received: Received) -> bool:
        first(connection, received)
        return reset(connection, received)

    return step


def drip(clock: StoppedClock, seconds: int) -> Step:
    """Send a byte each second of the clock, for so long, and never a whole answer."""

    def step(connection: socket.socket, _: Received) -> bool:
        for byte in b"HTTP/1.1 200 OK\r\n"[:seconds]:
            clock.seconds += 1
            connection.sendall(bytes([byte]))
        return bool(connection.recv(1))  # until the other side gives up

    return step


def parameters(received: Received) -> dict[str, Any]:
    """Return the parameters of a call."""
    found: dict[str, Any] = json.loads(received.body)
    return found


def _read(stream: Any, number: int) -> Received | None:
    if not stream.readline():
        return None
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) and b":" in line:
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Received(number, headers, stream.read(int(headers["content-length"])))
