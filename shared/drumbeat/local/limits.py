"""What one caller may ask of the front: limits on heads, bodies and time, as API Gateway has them."""

import asyncio
from typing import Any, override

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from drumbeat.sandbox.request_parser import HeadTooLarge, RequestParser

MAX_HEAD_BYTES = 10_240  # request line and headers
MAX_BODY_BYTES = 10 * 1024 * 1024
ARRIVAL_SECONDS = 30.0  # within which a request has to be here, from its connection or its first byte on
FAREWELL_SECONDS = 1.0  # a caller that still sends would lose the answer if its connection were closed at once

BAD, LATE, TOO_LARGE = "400 Bad Request", "408 Request Timeout", "431 Request Header Fields Too Large"


class LimitedProtocol(HttpToolsProtocol):
    """One connection to the front. A request over a limit is answered and ends it; `Upgrade` is ignored."""

    parser: RequestParser  # type: ignore[assignment]  # reads what uvicorn asks of its own
    arrival_seconds = ARRIVAL_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **named)
        self.parser = RequestParser(self, MAX_HEAD_BYTES, data_after_close=True)
        self._late: asyncio.TimerHandle | None = None
        self._over = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._expect()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._arrived()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Read what came; after what is no request nothing is read."""
        if self._over:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except HeadTooLarge:
            self._refuse(TOO_LARGE)
        except httptools.HttpParserError:
            self._refuse(BAD)
        else:
            if self.parser.under_way and self._late is None:
                self._expect()

    @override
    def on_message_complete(self) -> None:
        """Wait no longer: the request is whole."""
        self._arrived()
        super().on_message_complete()

    def _expect(self) -> None:
        self._late = self.loop.call_later(self.arrival_seconds, self._refuse, LATE)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: str) -> None:
        """End the connection: with this answer, or after the answers that are still to come."""
        self._arrived()
        self._over = True
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        body = f'{{"message":"{status.partition(" ")[2]}"}}'
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
        self.transport.write(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}".encode())
        self.transport.write_eof()
        self._late = self.loop.call_later(FAREWELL_SECONDS, self.transport.close)
