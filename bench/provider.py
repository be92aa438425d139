"""The receiver that every system sends to: one small process that answers a call in about 0.03 ms of CPU.

    python -m bench.provider --port 9100

    POST /v1/messages    a JSON object with an `event_id`; an Idempotency-Key that was seen is answered from memory
    POST /emails         the same as Resend has it: the name before the recipient's @ is the event id
    POST /_run           {"latency": seconds, "lies": share}: begin a new record
    GET  /_record        {event id: [first arrival, calls, times accepted]}

A lie is an acceptance answered with a 500. It is drawn by the event's id and the number of the call, so every system
meets the same fate with the same event. A key is only ever remembered: who sends none is simply taken at his word.
"""

import argparse
import asyncio
import json
import time
from hashlib import blake2b
from typing import cast, override

import uvloop

from bench.wire import Message, Parser

FIRST, CALLS, ACCEPTED = 0, 1, 2
RECEIVED, MAILED = b'{"received":true}', b'{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}'


class Record:
    """What has arrived since the run began, and the answers to it."""

    def __init__(self) -> None:
        self.begin(latency=0.0, lies=0.0)

    def begin(self, latency: float, lies: float) -> None:
        """Forget everything; `latency` in seconds, `lies` as a share of the calls."""
        self.latency = latency
        self.lies = lies
        self.events: dict[str, list[float]] = {}
        self._keys: set[str] = set()

    def take(self, event_id: str, key: str | None) -> int:
        """Accept one message and return the status of the answer."""
        now = time.time()
        entry = self.events.setdefault(event_id, [now, 0, 0])
        entry[CALLS] += 1
        if key is not None and key in self._keys:
            return 200
        entry[ACCEPTED] += 1
        if key is not None:
            self._keys.add(key)
        return 500 if self.lies and _drawn(event_id, int(entry[CALLS]), self.lies) else 202


class Connection(asyncio.Protocol):
    """One kept-alive connection of a caller."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._parser = Parser()
        self._transport: asyncio.WriteTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        self._transport = cast("asyncio.WriteTransport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        for message in self._parser.feed(data):
            self._answer(message)

    def _answer(self, message: Message) -> None:
        record = self._record
        method, path, _ = message.start.split(b" ", 2)
        if path == b"/_run":
            record.begin(**json.loads(message.body))
            self._reply(200, b"{}")
        elif path == b"/_record":
            self._reply(200, json.dumps(record.events).encode())
        elif method == b"POST":
            key = message.header(b"idempotency-key")
            body, is_mail = json.loads(message.body), path == b"/emails"
            event = body["to"][0].partition("@")[0] if is_mail else str(body["event_id"])
            status = record.take(event, key)
            answer = (200 if status == 202 else status, MAILED) if is_mail else (status, RECEIVED)
            asyncio.get_running_loop().call_later(record.latency, self._reply, *answer)
        else:
            self._reply(404, b"{}")

    def _reply(self, status: int, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % (status, len(body)) + body)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    record = Record()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(record), "127.0.0.1", port)
    await server.serve_forever()


def _drawn(event_id: str, call: int, share: float) -> bool:
    lot = blake2b(f"{event_id}:{call}".encode(), digest_size=8).digest()
    return int.from_bytes(lot) / 2**64 < share


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.provider")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
