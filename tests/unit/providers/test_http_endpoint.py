import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from drumbeat.core.actions import Call
from drumbeat.core.outcomes import Accepted, Denied, Refused, Throttled, Unclear, Unknown
from drumbeat.core.request import Request
from drumbeat.providers.base import Blind, NativeKey, Target
from drumbeat.providers.http_endpoint import HttpEndpoint
from tests.conftest import VECTORS
from tests.unit.providers.adapters import KEY, NOW, UNREADABLE, reply, target

HTTP = HttpEndpoint()
ACCOUNT = target(HTTP, base_url="https://erp.example.com/api")
SAFE = target(HTTP, base_url="https://erp.example.com/api", repeat="safe")
SIGNING_KEY = "whsec_" + base64.b64encode(b"a" * 24).decode()


def test_the_call_carries_its_key_in_both_headers() -> None:
    request = HTTP.build(ACCOUNT, Call("post", "/leads?source=web", '{"a": 1}', {"X-Team": "sales"}), key=KEY)

    assert request == Request(
        "POST",
        "https://erp.example.com/api/leads?source=web",
        {"content-type": "application/json", "x-team": "sales", "webhook-id": KEY, "idempotency-key": KEY},
        b'{"a": 1}',
    )


@pytest.mark.parametrize(
    ("body", "headers", "content_type"),
    [
        ('{"a": 1}', {}, "application/json"),
        ("hello", {}, "text/plain; charset=utf-8"),
        ("[" * 100_000, {}, "text/plain; charset=utf-8"),
        ("<a/>", {"Content-Type": "application/xml"}, "application/xml"),
        ("", {}, None),
    ],
)
def test_the_content_type_follows_the_body_unless_it_is_given(
    body: str, headers: dict[str, str], content_type: str | None
) -> None:
    request = HTTP.build(ACCOUNT, Call("POST", "/", body, headers), key=KEY)

    assert request.headers.get("content-type") == content_type


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("leads", "https://erp.example.com/api/leads"),
        ("//evil.test/x", "https://erp.example.com/api/evil.test/x"),
        (".evil.test/", "https://erp.example.com/api/.evil.test/"),
        ("@evil.test/", "https://erp.example.com/api/@evil.test/"),
        ("/a b#c\r\nd", "https://erp.example.com/api/a%20b%23c%0D%0Ad"),
        ("/grüße?q=%C3%BC&r=1+2", "https://erp.example.com/api/gr%C3%BC%C3%9Fe?q=%C3%BC&r=1+2"),
        ("\\\\evil.test", "https://erp.example.com/api/%5C%5Cevil.test"),
    ],
)
def test_no_path_leads_to_another_host_or_splits_the_request(path: str, url: str) -> None:
    assert HTTP.build(ACCOUNT, Call("GET", path, ""), key=KEY).url == url


@pytest.mark.parametrize(
    "name", ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Webhook-Id", "Idempotency-Key", "Expect"]
)
def test_the_transports_and_our_own_headers_cannot_be_overruled(name: str) -> None:
    request = HTTP.build(ACCOUNT, Call("POST", "/", "x", {name: "evil"}), key=KEY)

    assert "evil" not in request.headers.values()


def test_a_method_that_http_does_not_know_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="the method must be one of DELETE, GET, HEAD, PATCH, POST, PUT"):
        HTTP.build(ACCOUNT, Call("CONNECT", "/", ""), key=KEY)


@pytest.mark.point(45)
def test_attempts_differ_in_time_and_signature_only() -> None:
    frozen = HTTP.build(ACCOUNT, Call("POST", "/", "x"), key=KEY)

    first, second = (
        HTTP.sign(frozen, {"signing_key": SIGNING_KEY}, key=KEY, now=datetime(2026, 3, 1, hour, tzinfo=UTC))
        for hour in (1, 2)
    )

    differing = {name for name in first.headers if first.headers[name] != second.headers[name]}
    assert differing == {"webhook-timestamp", "webhook-signature"}
    assert (first.method, first.url, first.body) == (frozen.method, frozen.url, frozen.body)
    assert HTTP.build(ACCOUNT, Call("POST", "/", "x"), key=KEY) == frozen


def test_the_signature_is_the_one_of_the_specifications_library() -> None:
    if not VECTORS.exists():
        pytest.skip(f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
    vectors = {vector["id"]: vector for vector in json.loads((VECTORS / "webhooks.json").read_text())}
    for name in ("standard-webhooks-sign", "standard-webhooks-secret-without-prefix"):
        vector = vectors[name]
        request = Request("POST", "https://erp.example.com/", {}, base64.b64decode(vector["body_b64"]))
        now = datetime.fromtimestamp(int(vector["headers"]["webhook-timestamp"]), UTC)

        signed = HTTP.sign(request, {"signing_key": vector["secrets"][0]}, key=vector["headers"]["webhook-id"], now=now)

        assert signed.headers["webhook-signature"] == vector["headers"]["webhook-signature"]


def test_a_signing_key_that_is_not_base64_signs_with_its_own_bytes() -> None:
    request = HTTP.sign(Request("POST", "https://erp.example.com/"), {"signing_key": "a-b_c"}, key="k", now=NOW)

    expected = hmac.digest(b"a-b_c", f"k.{int(NOW.timestamp())}.".encode(), hashlib.sha256)
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.point(67)
def test_while_keys_rotate_both_of_them_sign() -> None:
    request = Request("POST", "https://erp.example.com/", {}, b"x")

    new, old, both = (
        HTTP.sign(request, secrets, key=KEY, now=NOW).headers["webhook-signature"]
        for secrets in (
            {"signing_key": "new"},
            {"signing_key": "old"},
            {"previous_signing_key": "old", "signing_key": "new"},
        )
    )

    assert both == f"{new} {old}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207])
@pytest.mark.parametrize("body", UNREADABLE)
def test_any_2xx_is_success_whatever_its_body(status: int, body: object) -> None:
    assert HTTP.read(reply(status, body)) == Accepted(f"HTTP {status}")


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
def test_a_redirect_is_refused(status: int) -> None:
    assert isinstance(HTTP.read(reply(status, headers={"location": "https://evil.test"})), Refused)


@pytest.mark.point(43)
@pytest.mark.parametrize("status", [400, 404, 405, 406, 410, 411, 413, 414, 415, 422, 431])
def test_a_refusal_is_final(status: int) -> None:
    assert isinstance(HTTP.read(reply(status)), Refused)


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_concern_the_account(status: int) -> None:
    assert isinstance(HTTP.read(reply(status)), Denied)


@pytest.mark.point(41)
def test_too_many_requests_throttle() -> None:
    headers = {"date": "Sun, 01 Mar 2026 12:00:00 GMT", "retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}

    assert HTTP.read(reply(429, headers=headers)) == Throttled("HTTP 429: too many requests", 30.0)


@pytest.mark.point(39)
@pytest.mark.parametrize("status", [101, 402, 408, 409, 425, 500, 502, 503, 504])
def test_everything_else_may_have_been_done(status: int) -> None:
    assert HTTP.read(reply(status)) == Unknown(f"HTTP {status}")


@pytest.mark.parametrize(
    ("account", "method", "repeatable"),
    [
        (ACCOUNT, None, False),
        (ACCOUNT, "POST", False),
        (ACCOUNT, "PATCH", False),
        (ACCOUNT, "PUT", True),
        (ACCOUNT, "DELETE", True),
        (ACCOUNT, "GET", True),
        (SAFE, None, True),
        (SAFE, "POST", True),
    ],
)
def test_a_repeat_is_safe_when_receiver_or_method_says_so(
    account: Target, method: str | None, repeatable: bool
) -> None:
    request = Request(method, "https://erp.example.com/") if method else None

    repeat = HTTP.repeat(account, request)

    assert isinstance(repeat, NativeKey if repeatable else Blind)


def test_there_is_no_search() -> None:
    assert HTTP.build_lookup(ACCOUNT, key=KEY, since=NOW) is None
    assert isinstance(HTTP.read_lookup(reply(200, {}), key=KEY), Unclear)
    assert HTTP.identity(ACCOUNT) == "http https://erp.example.com/api"


def test_wrong_settings_are_named() -> None:
    assert HTTP.problems({"base_url": "https://erp.example.com", "repeat": "safe"}) == []
    assert HTTP.problems({"base_url": "https://erp.example.com", "repeat": "maybe"}) == [
        "repeat must be safe (the receiver knows a repeated webhook-id again) or unsafe"
    ]
