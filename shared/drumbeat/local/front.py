"""The HTTP front: takes API Gateway's place between callers and the handler processes.

python -m drumbeat.local.front --template template.yaml --sockets run --home . --pool console=1 --port 8787
"""

import argparse
import asyncio
import json
import sys
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast, override

import uvicorn
import uvloop

from drumbeat.local import disk, steady_output
from drumbeat.local.frames import HEADER, HandlerFailed, HandlerGone, Json, decode, encode
from drumbeat.local.gate import Gate, Receive, Send
from drumbeat.local.gateway import JSON_HEADERS, Headers, Routes, request_event, response
from drumbeat.local.limits import MAX_BODY_BYTES, LimitedProtocol
from drumbeat.local.template import Template
from drumbeat.local.vendor_webhooks import APPLIED

# What any page may send to by design, as beginnings of paths: forms on a customer's site, and pages of ours, whose
# browsers do not say where they are (`no-referrer`), so that a link's token goes nowhere else.
FROM_ANY_PAGE: tuple[str, ...] = ("/v1/forms/", "/f/", "/c/", "/u/")
# Lambda's limit: of the whole event and of the whole answer, in which a body is base64 or quoted text.
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
ANSWER_SECONDS = 30.0  # API Gateway's limit
CONFIG_PATH = "/v1/config"
RECONNECT_SECONDS = 0.05  # between two tries to reach a handler that is being started again


class CallerGone(Exception):
    """The caller closed the connection before its request was whole."""


class Pool:
    """The handler processes of one function; a request waits when all are busy."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self._idle: deque[Connection] = deque()
        self._waiting: deque[asyncio.Future[Connection]] = deque()

    async def start(self) -> None:
        """Connect to every handler."""
        await asyncio.gather(*(self.connect(path) for path in self.paths))

    async def connect(self, path: Path) -> None:
        """Connect to one handler, however long it takes to come up."""
        while True:
            try:
                _, connection = await asyncio.get_running_loop().create_unix_connection(
                    lambda: Connection(self, path), str(path)
                )
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                return self.free(connection)

    async def invoke(self, frame: bytes) -> Json:
        """Hand one event to a handler and return its result.

        Raises HandlerFailed, HandlerGone, or TimeoutError after 30 seconds, waiting for a free handler included.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_SECONDS
        if self._idle:
            connection = self._idle.popleft()
        else:
            free: asyncio.Future[Connection] = loop.create_future()
            self._waiting.append(free)
            connection = await _within(free, until)
        kind, text = await _within(connection.send(frame), until)
        return decode(kind, text)

    def free(self, connection: "Connection") -> None:
        """Take back a handler that has answered."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        # The latest first: at low load one process stays warm and the others cost nothing.
        self._idle.appendleft(connection)

    def lost(self, connection: "Connection") -> None:
        """Wait for the successor of a handler that ended."""
        if connection in self._idle:
            self._idle.remove(connection)
        task = asyncio.get_running_loop().create_task(self._connect_again(connection.path))
        _background.add(task)
        task.add_done_callback(_background.discard)

    async def _connect_again(self, path: Path) -> None:
        # A process that is ending may close what it listens on after its connections, and take one more meanwhile.
        await asyncio.sleep(RECONNECT_SECONDS)
        await self.connect(path)


class Connection(asyncio.Protocol):
    """The connection to one handler process: one frame out, one frame back."""

    def __init__(self, pool: Pool, path: Path) -> None:
        self.path = path
        self._pool = pool
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[tuple[int, bytes | bytearray]] | None = None
        self._buffer = bytearray()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, frame: bytes) -> "asyncio.Future[tuple[int, bytes | bytearray]]":
        """Send one event; the future is the reply frame, or HandlerGone."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._answer.set_exception(HandlerGone(self.path.stem))
        else:
            self._transport.write(frame)
        return self._answer

    @override
    def data_received(self, data: bytes) -> None:
        """Collect the reply; when it is complete, the handler is free again, even if the caller no longer waits."""
        self._buffer += data
        if len(self._buffer) < HEADER.size:
            return
        length, kind = HEADER.unpack_from(self._buffer)
        if len(self._buffer) < HEADER.size + length:
            return
        answer, text = self._answer, self._buffer[HEADER.size :]
        self._answer, self._buffer = None, bytearray()
        if answer is not None and not answer.done():
            answer.set_result((kind, text))
        self._pool.free(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait of the caller with HandlerGone."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(HandlerGone(self.path.stem))
        self._pool.lost(self)


class Front:
    """The ASGI application."""

    def __init__(self, template: Template, pools: dict[str, Pool], home: Path) -> None:
        self.routes = Routes(route for route in template.routes if route.function in pools)
        self.pools = pools
        self.disk = disk.Watch(home)
        self._applied = home / APPLIED

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        try:
            status, headers, body = await self.answer(scope, receive)
        except CallerGone:
            return
        added = [_length(body)]
        if (left := self.disk.shortage()) is not None:
            added.append((disk.HEADER.encode(), str(left).encode()))
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *added]})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope: MutableMapping[str, Any], receive: Receive) -> tuple[int, Headers, bytes]:
        """Return status, headers and body."""
        found = self.routes.find(scope["method"], scope["path"])
        body = await _body(receive)
        if body is None:
            return _problem(413, "Request Entity Too Large")
        if found is None:
            return _problem(404, "Not Found")
        route, variables = found
        try:
            event = request_event(route, variables, scope, scope["headers"], body)
            if not _passes(event, len(body)):
                return _problem(413, "Request Entity Too Large")
            answer = await self.pools[route.function].invoke(encode(event))
            status, headers, raw = response(answer)
            if not _passes(answer, len(raw)):
                print(f"{route.function}: its answer has over {MAX_PAYLOAD_BYTES:,} bytes", file=sys.stderr, flush=True)
                return _problem(500, "Internal Server Error")  # as API Gateway says it
            if scope["path"] == CONFIG_PATH and scope["method"] == "PUT" and status < 300:
                self._note_applied()
            return status, headers, raw
        except TimeoutError:
            return _problem(503, "Service Unavailable")
        except (HandlerFailed, HandlerGone, ValueError, TypeError) as error:
            print(f"{route.function}: {type(error).__name__}", file=sys.stderr, flush=True)
            return _problem(500, "Internal Server Error")

    def _note_applied(self) -> None:
        with suppress(OSError):  # on a full disk the sandbox learns of it later
            self._applied.touch()


async def serve(front: Front, host: str, port: int) -> None:
    """Serve until a signal ends it; requests under way are answered first."""
    config = uvicorn.Config(
        Gate(front, pages=True, from_any_page=FROM_ANY_PAGE),
        host=host,
        port=port,
        loop="none",
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
    )
    for pool in front.pools.values():
        await pool.start()
    await uvicorn.Server(config).serve()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="drumbeat.local.front")
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--sockets", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True, help="folder of the stack, whose disk may be full")
    parser.add_argument("--pool", action="append", required=True, metavar="FUNCTION=SIZE")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    steady_output.install()
    pools = {}
    for part in options.pool:
        name, _, size = part.partition("=")
        pools[name] = Pool([options.sockets / f"{name}-{number}.sock" for number in range(1, int(size) + 1)])
    front = Front(Template.load(options.template), pools, options.home)
    uvloop.run(serve(front, options.host, options.port))


_background: set[asyncio.Task[None]] = set()  # the loop itself holds tasks only weakly


async def _within[T](future: "asyncio.Future[T]", until: float) -> T:
    """Await with a deadline; one timer, and no task of its own as `asyncio.wait_for` would need."""
    loop = asyncio.get_running_loop()
    timer = loop.call_at(until, _expire, future)
    try:
        return await future
    finally:
        timer.cancel()


def _expire(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _passes(payload: object, body_bytes: int) -> bool:
    """Return whether Lambda takes an event, or gives an answer. Quoting makes a body six times as long at most."""
    if body_bytes < MAX_PAYLOAD_BYTES // 8:
        return True
    return len(json.dumps(payload, ensure_ascii=False).encode(errors="surrogatepass")) <= MAX_PAYLOAD_BYTES


async def _body(receive: Receive) -> bytes | None:
    """Return the request's body, or None as soon as it is over the limit; raises CallerGone when it is cut off."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", str(len(body)).encode()


def _problem(status: int, message: str) -> tuple[int, Headers, bytes]:
    return status, JSON_HEADERS, f'{{"message":"{message}"}}'.encode()


if __name__ == "__main__":
    main()
