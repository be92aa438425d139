"""A TCP proxy in front of Postgres that cuts a connection before, during or after a statement's commit."""

import asyncio
import threading
from collections import deque
from enum import StrEnum
from typing import Self

from drumbeat.local.servers import free_port

BUFFER_BYTES = 256 * 1024


class Cut(StrEnum):
    """Where the connection of the next statement ends."""

    BEFORE = "before the statement arrives"
    DURING = "while the statement runs"
    AFTER = "after its commit, before the answer"


class ConnectionCutter:
    """The proxy, in a thread of its own; use as a context manager."""

    def __init__(self, upstream: int) -> None:
        self.port = free_port()
        self._upstream = upstream
        self._wanted: deque[Cut] = deque()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        started = asyncio.start_server(self._link, "127.0.0.1", self.port, limit=BUFFER_BYTES)
        self._server = self._loop.run_until_complete(started)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._thread.is_alive():  # it never started
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._close())
        self._loop.close()

    def cut(self, where: Cut) -> None:
        """Cut the connection that sends the next statement."""
        self._wanted.append(where)

    def stall(self, seconds: float) -> None:
        """Hold everything back, in both directions, for so long, without closing a connection."""
        self._loop.call_soon_threadsafe(self._flowing.clear)
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._flowing.set)

    async def _close(self) -> None:
        self._server.close()
        links = asyncio.all_tasks() - {asyncio.current_task()}
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._upstream, limit=BUFFER_BYTES)
        except OSError:  # Postgres is away
            writer.transport.abort()
            return
        link = _Link((reader, writer), upstream)
        requests, answers = (
            asyncio.create_task(self._forward_requests(link)),
            asyncio.create_task(self._forward_answers(link)),
        )
        try:
            await asyncio.wait((requests, answers), return_when=asyncio.FIRST_COMPLETED)
        finally:
            requests.cancel()
            answers.cancel()
            link.abort()

    async def _forward_requests(self, link: "_Link") -> None:
        """Forward what the client sends; cut at a statement when that is wanted."""
        while data := await link.from_client():
            await self._flowing.wait()
            if link.ready and self._wanted and data[:1] != b"X":  # X: the client ends the session
                where = self._wanted.popleft()
                if where is Cut.BEFORE:
                    return
                await link.to_server(data)
                if where is Cut.DURING:
                    return
                link.forwards_answers = False
            else:
                await link.to_server(data)

    async def _forward_answers(self, link: "_Link") -> None:
        """Forward what the server sends, unless its answer is to be lost: then wait until it has committed."""
        while data := await link.from_server():
            await self._flowing.wait()
            link.ready = data[-6:-1] == b"Z\x00\x00\x00\x05"  # ReadyForQuery
            if link.forwards_answers:
                await link.to_client(data)
            elif link.ready:
                return


class _Link:
    """One client's connection and its counterpart to the server."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._client, self._server = client, server
        self.ready = False  # the server waits for a statement
        self.forwards_answers = True  # to the client

    async def from_client(self) -> bytes:
        return await _read(self._client[0])

    async def from_server(self) -> bytes:
        return await _read(self._server[0])

    async def to_client(self, data: bytes) -> None:
        await _write(self._client[1], data)

    async def to_server(self, data: bytes) -> None:
        await _write(self._server[1], data)

    def abort(self) -> None:
        """End both: the client sees a reset, the server reads what was sent and then the end."""
        self._client[1].transport.abort()
        self._server[1].close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(BUFFER_BYTES)
    except OSError:
        return b""


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        writer.write(data)
        await writer.drain()
    except OSError:
        pass  # the next read sees the end of the connection
