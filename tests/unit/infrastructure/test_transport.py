"""What httpx does by itself and must not do here: follow, remember, unpack, log, read the environment."""

import ast
import gzip
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from drumbeat.core.clock import SystemClock
from drumbeat.core.outcomes import Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.http import Caller, Failure
from tests.unit.infrastructure.peer import OK, Peer, Talk, answering, polite

PATIENT = 20.0  # seconds
ROOT = Path(__file__).parents[3]

type Get = Callable[..., Reply | Failure]


@pytest.fixture
def get() -> Iterator[Get]:
    caller = Caller(SystemClock(), allow_private=True)
    yield partial(called, caller)
    caller.close()


def called(caller: Caller, url: str, headers: Mapping[str, str] | None = None) -> Reply | Failure:
    deadline = SystemClock().elapsed() + PATIENT
    return caller.call(Request("GET", url, headers or {}), start_by=deadline, budget=PATIENT)


@pytest.fixture(scope="module")
def packed() -> bytes:
    """60 MB in 58 KB."""
    return gzip.compress(bytes(60_000_000))


@pytest.mark.parametrize("encoding", [b"gzip", b"gzip, gzip", b"deflate", b"br", b"unheard-of"])
def test_a_reply_is_never_unpacked(get: Get, packed: bytes, encoding: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(packed))

    with Peer(answering(head + packed)) as peer:
        reply = get(peer.url)

    assert isinstance(reply, Reply)
    assert reply.body == packed


@pytest.mark.parametrize("location", [b"http://[", b"http://a:b", b"//", b"\xff", b"javascript:1"])
def test_a_redirect_to_nowhere_is_a_reply_like_any_other(get: Get, location: bytes) -> None:
    with Peer(answering(b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location)) as peer:
        reply = get(peer.url)

    assert reply == Reply(302, {"location": location.decode("latin-1"), "content-length": "0"}, b"")


def test_no_cookie_is_kept_or_sent_back() -> None:
    def baker(talk: Talk) -> None:
        while talk.hear():
            talk.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n")

    caller = Caller(SystemClock(), allow_private=True)
    with Peer(baker) as peer:
        replies = [called(caller, peer.url) for _ in range(2)]
    caller.close()

    assert all(isinstance(reply, Reply) and reply.headers["set-cookie"] for reply in replies)
    assert not any(b"cookie" in request.lower() for request in peer.requests)
    assert not caller._client.cookies


def test_no_library_logs_what_was_sent_or_said(get: Get, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with Peer(answering(b"HTTP/1.1 200 ada@example.com\r\nContent-Length: 0\r\n\r\n")) as peer:
        reply = get(f"{peer.url}/people/ada@example.com")

    assert isinstance(reply, Reply)
    assert caplog.records == []


def test_the_environment_leads_no_call_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(polite) as proxy, Peer(polite) as peer:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        caller = Caller(SystemClock(), allow_private=True)
        reply = called(caller, peer.url)
        caller.close()

    assert isinstance(reply, Reply)
    assert proxy.connections == 0


def test_no_trust_store_is_read_before_there_is_a_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> ssl.SSLContext:
        raise AssertionError("the trust store was read")

    monkeypatch.setattr(ssl, "create_default_context", read)
    with Peer(polite) as peer:
        caller = Caller(SystemClock(), allow_private=True)
        reply = called(caller, peer.url)
        caller.close()

    assert isinstance(reply, Reply)


def test_an_unrequested_protocol_is_no_reply(get: Get) -> None:
    with Peer(answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + OK)) as peer:
        outcome = get(peer.url)

    assert outcome == Unknown("the reply was cut off or is not HTTP")
    assert len(peer.requests) == 1


def test_a_connection_that_changed_its_protocol_serves_no_other_call(get: Get) -> None:
    with Peer(answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello")) as peer:
        replies = [get(peer.url, {"Connection": "upgrade", "Upgrade": "x"}) for _ in range(2)]

    assert replies == [Reply(101, {"upgrade": "x"}, b"")] * 2
    assert peer.connections == 2


def test_one_package_knows_the_library() -> None:
    knowing = {
        path.relative_to(ROOT).parent.as_posix()
        for folder in ("shared", "functions")
        for path in (ROOT / folder).rglob("*.py")
        if imported(path) & {"httpx", "httpcore", "h11"}
    }

    assert knowing == {"shared/drumbeat/infrastructure/http"}


def imported(path: Path) -> set[str]:
    """Return the first name of every module that is imported anywhere in the file."""
    tree = list(ast.walk(ast.parse(path.read_text())))
    whole = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in whole | parts}
