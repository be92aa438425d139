"""A tap on the queue: passes everything on between Drumbeat and its SQS, and notes when each event went through.

    python -m bench.tap --port 9200 --upstream 9300

    GET /_tap    {event id: [went in, came out]}, seconds of the epoch

What lies between the two instants is the queue's own delivery, a managed service on AWS. An id is known by its shape in
the bytes that pass, so the tap need not understand the protocol; an event's id goes in before it comes out.
"""

import argparse
import asyncio
import json
import re
import time
from contextlib import suppress

import uvloop

READ_BYTES = 262_144
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LENGTH = 36


class Tap:
    """The instants at which ids went through."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._in: dict[bytes, float] = {}
        self._out: dict[bytes, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        first = await reader.read(READ_BYTES)
        if first.startswith(b"GET /_tap "):
            body = json.dumps({id.decode(): [at, self._out.get(id)] for id, at in self._in.items()}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()
            return
        server, client = await asyncio.open_connection("127.0.0.1", self._upstream)
        await asyncio.gather(
            self._pass(reader, client, self._in, first),
            self._pass(server, writer, self._out, b""),
            return_exceptions=True,
        )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: dict[bytes, float], data: bytes
    ) -> None:
        tail = b""
        with suppress(OSError):
            while data or (data := await reader.read(READ_BYTES)):
                now = time.time()
                for id in UUID.findall(tail + data):
                    seen.setdefault(id, now)
                writer.write(data)
                await writer.drain()
                tail, data = data[1 - LENGTH :], b""
        writer.close()


async def serve(port: int, upstream: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(Tap(upstream).serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.tap")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.upstream))
