"""The load: POSTs in a burst or at a fixed rate over kept-alive connections, from a process of its own.

    python -m bench.load < order.json > answers.json

The order names the requests, the answers have for each event when it was due, sent, answered, and with which status
(0: no answer). At a fixed rate nothing waits for answers: a slow system meets the same load as a fast one.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple, cast, override

import uvloop

from bench.wire import Message, Parser

TIMEOUT_SECONDS = 30.0  # for one answer


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and where to. `rate` is in events a second, None for full speed."""

    port: int
    path: str
    headers: dict[str, str]
    bodies: list[str]  # one request each, in this order
    ids: list[list[str]]  # the events of each request
    connections: int = 32
    rate: float | None = None

    def json(self) -> bytes:
        """Return the order as it is read by the process."""
        return json.dumps(asdict(self)).encode()


class Posted(NamedTuple):
    """The result of one event's POST; times in seconds of the epoch."""

    id: str
    due: float
    sent: float
    answered: float
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the system promised to do it."""
        return 200 <= self.status < 300


class Line(asyncio.Protocol):
    """One connection: one request under way at a time."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[Message] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Give the answer to the waiting request."""
        for message in self._parser.feed(data):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(message)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End the waiting request with an error."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("closed"))

    async def exchange(self, request: bytes, port: int) -> Message:
        """Send one request and return its answer; raises OSError when none comes."""
        if self._transport is None:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._answer


async def send(order: Order) -> list[Posted]:
    """Carry out an order and return the result of each event."""
    requests = [_request(order, body) for body in order.bodies]
    posted: list[Posted] = []
    lines: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(order.connections):
        lines.put_nowait(Line())
    start = time.time()

    async def post(number: int) -> None:
        ids = order.ids[number]
        due = start + number * len(ids) / order.rate if order.rate else time.time()
        await asyncio.sleep(max(0.0, due - time.time()))
        line = await lines.get()
        sent = time.time()
        statuses = [0] * len(ids)
        try:
            statuses = _statuses(await line.exchange(requests[number], order.port), len(ids))
        except OSError:
            line = Line()
        answered = time.time()
        lines.put_nowait(line)
        posted.extend(Posted(id, due, sent, answered, status) for id, status in zip(ids, statuses, strict=True))

    if order.rate:
        await asyncio.gather(*map(post, range(len(requests))))
    else:
        numbers = iter(range(len(requests)))
        await asyncio.gather(*(_in_turn(post, numbers) for _ in range(order.connections)))
    return posted


async def _in_turn(post: Callable[[int], Awaitable[None]], numbers: Iterator[int]) -> None:
    for number in numbers:
        await post(number)


def _request(order: Order, body: str) -> bytes:
    raw = body.encode()
    headers = {
        "Host": f"127.0.0.1:{order.port}",
        "Content-Type": "application/json",
        **order.headers,
        "Content-Length": str(len(raw)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {order.path} HTTP/1.1\r\n{lines}\r\n".encode() + raw


def _statuses(message: Message, events: int) -> list[int]:
    """Return the status of each event: the answer's own, or for a batch the one that its results name."""
    status = int(message.start.split(b" ")[1])
    if status != 207:
        return [status] * events
    return [int(result["status"]) for result in json.loads(message.body)["results"]]


if __name__ == "__main__":
    json.dump(uvloop.run(send(Order(**json.load(sys.stdin)))), sys.stdout)
