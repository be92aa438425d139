"""Many callers at once, each of whom repeats a request until it holds a receipt."""

import asyncio
import json
from collections.abc import Callable

from drumbeat.local.frames import Json

CALLERS = 32


class Callers:
    """Callers that repeat an event with the same idempotency key until they hold a receipt."""

    def __init__(self, url: str, key: str, events: int, event: Callable[[int], Json]) -> None:
        self._host, _, port = url.removeprefix("http://").partition(":")
        self._port = int(port)
        self._key = key
        self._numbers = iter(range(events))
        self._event = event
        self.receipts: dict[int, str] = {}

    def run(self) -> None:
        """Send everything; returns when each event has its receipt."""
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._caller() for _ in range(CALLERS)))

    async def _caller(self) -> None:
        for number in self._numbers:
            while (event := await self._post(number)) is None:
                await asyncio.sleep(0.2)
            self.receipts[number] = event

    async def _post(self, number: int) -> str | None:
        body = json.dumps(self._event(number)).encode()
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer {self._key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(35):
                reader, writer = await asyncio.open_connection(self._host, self._port)
                writer.write(head.encode() + body)
                reply = await reader.read()
                writer.close()
        except (OSError, TimeoutError):
            return None
        status, _, rest = reply.partition(b"\r\n")
        if b" 202" not in status and b" 200" not in status:
            return None
        return str(json.loads(rest.partition(b"\r\n\r\n")[2])["eventId"])
