"""HTTP/1.1 over asyncio: one protocol object per connection, no framework, because it shares its cores with benchmarks.

Requests of one connection are answered one after the other. An answer of the plain manner is one write; every other
manner (late, cut, dripping) is played by a task that ends when the peer goes away.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

import httptools

from drumbeat.sandbox.http_messages import PLAIN, Answer, Inbound, Manner

MAX_BODY = 26 * 1024 * 1024  # Mailgun takes messages of 25 MB
MAX_HEADERS = 64 * 1024
DRIPS = 20

REASONS = {status.value: status.phrase for status in HTTPStatus}

type Answering = Callable[[Inbound, Callable[[Callable[[], None]], None]], Answer]


class Connection(asyncio.Protocol):
    """One client connection.

    `answer(request, when_gone)` is called once per complete request; what it hands to `when_gone` runs once when the
    answer has left or the peer has gone, whichever is first.
    """

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._waiting: deque[tuple[Inbound, bool]] = deque()
        self._playing: asyncio.Task[None] | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._refused = False
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class says so only by its methods

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop whatever was still being said."""
        if self._playing is not None:
            self._playing.cancel()
        self._waiting.clear()
        self._finish()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is not HTTP gets a 400 and the end of the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400)

    # -- parser callbacks

    def on_message_begin(self) -> None:
        """Start an empty request."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_size = 0
        self._body: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """Collect the target, which may come in pieces."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header."""
        self._header_size += len(name) + len(value)
        if self._header_size > MAX_HEADERS:
            self._refuse(431)
        else:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Tell a client that asks first to go on."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body."""
        self._size += len(body)
        if self._size > MAX_BODY:
            self._refuse(413)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer the request, or queue it behind the one being answered."""
        if self._refused:
            return
        target = self._url.decode("latin-1")
        path, _, query = target.partition("?")
        method = self._parser.get_method().decode("latin-1")
        request = Inbound(method, path, query, self._headers, b"".join(self._body))
        keep = self._parser.should_keep_alive()
        if self._playing is None:
            self._take(request, keep)
        else:
            self._waiting.append((request, keep))

    # -- answering

    def _take(self, request: Inbound, keep: bool) -> None:
        answer = self._answer(request, self._afterwards.append)
        head, body = _render(answer, keep, bodiless=request.method == "HEAD")
        if answer.manner is PLAIN:
            self._transport.write(head + body)
            self._end(keep)
        else:
            self._playing = asyncio.get_running_loop().create_task(self._play(head, body, answer.manner, keep))

    async def _play(self, head: bytes, body: bytes, manner: Manner, keep: bool) -> None:
        if manner.delay:
            await asyncio.sleep(manner.delay)
        if manner.cut == "before":
            self._transport.abort()
            return
        await self._say(head, manner.over if manner.drip == "headers" else 0.0)
        if manner.cut == "midway":
            self._transport.write(body[: len(body) // 2])
            self._transport.close()
            return
        await self._say(body, manner.over if manner.drip == "body" else 0.0)
        self._playing = None
        self._end(keep and not manner.hang_up)
        while self._waiting and self._playing is None and not self._transport.is_closing():
            self._take(*self._waiting.popleft())

    async def _say(self, data: bytes, over: float) -> None:
        if not over:
            self._transport.write(data)
            return
        step = max(1, len(data) // DRIPS)
        pieces = [data[start : start + step] for start in range(0, len(data), step)]
        for piece in pieces:
            self._transport.write(piece)
            await asyncio.sleep(over / len(pieces))

    def _end(self, keep: bool) -> None:
        self._finish()
        if not keep:
            self._transport.close()

    def _finish(self) -> None:
        afterwards, self._afterwards[:] = list(self._afterwards), []
        for run in afterwards:
            run()

    def _refuse(self, status: int) -> None:
        if not self._refused:
            self._refused = True
            head, body = _render(Answer(status, REASONS[status].encode(), "text/plain"), keep=False, bodiless=False)
            self._transport.write(head + body)
            self._transport.close()


def _render(answer: Answer, keep: bool, *, bodiless: bool) -> tuple[bytes, bytes]:
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}"]
    if answer.status != 204:
        lines.append(f"Content-Type: {answer.type}")
        lines.append(f"Content-Length: {len(answer.body)}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if not keep:
        lines.append("Connection: close")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "replace"), b"" if bodiless or answer.status == 204 else answer.body
