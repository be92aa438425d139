"""What a web page can send to this machine, and that it does not pass."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from drumbeat.local.front import FROM_ANY_PAGE
from drumbeat.local.gate import Gate, Signed

OURS = "127.0.0.1:8787"
PROGRAMS: list[dict[str, str]] = [
    {"host": OURS},
    {"host": "localhost:8787"},
    {"host": "LOCALHOST"},
    {"host": "[::1]:8787"},
    {"host": OURS, "origin": f"http://{OURS}"},
    {"host": OURS, "origin": f"http://{OURS}", "sec-fetch-site": "same-origin"},
    {"host": OURS, "sec-fetch-site": "none"},
]
PAGES: list[dict[str, str]] = [
    {},
    {"host": ""},
    {"host": "evil.example"},
    {"host": "evil.example:8787"},
    {"host": "127.0.0.1.evil.example:8787"},
    {"host": "localhost.evil.example"},
    {"host": "0.0.0.0:8787"},
    {"host": "192.168.1.7:8787"},
    {"host": "127.0.0.1@evil.example"},
    {"host": "evil.example:8787", "origin": "http://evil.example:8787", "sec-fetch-site": "same-origin"},
    {"host": OURS, "origin": "https://evil.example"},
    {"host": OURS, "origin": "null"},
    {"host": OURS, "origin": ""},
    {"host": OURS, "origin": "http://127.0.0.1:3000"},
    {"host": OURS, "origin": "http://localhost:8787"},
    {"host": OURS, "origin": f"https://{OURS}"},
    {"host": OURS, "origin": f"http://{OURS}.evil.example"},
    {"host": OURS, "sec-fetch-site": "cross-site"},
    {"host": OURS, "sec-fetch-site": "same-site"},
    {"host": OURS, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"host": OURS, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
]
A_LINK = {"host": OURS, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
SIGNED = "AWS4-HMAC-SHA256 Credential=local1/20300101/us-east-1/sqs/aws4_request"


def status(
    gate: Gate | dict[str, Any],
    headers: dict[str, str] | list[tuple[str, str]],
    method: str = "POST",
    path: str = "/v1/events",
) -> int:
    """Return the status of the answer; 200 is that of the application behind the gate."""
    gate = gate if isinstance(gate, Gate) else Gate(application, **gate)
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    listed = headers.items() if isinstance(headers, dict) else headers
    head = [(name.encode(), value.encode()) for name, value in listed]
    asyncio.run(gate({"type": "http", "method": method, "path": path, "headers": head}, _nothing, send))
    return int(sent[0]["status"])


async def application(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200})


async def _nothing() -> MutableMapping[str, Any]:
    raise AssertionError("a body was read before the gate")


@pytest.mark.parametrize("headers", PROGRAMS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_programs_and_own_pages_pass(headers: dict[str, str], method: str) -> None:
    assert status({}, headers, method) == 200


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_other_pages_and_rebound_names_do_not(headers: dict[str, str], method: str) -> None:
    assert status({"pages": True}, headers, method) == 403


@pytest.mark.parametrize("hosts", [(OURS, OURS), ("evil.example", OURS), (OURS, "evil.example")])
def test_two_hosts_are_no_host(hosts: tuple[str, str]) -> None:
    assert status({}, [("host", host) for host in hosts]) == 403


def test_a_second_origin_does_not_hide_the_first() -> None:
    assert status({}, [("host", OURS), ("origin", "https://evil.example"), ("origin", f"http://{OURS}")]) == 403


def test_a_link_elsewhere_opens_a_page_and_sends_nothing() -> None:
    assert status({"pages": True}, A_LINK, "GET") == 200
    assert status({"pages": True}, A_LINK, "POST") == 403
    assert status({}, A_LINK, "GET") == 403


def test_what_is_for_any_page_is_still_asked_by_our_name() -> None:
    gate = {"from_any_page": ("/v1/forms/",)}

    assert status(gate, {"host": OURS, "origin": "https://shop.example"}, path="/v1/forms/lead") == 200
    assert status(gate, {"host": "evil.example"}, path="/v1/forms/lead") == 403
    assert status(gate, {"host": OURS, "origin": "https://shop.example"}, path="/v1/events") == 403


@pytest.mark.parametrize("path", ["/v1/forms/signup", "/f/signup", "/c/token", "/u/token"])
def test_a_public_page_of_the_front_takes_what_its_own_button_sends(path: str) -> None:
    """Its browser says no origin, because a link's token must go nowhere else."""
    gate = {"pages": True, "from_any_page": FROM_ANY_PAGE}
    pressed = {"host": OURS, "origin": "null", "sec-fetch-site": "same-origin"}

    assert status(gate, pressed, path=path) == 200
    assert status(gate, pressed | {"host": "evil.example"}, path=path) == 403
    assert status(gate, pressed, path="/v1/events") == 403


@pytest.mark.parametrize(
    ("key", "authorization", "method", "passes"),
    [
        (None, SIGNED, "POST", True),
        (None, "", "POST", False),
        (None, "Bearer db_x", "GET", False),
        (None, "", "PUT", True),  # a browser asks before it, and is refused
        ("local1", SIGNED, "POST", True),
        ("local1", SIGNED.replace("local1", "test"), "POST", False),
        ("local1", SIGNED.replace("local1/", "local12/"), "GET", False),
        ("local1", "", "PUT", False),
    ],
)
def test_an_emulator_wants_its_access_key(key: str | None, authorization: str, method: str, passes: bool) -> None:
    headers = {"host": OURS, "authorization": authorization}

    assert status({"signed": Signed(key)}, headers, method, "/") == (200 if passes else 403)


@pytest.mark.parametrize(
    ("path", "expected"), [("/_ministack/health", 200), ("/api/x", 200), ("/_ministack/healthy", 403)]
)
def test_what_needs_no_signature_needs_our_name(path: str, expected: int) -> None:
    gate = Gate(application, signed=Signed(unsigned_below=("/api/",)))

    assert status(gate, {"host": OURS}, "GET", path) == expected
    assert status(gate, {"host": "evil.example"}, "GET", path) == 403


def test_a_websocket_of_a_page_is_closed() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    head = [(b"host", OURS.encode()), (b"origin", b"https://evil.example")]
    asyncio.run(Gate(application)({"type": "websocket", "path": "/", "headers": head}, _nothing, send))

    assert sent == [{"type": "websocket.close", "code": 1008}]
