"""What a peer reads from its socket is what was frozen, byte for byte; what cannot leave so does not leave."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drumbeat.core.clock import SystemClock
from drumbeat.core.outcomes import NotSent
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.http import USER_AGENT, Caller, Failure
from tests.unit.infrastructure.peer import Peer, Talk

PATIENT = 20.0  # seconds
MALFORMED = NotSent("the request is malformed")
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OURS = {"host", "user-agent", "accept-encoding", "content-length", "transfer-encoding"}
# Every visible character of ASCII; `#` ends what is sent.
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "M-SEARCH"])
targets = st.just("") | st.builds("".join, st.tuples(st.sampled_from("/?"), st.text(VISIBLE)))
names = st.text(TOKEN, min_size=1).filter(lambda name: name.lower() not in OURS)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip)


class Line:
    """A caller and the peer that it calls."""

    def __init__(self, peer: Peer, caller: Caller) -> None:
        self.peer = peer
        self.authority = f"127.0.0.1:{peer.port}"
        self._caller = caller

    def call(self, request: Request) -> Reply | Failure:
        return self._caller.call(request, start_by=SystemClock().elapsed() + PATIENT, budget=PATIENT)


def terse(talk: Talk) -> None:
    """Answer without a body, as is right for every method."""
    while talk.hear():
        talk.say(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    with Peer(terse) as peer:
        caller = Caller(SystemClock(), allow_private=True)
        yield Line(peer, caller)
        caller.close()


@settings(max_examples=200)
@given(methods, targets, st.dictionaries(names, values, max_size=6), st.binary())
@example("POST", "/a/../b/./c", {}, b"")
@example("POST", "/{}|^`<>\"\\'", {}, b"\0\xff\r\n\r\n")
@example("POST", "/%2F%2f%zz%", {"X-B": "2", "a": "1", "x-b": "3"}, b"")
@example("POST", "//other.example/x", {"X": "", "Authorization": "Bearer q=="}, b"")
@example("GET", "/?", {"X": "naïve € 😀"}, b"")
@example("GET", "?a=b?c&&", {"Connection": "close", "Cookie": "a=b", "Accept": "x"}, b"")
@example("GET", "/a@b:c#fragment?#", {}, b"")
@example("GET", "", {}, b"")
def test_the_peer_reads_what_was_frozen(
    line: Line, method: str, target: str, headers: dict[str, str], body: bytes
) -> None:
    reply = line.call(Request(method, f"http://{line.authority}{target}", headers, body))

    sent = target.partition("#")[0]
    length = [f"content-length: {len(body)}"] if body or method in ("POST", "PUT", "PATCH") else []
    head = [
        f"{method} {sent if sent.startswith('/') else f'/{sent}'} HTTP/1.1",
        f"host: {line.authority}",
        f"user-agent: {USER_AGENT}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "accept-encoding: identity",
        *length,
    ]
    assert isinstance(reply, Reply)
    assert line.peer.requests[-1] == "\r\n".join([*head, "", ""]).encode() + body


@settings(max_examples=200)
@given(st.text())
@example("/a b")
@example("/ä")
@example("/a\tb")
@example("/a\n")
@example("/\r\nhost: evil")
@example("/#\n")
@example("@other.example/")
@example("\\@other.example/")
def test_a_url_leaves_as_it_is_or_not_at_all(line: Line, rest: str) -> None:
    before = len(line.peer.requests)

    outcome = line.call(Request("GET", f"http://127.0.0.1:{line.peer.port}/{rest}"))

    if isinstance(outcome, Reply):
        assert line.peer.requests[-1].startswith(f"GET /{rest.partition('#')[0]} HTTP/1.1\r\n".encode())
    else:
        assert outcome == MALFORMED
        assert len(line.peer.requests) == before


@pytest.mark.parametrize(
    "url",
    [
        "http://ada:secret@{authority}/",
        "http://ada@{authority}/",
        "http://:@{authority}/",
        "http://@{authority}/",
        " http://{authority}/",
        "http://{authority} /",
        "http://{authority}\t/",
        "http://{authority}\\/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.999/",
        "http://[::1/",
        "http://a..b/",
        "//{authority}/",
        "{authority}/",
    ],
)
def test_an_authority_that_is_not_just_host_and_port_is_not_called(line: Line, url: str) -> None:
    before = len(line.peer.requests)

    outcome = line.call(Request("GET", url.replace("{authority}", line.authority)))

    assert outcome == MALFORMED
    assert len(line.peer.requests) == before


def test_where_a_message_ends_is_not_for_its_headers_to_say(line: Line) -> None:
    headers = {"Content-Length": "1", "Transfer-Encoding": "chunked", "X": "y"}

    line.call(Request("PUT", f"http://{line.authority}/", headers, b"whole"))

    head, _, body = line.peer.requests[-1].partition(b"\r\n\r\n")
    assert body == b"whole"
    assert head.lower().count(b"content-length") == 1
    assert head.endswith(b"content-length: 5")
    assert b"chunked" not in head


def test_scheme_and_host_are_read_in_any_case_and_sent_as_they_are(line: Line) -> None:
    line.call(Request("GET", f"HTTP://LocalHost:{line.peer.port}/A"))

    assert line.peer.requests[-1].startswith(f"GET /A HTTP/1.1\r\nhost: LocalHost:{line.peer.port}\r\n".encode())
