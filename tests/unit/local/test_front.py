"""The HTTP front in front of real handler processes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, override

import pytest

from drumbeat.local.front import Front, Pool, _passes
from drumbeat.local.ports import answers
from drumbeat.local.servers import free_port
from drumbeat.local.template import Template
from drumbeat.local.vendor_webhooks import APPLIED
from tests.unit.local.conftest import ROOT, StartRuntime

TEMPLATE = """
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/echo
      Events:
        All: {Type: HttpApi, Properties: {Path: "/v1/{proxy+}", Method: ANY}}
"""


@pytest.fixture
def port(start_runtime: StartRuntime, tmp_path: Path) -> Iterator[int]:
    for name in ("echo-1", "echo-2"):
        start_runtime("web", name)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    port = free_port()
    command = [sys.executable, "-m", "drumbeat.local.front", "--template", str(tmp_path / "template.yaml")]
    command += ["--sockets", str(tmp_path), "--home", "/proc", "--pool", "echo=2", "--port", str(port)]
    front = subprocess.Popen(command, cwd=ROOT)
    until = time.monotonic() + 20
    while not answers("127.0.0.1", port):
        assert front.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    yield port
    front.terminate()
    assert front.wait(20) in (0, -signal.SIGTERM)


def call(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, dict(reply.getheaders()), json.loads(text) if text else None


def test_a_request_reaches_the_function_of_its_route(port: int) -> None:
    status, _, event = call(port, "POST", "/v1/x/y?a=1", b'{"z": 1}', **{"content-type": "application/json"})

    assert status == 200
    assert event["routeKey"] == "ANY /v1/{proxy+}"
    assert event["pathParameters"] == {"proxy": "x/y"}
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["body"] == '{"z": 1}'


def test_every_answer_says_when_the_disk_is_full(port: int) -> None:
    """/proc, which the front takes for the stack's folder here, has no room."""
    assert [call(port, "GET", path)[1]["drumbeat-free-disk"] for path in ("/v1/x", "/else")] == ["0", "0"]


def test_a_page_of_another_site_is_refused_before_its_body(port: int) -> None:
    status, headers, problem = call(port, "POST", "/v1/x", b"{}", origin="https://evil.example")

    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert problem["detail"].startswith("A page of another site sent this")


def test_cookies_are_headers_of_their_own(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/v1/cookies")
    reply = connection.getresponse()

    assert reply.status == 204
    assert reply.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert reply.headers["x-one"] == "1"
    connection.close()


def test_what_has_no_route_is_not_found(port: int) -> None:
    assert call(port, "GET", "/else")[::2] == (404, {"message": "Not Found"})


@pytest.mark.parametrize("path", ["/v1/raise", "/v1/nonsense"])
def test_a_function_that_fails_is_a_500_without_its_secrets(port: int, path: str) -> None:
    assert call(port, "GET", path)[::2] == (500, {"message": "Internal Server Error"})


def test_a_function_that_dies_is_a_500_and_the_others_serve_on(port: int) -> None:
    assert call(port, "GET", "/v1/die")[0] == 500

    assert call(port, "GET", "/v1/x")[0] == 200
    assert call(port, "GET", "/v1/x")[0] == 200


@pytest.mark.parametrize(
    ("body", "passes"), [("x" * 4_194_304, True), ('"' * 4_194_304, False), ("я" * 2_097_152, True)]
)
def test_an_event_that_lambda_would_not_take_does_not_pass(body: str, passes: bool) -> None:
    assert _passes({"body": body}, len(body.encode())) is passes


@pytest.mark.parametrize(("of", "status"), [("x", 200), ("%22", 500), ("xx", 500)])
def test_an_answer_that_lambda_would_not_give_is_a_500(port: int, of: str, status: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/v1/large?of={of}")
    reply = connection.getresponse()

    assert reply.status == status
    assert (len(reply.read()) == 3_500_000) is (status == 200)
    connection.close()


@pytest.mark.point(1)
def test_a_body_over_ten_megabytes_is_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /v1/x HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 20000000\r\n\r\n")
        try:
            for _ in range(11):
                connection.sendall(b"x" * 1_048_576)
        except OSError:
            pass  # refused already
        reply = connection.recv(4096)

    assert reply.startswith(b"HTTP/1.1 413 ")


def test_a_request_that_is_cut_reaches_no_function(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /v1/die HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nhalf")

    pids = {call(port, "GET", "/v1/x")[2]["pid"] for _ in range(4)}
    for pid in pids:
        os.kill(pid, 0)  # it lives: what would have killed it never arrived


def test_requests_wait_for_a_free_handler(port: int) -> None:
    async def many() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(lambda: call(port, "GET", "/v1/slow")[0]) for _ in range(6)))

    assert asyncio.run(many()) == [200] * 6


def test_a_waiting_request_that_gave_up_does_not_keep_a_handler() -> None:
    async def given_up_then_served() -> bytes:
        pool = Pool([])
        received: list[bytes] = []

        class Idle:
            def send(self, frame: bytes) -> "asyncio.Future[tuple[int, bytes]]":
                received.append(frame)
                answer = asyncio.get_running_loop().create_future()
                answer.set_result((0, b"{}"))
                return answer

        waiting = asyncio.create_task(pool.invoke(b"first"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        pool.free(Idle())  # type: ignore[arg-type]
        await pool.invoke(b"second")
        return b"".join(received)

    assert asyncio.run(given_up_then_served()) == b"second"


@pytest.mark.parametrize(
    ("method", "path", "status", "noted"),
    [
        ("PUT", "/v1/config", 200, True),
        ("PUT", "/v1/config", 422, False),
        ("GET", "/v1/config", 200, False),
        ("PUT", "/v1/other", 200, False),
    ],
)
def test_a_configuration_that_was_put_in_force_is_noted_for_the_sandbox(
    tmp_path: Path, method: str, path: str, status: int, noted: bool
) -> None:
    class Answering(Pool):
        @override
        async def invoke(self, frame: bytes) -> dict[str, Any]:
            return {"statusCode": status, "body": "{}"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    (tmp_path / "template.yaml").write_text(TEMPLATE)
    front = Front(Template.load(tmp_path / "template.yaml"), {"echo": Answering([])}, tmp_path)
    scope = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
             "http_version": "1.1", "client": ("127.0.0.1", 1)}  # fmt: skip

    answered, _, _ = asyncio.run(front.answer(scope, receive))

    assert answered == status
    assert (tmp_path / APPLIED).exists() == noted
