"""The HTTP server underneath: what it accepts, and what it survives."""

import http.client
import json
import socket

import pytest

from drumbeat.sandbox.http_server import MAX_BODY_BYTES
from tests.unit.sandbox.sandbox_process import SandboxProcess, basic

MALFORMED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"[" * 100_000,
    b'{"inputs": 1}',
    b'{"inputs": [1]}',
    b'{"inputs": [{"id": {}, "idProperty": [], "properties": 3, "objectWriteTraceId": {"a": []}}]}',
    b'{"inputs": [{"id": "a@b.co", "idProperty": "email", "properties": {"x": "\\ud800"}, "objectWriteTraceId": [1]}]}',
    b'{"from": [], "to": {}, "subject": 3}',
    b'{"from": "a@b.co", "to": "a@b.co", "subject": {"a": 1}, "text": [1], "headers": 3, "tags": 4, "variables": "v"}',
    b'{"from": "a@b.co", "to": "a@b.co", "subject": "\\ud800", "html": "\\u0000\\ud800"}',
    b"from=a%40b.co&to=a%40b.co&text=%ff",
    b"&&&===&%zz=%",
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_no_body_makes_the_sandbox_fail(sandbox: SandboxProcess, body: bytes) -> None:
    endpoints = [
        ("/mailgun/v3/mg.example.com/messages", basic("k"), "application/x-www-form-urlencoded"),
        ("/mailgun/v3/mg.example.com/messages", basic("k"), "multipart/form-data; boundary=b"),
        ("/resend/emails", "Bearer t", "application/json"),
        ("/resend/emails/batch", "Bearer t", "application/json"),
        ("/hubspot/crm/v3/objects/contacts/batch/upsert", "Bearer t", "application/json"),
        ("/http/x", "Bearer t", "application/json"),
        ("/_sandbox/lies", "", "application/json"),
        ("/_sandbox/clock", "", "application/json"),
        ("/_sandbox/receivers", "", "application/json"),
    ]

    statuses = {
        sandbox.call("POST", path, body, authorization=authorization, content_type=kind).status
        for path, authorization, kind in endpoints
    }
    newest = len(sandbox.call("GET", "/_sandbox/mail?limit=1").json["items"])
    pages = {sandbox.call("GET", path).status for path in ("/", "/activity", "/lies")}

    assert 599 not in statuses
    assert newest <= 1
    assert pages == {200}


def test_an_order_that_curl_sends_as_a_form_is_read_as_the_json_that_it_is(sandbox: SandboxProcess) -> None:
    order = b' {"lie": "denied", "provider": "mailgun", "status": 403, "times": 1}'

    made = sandbox.call("POST", "/_sandbox/lies", order, content_type="application/x-www-form-urlencoded")
    ended = sandbox.call("DELETE", "/_sandbox/lies", content_type="application/x-www-form-urlencoded")

    assert (made.status, ended.json["dropped"]) == (201, 1)


def test_requests_of_one_connection_are_answered_in_order(sandbox: SandboxProcess) -> None:
    request = "GET /http/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nwebhook-id: {}\r\n\r\n"
    sandbox.inject("latency", ms=50, match="slow")

    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall("".join(request.format(name, name) for name in ("slow", "fast-1", "fast-2")).encode())
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"}"):
            received += connection.recv(65536)

    bodies = [json.loads(part.partition(b"\r\n\r\n")[2])["id"] for part in received.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == ["slow", "fast-1", "fast-2"]


def test_a_chunked_body_is_read_whole(sandbox: SandboxProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.request("POST", "/http/x", iter([b"one ", b"two"]), {"webhook-id": "chunks"}, encode_chunked=True)
    connection.getresponse().read()
    connection.close()

    assert sandbox.record("chunks")[0]["asked"]["body"] == "one two"


def test_what_is_not_http_is_answered_400(sandbox: SandboxProcess) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")

        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("hosts", [("evil.example", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_two_hosts_are_answered_403(sandbox: SandboxProcess, hosts: tuple[str, str]) -> None:
    head = "".join(f"Host: {host}\r\n" for host in hosts)
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(f"GET /http/x HTTP/1.1\r\n{head}\r\n".encode())

        assert connection.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_a_mail_over_the_limit_is_answered_413(sandbox: SandboxProcess) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(b"POST /http/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 30000000\r\n\r\n")
        connection.sendall(b"x" * (MAX_BODY_BYTES + 1))

        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.2"])
def test_an_offer_of_another_protocol_is_ignored_and_the_body_is_read(sandbox: SandboxProcess, protocol: str) -> None:
    body = json.dumps({"from": "a@example.com", "to": ["b@example.org"], "subject": "s", "text": f"by {protocol}"})
    head = (
        f"POST /resend/emails HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer re_1\r\nConnection: Upgrade, "
        f"HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABk\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as client:
        client.sendall(head.encode() + body[:20].encode())
        client.sendall(body[20:].encode() + b"GET /http/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answers = b"".join(iter(lambda: client.recv(65536), b""))

    assert answers.count(b"HTTP/1.1 200") == 2
    assert f"by {protocol}" in json.dumps(sandbox.call("GET", "/_sandbox/record?provider=resend").json["items"])
