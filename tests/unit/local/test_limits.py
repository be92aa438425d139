"""The front's connections: what is too large or too late ends, what is only unusual is answered."""

import asyncio
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from drumbeat.local.limits import MAX_HEAD_BYTES, LimitedProtocol

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /v1/x HTTP/1.1\r\n" + HOST
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
CLOSE = b"Connection: close\r\n"

type Said = Callable[..., bytes]


class Hasty(LimitedProtocol):
    """A connection on which a request has no time to arrive."""

    arrival_seconds = 0.05


async def echo(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """Answer with the body, once it is whole."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    answer = f"{scope['path']}={body.decode()};".encode()
    await send({
        "type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(answer)).encode())]
    })  # fmt: skip
    await send({"type": "http.response.body", "body": answer})


async def exchange(protocol: type[LimitedProtocol], parts: tuple[bytes, ...]) -> bytes:
    config = uvicorn.Config(echo, http=protocol, ws="none", lifespan="off", access_log=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        with suppress(ConnectionError):  # what it sends after a refusal is not read
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.001)  # a packet of its own
        said = b""
        with suppress(ConnectionError):
            said = await reader.read()
        writer.close()
    return said


def ask(*parts: bytes, protocol: type[LimitedProtocol] = LimitedProtocol) -> bytes:
    """Send parts, and return all that is answered until the connection ends."""
    return asyncio.run(asyncio.wait_for(exchange(protocol, parts), 20))


@pytest.mark.parametrize(
    "head",
    [
        (b"x: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",),
        tuple(b"x-%d: %s\r\n" % (n, b"a" * 100) for n in range(200)),
        tuple(b"a" * 1024 for _ in range(40)),  # one header that does not end
    ],
    ids=["one large header", "many headers", "an endless header"],
)
def test_a_head_over_the_limit_is_refused(head: tuple[bytes, ...]) -> None:
    assert ask(POST, *head).startswith(b"HTTP/1.1 431 ")


def test_a_target_over_the_limit_is_refused() -> None:
    assert ask(b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n").startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /v1/x HTT",
        POST,
        POST + b"Content-Length: 5\r\n\r\nhe",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc",
    ],
)
def test_a_request_that_does_not_arrive_is_ended(begun: bytes) -> None:
    assert ask(begun, protocol=Hasty).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("upgrade", [UPGRADE, b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
)
def test_a_wish_to_upgrade_is_ignored_and_the_body_read(upgrade: bytes, body: bytes) -> None:
    after = b"GET /after HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"

    at_once = ask(POST + upgrade + body + after)
    piecemeal = ask(*(bytes([one]) for one in POST + upgrade + body + after))

    assert at_once.count(b"HTTP/1.1 200 ") == 2
    assert b"/v1/x=hello;" in at_once
    assert at_once.endswith(b"/after=;")
    assert b"/v1/x=hello;" in piecemeal


def test_requests_in_one_packet_are_answered_in_order() -> None:
    requests = b"".join(b"GET /%d HTTP/1.1\r\n%s\r\n" % (n, HOST) for n in range(5))

    said = ask(requests + b"GET /last HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")

    assert [said.index(b"/%d=" % n) for n in range(5)] == sorted(said.index(b"/%d=" % n) for n in range(5))
    assert said.endswith(b"/last=;")


def test_what_came_before_nonsense_is_answered() -> None:
    said = ask(b"GET /good HTTP/1.1\r\n" + HOST + b"\r\n" + b"\x16\x03\x01 no HTTP\r\n\r\n")

    assert b"/good=;" in said


@pytest.mark.parametrize(
    "request_", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
                 POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"]
)  # fmt: skip
def test_what_is_ambiguous_or_no_request_is_refused(request_: bytes) -> None:
    assert ask(request_).startswith(b"HTTP/1.1 400 ")
