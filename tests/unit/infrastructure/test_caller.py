"""The caller against peers that are slow, rude or wrong: one request at most, and the truth about what left.

Long, because every way in which a peer can misbehave is in it.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drumbeat.core.clock import Clock, SystemClock
from drumbeat.core.outcomes import NotSent, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure import http, tls
from drumbeat.infrastructure.http import KEEP_ALIVE_SECONDS, MAX_REPLY_BYTES, Caller
from tests.unit.infrastructure import certificates
from tests.unit.infrastructure.peer import OK, Peer, Script, Talk, answering, polite

LONG_BUDGET_SECONDS = 20.0  # waited for only when something is broken
HASTY = 0.3


class StoppedClock(SystemClock):
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0

    def elapsed(self) -> float:
        return self.time


class PausedClock(SystemClock):
    """The process is frozen for an hour just before the clock is read for the nth time."""

    def __init__(self, at_reading: int) -> None:
        super().__init__()
        self._readings_left = at_reading

    def elapsed(self) -> float:
        self._readings_left -= 1
        return 0.0 if self._readings_left > 0 else 3600.0


type NewCaller = Callable[..., Caller]


@pytest.fixture
def new_caller() -> Iterator[NewCaller]:
    made: list[Caller] = []

    def new(clock: Clock | None = None, **options: object) -> Caller:
        made.append(Caller(clock or SystemClock(), **({"allow_private": True} | options)))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for caller in made:
        caller.close()


@pytest.fixture
def caller(new_caller: NewCaller) -> Caller:
    return new_caller()


def post(caller: Caller, url: str, *, budget: float = LONG_BUDGET_SECONDS, body: bytes = b"{}") -> Reply | http.Failure:
    deadline = SystemClock().elapsed() + LONG_BUDGET_SECONDS
    return caller.call(Request("POST", f"{url}/v1/send?x=1", {"X-Key": "k"}, body), start_by=deadline, budget=budget)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# ---------------------------------------------------------------- the request that leaves


def test_the_request_leaves_complete_and_without_asking_for_compression(caller: Caller) -> None:
    with Peer(polite) as peer:
        reply = post(caller, peer.url, body=b'{"to": 1}')

    assert reply == Reply(200, {"content-type": "application/json", "content-length": "11"}, b'{"id": "a"}')
    assert peer.requests == [
        b"POST /v1/send?x=1 HTTP/1.1\r\n"
        b"host: 127.0.0.1:" + str(peer.port).encode() + b"\r\n"
        b"user-agent: " + http.USER_AGENT.encode() + b"\r\n"
        b"X-Key: k\r\n"
        b"accept-encoding: identity\r\n"
        b"content-length: 9\r\n\r\n"
        b'{"to": 1}'
    ]


def test_transport_headers_cannot_be_overruled(caller: Caller) -> None:
    with Peer(polite) as peer:
        caller.call(
            Request("GET", peer.url, {"Host": "evil", "Accept-Encoding": "gzip", "User-Agent": "mine"}),
            start_by=SystemClock().elapsed() + LONG_BUDGET_SECONDS,
            budget=LONG_BUDGET_SECONDS,
        )

    head = peer.requests[0].lower()
    assert b"evil" not in head
    assert b"gzip" not in head
    assert b"content-length" not in head
    assert b"user-agent: mine" in head


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "ftp://127.0.0.1/"),
        Request("POST", "http:///path"),
        Request("POST", "http://127.0.0.1:port/"),
        Request("POST", "http://127.0.0.1:{port}/ä"),
        Request("POST", "http://127.0.0.1:{port}/a b"),
        Request("PO ST", "http://127.0.0.1:{port}/"),
        Request("POST", "http://127.0.0.1:{port}/", {"x": "a\r\nhost: evil"}),
        Request("POST", "http://127.0.0.1:{port}/", {"x\r\ny": "a"}),
        Request("POST", "http://127.0.0.1:{port}/", {"x": "\ud800"}),
    ],
)
def test_a_malformed_request_is_never_sent(caller: Caller, request_: Request) -> None:
    with Peer(polite) as peer:
        url = request_.url.replace("{port}", str(peer.port))
        outcome = caller.call(
            Request(request_.method, url, request_.headers),
            start_by=SystemClock().elapsed() + LONG_BUDGET_SECONDS,
            budget=LONG_BUDGET_SECONDS,
        )

    assert outcome == NotSent("the request is malformed")
    assert peer.requests == []


def test_many_threads_get_the_replies_to_their_own_requests(caller: Caller) -> None:
    def echo(talk: Talk) -> None:
        while request := talk.hear():
            body = request.partition(b"\r\n\r\n")[2]
            talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    bodies = [str(number).encode() for number in range(200)]

    with Peer(echo) as peer, ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda body: post(caller, peer.url, body=body), bodies))

    assert [reply.body for reply in replies if isinstance(reply, Reply)] == bodies
    assert sorted(request.partition(b"\r\n\r\n")[2] for request in peer.requests) == sorted(bodies)
    assert peer.connections <= 16


# ---------------------------------------------------------------- before the first byte


@pytest.mark.point(36)
def test_a_refused_connection_is_not_sent(caller: Caller) -> None:
    assert post(caller, f"http://127.0.0.1:{closed_port()}") == NotSent("connection refused")


@pytest.mark.point(36)
def test_an_unknown_host_is_not_sent(new_caller: NewCaller) -> None:
    def nowhere(host: str, port: int, timeout: float) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert post(new_caller(resolver=nowhere), "http://nowhere.test") == NotSent("host not found")
    assert post(new_caller(resolver=lambda *_: []), "http://nowhere.test") == NotSent("host not found")


@pytest.mark.point(36)
def test_the_next_address_is_tried_when_one_does_not_answer(new_caller: NewCaller) -> None:
    with Peer(polite) as peer:
        caller = new_caller(resolver=lambda *_: ["127.9.9.9", "127.0.0.1"])

        reply = post(caller, f"http://mail.test:{peer.port}")

    assert isinstance(reply, Reply)
    assert len(peer.requests) == 1


@pytest.mark.point(36)
def test_a_peer_that_speaks_no_tls_is_not_sent_to(caller: Caller) -> None:
    def plain(talk: Talk) -> None:
        talk.sock.recv(65536)
        talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with Peer(plain) as peer:
        assert post(caller, peer.url.replace("http:", "https:")) == NotSent("TLS failed")


@pytest.mark.point(36)
def test_a_tls_handshake_that_hangs_is_not_sent(caller: Caller) -> None:
    with Peer(Talk.hang) as peer:
        outcome = post(caller, peer.url.replace("http:", "https:"), budget=HASTY)

    assert outcome == NotSent("no connection in time")


@pytest.mark.point(26)
@pytest.mark.parametrize("reading", range(1, 12))
def test_no_pause_whenever_it_comes_lets_a_first_byte_leave_after_the_deadline(
    new_caller: NewCaller, reading: int
) -> None:
    clock = PausedClock(reading)

    with Peer(polite) as peer:
        outcome = new_caller(clock).call(Request("POST", peer.url), start_by=60.0, budget=100_000.0)

    if isinstance(outcome, Reply):
        assert len(peer.requests) == 1
    else:
        assert outcome == NotSent("lease ran out")
        assert peer.requests == []


@pytest.mark.point(26)
def test_a_pause_on_a_kept_connection_lets_nothing_leave_either(new_caller: NewCaller) -> None:
    clock = StoppedClock()
    caller = new_caller(clock)
    with Peer(polite) as peer:
        caller.call(Request("POST", peer.url), start_by=clock.time + 60, budget=LONG_BUDGET_SECONDS)

        outcome = caller.call(Request("POST", peer.url), start_by=clock.time, budget=LONG_BUDGET_SECONDS)

    assert outcome == NotSent("lease ran out")
    assert len(peer.requests) == 1


def test_a_budget_that_is_gone_before_the_start_is_not_sent(new_caller: NewCaller) -> None:
    clock = StoppedClock()
    with Peer(polite) as peer:
        outcome = new_caller(clock).call(Request("POST", peer.url), start_by=clock.time + 60, budget=0.0)

    assert outcome == NotSent("no connection in time")
    assert peer.requests == []


# ---------------------------------------------------------------- connections kept alive


def test_one_connection_serves_one_call_after_the_other(caller: Caller) -> None:
    with Peer(polite) as peer:
        replies = [post(caller, peer.url) for _ in range(3)]

    assert all(isinstance(reply, Reply) for reply in replies)
    assert peer.connections == 1


@pytest.mark.point(46)
@pytest.mark.parametrize("goodbye", [Talk.hang_up, Talk.reset])
def test_a_connection_closed_while_idle_is_replaced_and_nothing_is_doubled(
    caller: Caller, goodbye: Callable[[Talk], None]
) -> None:
    def once(talk: Talk) -> None:
        answering(OK)(talk)
        goodbye(talk)

    with Peer(once) as peer:
        post(caller, peer.url, body=b"first")
        peer.hung_up.wait()

        reply = post(caller, peer.url, body=b"second")

    assert isinstance(reply, Reply)
    assert [request.rpartition(b"\r\n")[2] for request in peer.requests] == [b"first", b"second"]


@pytest.mark.point(46)
def test_a_connection_that_dies_under_the_request_is_unknown_and_not_tried_again(caller: Caller) -> None:
    def second_is_cut(talk: Talk) -> None:
        answering(OK)(talk)
        talk.hear()
        talk.reset()

    with Peer(second_is_cut) as peer:
        post(caller, peer.url)

        outcome = post(caller, peer.url)

    assert isinstance(outcome, Unknown)
    assert len(peer.requests) == 2


@pytest.mark.point(30)
def test_a_connection_idle_for_long_is_not_trusted_though_it_looks_open(new_caller: NewCaller) -> None:
    clock = StoppedClock()
    caller = new_caller(clock)
    with Peer(polite) as peer:
        for _ in range(2):
            reply = caller.call(Request("POST", peer.url), start_by=clock.time + 60, budget=LONG_BUDGET_SECONDS)
            clock.time += KEEP_ALIVE_SECONDS

    assert isinstance(reply, Reply)
    assert peer.connections == 2


def test_a_peer_that_wants_to_close_is_not_called_again_on_that_connection(caller: Caller) -> None:
    with Peer(answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")) as peer:
        replies = [post(caller, peer.url) for _ in range(2)]

    assert all(isinstance(reply, Reply) for reply in replies)
    assert peer.connections == 2


def test_an_unrequested_reply_is_never_taken_for_the_next_request(caller: Caller) -> None:
    def twice(talk: Talk) -> None:
        while talk.hear():
            talk.say(OK + OK)

    with Peer(twice) as peer:
        post(caller, peer.url)

        reply = post(caller, peer.url)

    assert isinstance(reply, Reply)
    assert peer.connections == len(peer.requests) == 2


@pytest.mark.parametrize("more", [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"\r\n", b"ada@example.com", OK[:9]])
def test_what_a_peer_says_after_its_reply_spoils_no_other_call(caller: Caller, more: bytes) -> None:
    def talkative(talk: Talk) -> None:
        while talk.hear():
            talk.say(OK + more)

    with Peer(talkative) as peer:
        replies = [post(caller, peer.url) for _ in range(3)]

    assert [reply.status for reply in replies if isinstance(reply, Reply)] == [200, 200, 200]
    assert len(peer.requests) == 3


def test_a_peer_that_answers_and_hangs_up_before_it_has_read_the_request_is_heard(caller: Caller) -> None:
    def hasty(talk: Talk) -> None:
        talk.sock.recv(100)
        talk.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        talk.sock.shutdown(socket.SHUT_RDWR)

    with Peer(hasty) as peer:
        reply = post(caller, peer.url, body=b"x" * 20_000_000)

    assert isinstance(reply, Reply)
    assert reply.status == 413


def test_a_reset_after_the_reply_changes_nothing(caller: Caller) -> None:
    def rude(talk: Talk) -> None:
        talk.hear()
        talk.say(OK)
        talk.peer.over.wait(0.05)
        talk.reset()

    with Peer(rude) as peer:
        replies = []
        for _ in range(2):
            replies.append(post(caller, peer.url))
            assert peer.hung_up.wait(5)
            peer.hung_up.clear()

    assert all(isinstance(reply, Reply) for reply in replies)


# ---------------------------------------------------------------- after the first byte


def _half_said(talk: Talk) -> None:
    talk.hear()
    talk.say(OK[:20])


def _long(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_REPLY_BYTES + 1) + b"x" * (MAX_REPLY_BYTES + 1))


def _endless(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        talk.say(b"400\r\n" + b"x" * 1024 + b"\r\n")


def _long_head(talk: Talk) -> None:
    talk.hear()
    while True:
        talk.say(b"x" * 1024)


def _flood(talk: Talk) -> None:
    talk.hear()
    while True:
        talk.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(lambda talk: talk.hear(), "cut off", marks=pytest.mark.point(37), id="cut before the headers"),
        pytest.param(_half_said, "cut off", marks=pytest.mark.point(40), id="cut in the headers"),
        pytest.param(answering(b"SSH-2.0 ada@example.com\r\n\r\n"), "not HTTP", marks=pytest.mark.point(40), id="SSH"),
        pytest.param(_long_head, "not HTTP", id="endless headers"),
        pytest.param(_flood, "does not end", id="a flood of interim replies"),
    ],
)
def test_what_is_no_complete_reply_is_unknown(caller: Caller, script: Script, reason: str) -> None:
    with Peer(script) as peer:
        outcome = post(caller, peer.url)

    assert isinstance(outcome, Unknown)
    assert outcome.repeatable
    assert reason in outcome.reason
    assert "ada" not in outcome.reason
    assert len(peer.requests) == 1


@pytest.mark.point(40)
@pytest.mark.parametrize(
    ("script", "cut"),
    [
        pytest.param(answering(OK[:-3]), "the reply was cut off or is not HTTP", id="cut in the body"),
        pytest.param(
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "the reply was cut off or is not HTTP",
            id="bad chunk",
        ),
        pytest.param(_long, "reply over 64 KiB", id="long"),
        pytest.param(_endless, "reply over 64 KiB", id="endless"),
    ],
)
def test_a_reply_whose_body_is_not_all_there_says_so_and_its_connection_is_closed(
    caller: Caller, script: Script, cut: str
) -> None:
    with Peer(script) as peer:
        replies = [post(caller, peer.url) for _ in range(2)]

    for reply in replies:
        assert isinstance(reply, Reply)
        assert (reply.status, reply.cut) == (200, cut)
        assert len(reply.body) <= MAX_REPLY_BYTES
    assert peer.connections == 2


def _dripping_head(talk: Talk) -> None:
    talk.hear()
    talk.drip(OK * 100)


def _dripping_body(talk: Talk) -> None:
    talk.hear()
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    talk.drip(b"x" * 60000)


def _silent(talk: Talk) -> None:
    talk.hear()
    talk.hang()


def _interim(talk: Talk) -> None:
    talk.hear()
    while not talk.peer.over.wait(0.02):
        talk.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.point(37)
@pytest.mark.point(38)
@pytest.mark.parametrize("script", [_silent, _dripping_head, _interim])
def test_no_peer_outlives_the_budget(caller: Caller, script: Script) -> None:
    with Peer(script) as peer:
        outcome = post(caller, peer.url, budget=HASTY)

    assert outcome == Unknown("no complete reply in time")
    assert len(peer.requests) == 1


@pytest.mark.point(38)
def test_no_body_outlives_the_budget(caller: Caller) -> None:
    with Peer(_dripping_body) as peer:
        reply = post(caller, peer.url, budget=HASTY)

    assert isinstance(reply, Reply)
    assert (reply.status, reply.cut) == (200, "no complete reply in time")


@pytest.mark.point(37)
def test_a_peer_that_stops_reading_does_not_outlive_the_budget(caller: Caller) -> None:
    with Peer(Talk.hang) as peer:
        outcome = post(caller, peer.url, budget=HASTY, body=b"x" * 20_000_000)

    assert outcome == Unknown("no complete reply in time")


@pytest.mark.point(37)
def test_a_peer_that_reads_ever_so_slowly_does_not_outlive_the_budget_either(caller: Caller) -> None:
    body = b"x" * 40_000_000
    heard: list[int] = []

    def sluggish(talk: Talk) -> None:
        while not talk.peer.over.wait(0.002) and (chunk := talk.sock.recv(65536)):
            heard.append(len(chunk))

    with Peer(sluggish) as peer:
        outcome = post(caller, peer.url, budget=HASTY, body=body)

    assert outcome == Unknown("no complete reply in time")
    assert 0 < sum(heard) < len(body) / 2


@pytest.mark.point(46)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_reply_and_not_followed(caller: Caller, status: int) -> None:
    with Peer(polite) as elsewhere:
        location = elsewhere.url.encode()
        head = b"HTTP/1.1 %d Moved\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location)
        with Peer(answering(head)) as peer:
            reply = post(caller, peer.url)

    assert isinstance(reply, Reply)
    assert reply.status == status
    assert len(peer.requests) == 1
    assert elsewhere.connections == 0


@pytest.mark.point(46)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_no_status_is_tried_again(caller: Caller, status: int) -> None:
    head = b"HTTP/1.1 %d No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n" % status
    with Peer(answering(head)) as peer:
        reply = post(caller, peer.url)

    assert reply == Reply(status, {"retry-after": "0", "content-length": "0"}, b"")
    assert len(peer.requests) == 1


def test_interim_replies_are_passed_over_and_repeated_headers_joined(caller: Caller) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"
    with Peer(answering(hints + final)) as peer:
        assert post(caller, peer.url) == Reply(200, {"x-a": "1, 2", "content-length": "0"}, b"")


def test_a_reply_of_exactly_the_limit_is_taken(caller: Caller) -> None:
    body = b"x" * MAX_REPLY_BYTES
    with Peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as peer:
        reply = post(caller, peer.url)

    assert isinstance(reply, Reply)
    assert reply.body == body


# ---------------------------------------------------------------- where it may go


def test_a_private_address_is_refused_without_connecting(new_caller: NewCaller) -> None:
    with Peer(polite) as peer:
        outcome = post(new_caller(allow_private=False), peer.url)

    assert outcome == NotSent("the host leads to a private address")
    assert peer.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(new_caller: NewCaller) -> None:
    with Peer(polite) as peer:
        caller = new_caller(allow_private=False, resolver=lambda *_: ["93.184.215.14", "127.0.0.1"])

        outcome = post(caller, f"http://rebinding.test:{peer.port}")

    assert outcome == NotSent("the host leads to a private address")
    assert peer.connections == 0


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for mail.test, with its key, that only its own file vouches for."""
    return certificates.certificate(tmp_path_factory.mktemp("tls") / "mail.test.pem", "mail.test")


@pytest.fixture
def own_tls() -> Iterator[None]:
    """The process's TLS context is read from the trust store anew, before and after the test."""
    tls.context.cache_clear()
    yield
    tls.context.cache_clear()


@pytest.fixture
def trusted(own_tls: None, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's trust store, as an operator would extend it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_the_checked_address_is_called_by_its_name(
    new_caller: NewCaller, trusted: None, server_tls: ssl.SSLContext
) -> None:
    received: list[str] = []

    def resolver(host: str, port: int, timeout: float) -> list[str]:
        received.append(host)
        return ["127.0.0.1"]

    caller = new_caller(resolver=resolver)
    with Peer(polite, server_tls) as peer:
        replies = [post(caller, f"https://mail.test:{peer.port}") for _ in range(2)]

    assert all(isinstance(reply, Reply) for reply in replies)
    assert received == ["mail.test"]
    assert peer.connections == 1
    assert f"\r\nhost: mail.test:{peer.port}\r\n".encode() in peer.requests[0]


@pytest.mark.point(36)
def test_a_certificate_that_no_authority_vouches_for_is_not_sent_to(
    new_caller: NewCaller, own_tls: None, server_tls: ssl.SSLContext
) -> None:
    caller = new_caller(resolver=lambda *_: ["127.0.0.1"])
    with Peer(polite, server_tls) as peer:
        outcome = post(caller, f"https://mail.test:{peer.port}")

    assert outcome == NotSent("certificate not trusted")
    assert peer.requests == []


@pytest.mark.point(26)
def test_a_pause_during_the_tls_handshake_lets_nothing_leave(
    new_caller: NewCaller, trusted: None, server_tls: ssl.SSLContext
) -> None:
    sent = []
    for reading in range(1, 12):
        caller = new_caller(PausedClock(reading), resolver=lambda *_: ["127.0.0.1"])
        with Peer(polite, server_tls) as peer:
            outcome = caller.call(Request("POST", f"https://mail.test:{peer.port}/"), start_by=60.0, budget=100_000.0)
        assert isinstance(outcome, Reply) == bool(peer.requests)
        sent.append(bool(peer.requests))

    assert sent == sorted(sent)
    assert set(sent) == {False, True}
