"""HTTP/1.1 over asyncio: one protocol object per connection, no framework, because it shares its cores with benchmarks.

Requests of one connection are answered one after the other. A response that is sent at once is one write; every other
one (delayed, cut, sent slowly) is sent by a task that ends when the client disconnects.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

import httptools

from drumbeat.sandbox.http_messages import IMMEDIATE, HttpRequest, HttpResponse
from drumbeat.sandbox.origin import add
from drumbeat.sandbox.request_parser import HeadTooLarge, RequestParser

MAX_BODY_BYTES = 26 * 1024 * 1024  # Mailgun accepts messages of 25 MB
MAX_HEADER_BYTES = 64 * 1024
DRIP_PIECES = 20

REASONS = {status.value: status.phrase for status in HTTPStatus}

type Handler = Callable[[HttpRequest, Callable[[Callable[[], None]], None]], HttpResponse | Awaitable[HttpResponse]]


class Connection(asyncio.Protocol):
    """One client connection.

    `handle(request, when_gone)` is called once per complete request; the callable it passes to `when_gone` runs once,
    when the response has left or the client has disconnected, whichever comes first.
    """

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._parser = RequestParser(self, MAX_HEADER_BYTES)
        self._transport: asyncio.Transport
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._refused = False
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class says so only by its methods

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop what was still being sent."""
        if self._sending is not None:
            self._sending.cancel()
        self._waiting.clear()
        self._finish()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; anything that is not HTTP gets a 400 and the end of the connection."""
        try:
            self._parser.feed_data(data)
        except HeadTooLarge:
            self._refuse(431)
        except httptools.HttpParserError:
            self._refuse(400)

    # -- parser callbacks

    def on_message_begin(self) -> None:
        """Start an empty request."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """Collect the target, which may come in pieces."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header."""
        add(self._headers, name, value)

    def on_headers_complete(self) -> None:
        """Let a client continue that asks before it sends the body."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body."""
        self._size += len(body)
        if self._size > MAX_BODY_BYTES:
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
        request = HttpRequest(method, path, query, self._headers, b"".join(self._body))
        keep = self._parser.should_keep_alive()
        if self._sending is None:
            self._respond(request, keep)
        else:
            self._waiting.append((request, keep))

    # -- answering

    def _respond(self, request: HttpRequest, keep: bool) -> None:
        response = self._handle(request, self._afterwards.append)
        bodiless = request.method == "HEAD"
        if isinstance(response, HttpResponse) and response.transmission is IMMEDIATE:
            head, body = _render(response, keep, bodiless=bodiless)
            self._transport.write(head + body)
            self._end(keep)
        else:
            self._sending = asyncio.get_running_loop().create_task(self._send(response, keep, bodiless=bodiless))

    async def _send(self, response: HttpResponse | Awaitable[HttpResponse], keep: bool, *, bodiless: bool) -> None:
        if not isinstance(response, HttpResponse):
            response = await response
        head, body = _render(response, keep, bodiless=bodiless)
        transmission = response.transmission
        if transmission.delay_seconds:
            await asyncio.sleep(transmission.delay_seconds)
        if transmission.cut == "before":
            self._transport.abort()
            return
        await self._write(head, transmission.drip_seconds if transmission.drip == "headers" else 0.0)
        if transmission.cut == "midway":
            self._transport.write(body[: len(body) // 2])
            self._transport.close()
            return
        await self._write(body, transmission.drip_seconds if transmission.drip == "body" else 0.0)
        self._sending = None
        self._end(keep and not transmission.close_afterwards)
        while self._waiting and self._sending is None and not self._transport.is_closing():
            self._respond(*self._waiting.popleft())

    async def _write(self, data: bytes, drip_seconds: float) -> None:
        if not drip_seconds:
            self._transport.write(data)
            return
        step = max(1, len(data) // DRIP_PIECES)
        pieces = [data[start : start + step] for start in range(0, len(data), step)]
        for piece in pieces:
            self._transport.write(piece)
            await asyncio.sleep(drip_seconds / len(pieces))

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
            head, body = _render(
                HttpResponse(status, REASONS[status].encode(), "text/plain"), keep=False, bodiless=False
            )
            self._transport.write(head + body)
            self._transport.close()


def _render(response: HttpResponse, keep: bool, *, bodiless: bool) -> tuple[bytes, bytes]:
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Unknown')}"]
    if response.status != 204:
        lines.append(f"Content-Type: {response.type}")
        lines.append(f"Content-Length: {len(response.body)}")
    lines += [f"{name}: {value}" for name, value in response.headers]
    if not keep:
        lines.append("Connection: close")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1", "replace"), b"" if bodiless or response.status == 204 else response.body
