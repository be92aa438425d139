"""Signature schemes: the published vectors, and what the vectors leave out."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from drumbeat.sources import registry
from drumbeat.sources.signature import Allowed, Delivery, Unverified
from tests.conftest import VECTORS

CASES: list[dict[str, Any]] = (
    json.loads((VECTORS / "webhooks.json").read_bytes()) if (VECTORS / "webhooks.json").exists() else []
)
BODY = b'{"n": 1}'


def verify(
    scheme: str,
    headers: dict[str, str],
    body: bytes = BODY,
    *,
    now: float = 0,
    options: dict[str, str] | None = None,
) -> str:
    """Verify one delivery under the secret `sesame`."""
    delivery = Delivery("POST", "https://a.example/x", {name.lower(): value for name, value in headers.items()}, body)
    return registry.get(scheme).verify(delivery, Allowed(["sesame"], now, 300, options or {}))


def hexed(*parts: bytes, algorithm: str = "sha256") -> str:
    """Sign with the secret `sesame`."""
    return hmac.new(b"sesame", b"".join(parts), algorithm).hexdigest()


@pytest.mark.skipif(not CASES, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
@pytest.mark.point(2)
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_published_deliveries_get_their_verdict(case: dict[str, Any]) -> None:
    delivery = Delivery(
        case["method"],
        case.get("url") or "",
        {name.lower(): value for name, value in case["headers"].items()},
        b64decode(case["body_b64"]),
    )
    secrets = [*(case.get("secrets") or []), *([case["public_key"]] if case.get("public_key") else [])]
    allowed = Allowed(secrets, case.get("now", 0), case.get("tolerance_s", 300), {})

    try:
        key = registry.get(case["scheme"]).verify(delivery, allowed)
    except Unverified:
        assert case["expect"] == "invalid"
    else:
        assert case["expect"] == "valid"
        assert 1 <= len(key) <= 255
        assert key.isprintable()


@pytest.mark.skipif(not CASES, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
def test_every_vector_is_of_a_scheme_that_there_is() -> None:
    assert {case["scheme"] for case in CASES} <= set(registry.names())


@pytest.mark.parametrize("scheme", sorted(registry.names()))
@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b'{"signature": 7}', b"[" * 200_000])
def test_a_delivery_without_a_signature_is_unverified(scheme: str, body: bytes) -> None:
    with pytest.raises(Unverified):
        verify(scheme, {}, body)


@pytest.mark.parametrize(
    ("scheme", "header"),
    [
        ("stripe", "Stripe-Signature"),
        ("paddle", "Paddle-Signature"),
        ("calendly", "Calendly-Webhook-Signature"),
        ("github", "X-Hub-Signature-256"),
        ("sendgrid", "X-Twilio-Email-Event-Webhook-Signature"),
        ("twilio", "X-Twilio-Signature"),
        ("shopify", "X-Shopify-Hmac-Sha256"),
    ],
)
@pytest.mark.parametrize("value", ["", ",", "=", "t=,v1=", "t=1,v1", "\u00e9", "t=\u0661,v1=a", "sha256=", "=" * 9000])
def test_a_nonsense_signature_is_unverified(scheme: str, header: str, value: str) -> None:
    with pytest.raises(Unverified):
        verify(scheme, {header: value})


@pytest.mark.parametrize("time", ["\u0661\u0662", "-1", "1.0", " 1", "1e3", "9" * 400, "0x1", "\u00b2"])
def test_a_signed_time_is_decimal_digits(time: str) -> None:
    headers = {"X-Time": time, "X-Signature": "00"}

    with pytest.raises(Unverified):
        verify("hmac", headers, options={"timestamp_header": "X-Time"})


@pytest.mark.parametrize(
    ("headers", "options"),
    [
        ({"X-Signature": hexed(BODY)}, {}),
        (
            {"X-Sign": f"sha1={hexed(BODY, algorithm='sha1')}"},
            {"header": "X-Sign", "algorithm": "sha1", "prefix": "sha1="},
        ),
        (
            {"X-Signature": b64encode(hmac.digest(b"sesame", BODY, "sha512")).decode()},
            {"algorithm": "sha512", "encoding": "base64"},
        ),
        ({"X-Signature": hexed(b"300.", BODY), "X-Time": "300"}, {"timestamp_header": "X-Time"}),
        (
            {"X-Signature": hexed(b"v0:7:300:", BODY, b"!"), "X-Time": "300", "X-Id": "7"},
            {"timestamp_header": "X-Time", "id_header": "X-Id", "signed": "v0:{id}:{timestamp}:{body}!"},
        ),
    ],
)
def test_an_hmac_is_described_by_options(headers: dict[str, str], options: dict[str, str]) -> None:
    assert verify("hmac", headers, options=options) == headers.get("X-Id", f"sha256:{hashlib.sha256(BODY).hexdigest()}")

    with pytest.raises(Unverified):
        verify("hmac", headers, BODY + b" ", options=options)


def test_an_hmac_judges_its_time() -> None:
    headers = {"X-Signature": hexed(b"300.", BODY), "X-Time": "300"}

    assert verify("hmac", headers, now=600, options={"timestamp_header": "X-Time"})
    with pytest.raises(Unverified):
        verify("hmac", headers, now=601, options={"timestamp_header": "X-Time"})


@pytest.mark.parametrize(
    ("scheme", "headers", "body", "key"),
    [
        ("stripe", {"Stripe-Signature": "t=0,v1={}"}, b'{"id": "evt_1"}', "evt_1"),
        ("paddle", {"Paddle-Signature": "ts=0;h1={}"}, b'{"event_id": "e1"}', "e1"),
        ("slack", {"X-Slack-Signature": "v0={}", "X-Slack-Request-Timestamp": "0"}, b'{"event_id": "Ev1"}', "Ev1"),
    ],
)
def test_a_delivery_is_named_by_its_provider(scheme: str, headers: dict[str, str], body: bytes, key: str) -> None:
    signed = {"stripe": b"0." + body, "paddle": b"0:" + body, "slack": b"v0:0:" + body}[scheme]

    assert verify(scheme, {name: value.format(hexed(signed)) for name, value in headers.items()}, body) == key


@pytest.mark.parametrize("name", ["x" * 256, "line\nbreak", "\u00e9" * 300])
def test_a_name_that_cannot_be_a_key_is_hashed(name: str) -> None:
    body = json.dumps({"id": name}).encode()

    key = verify("stripe", {"Stripe-Signature": f"t=0,v1={hexed(b'0.', body)}"}, body)

    assert key == f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"id": 7}', b"null", b"\xff", b"[" * 100_000])
def test_a_delivery_without_a_name_is_named_by_its_content(body: bytes) -> None:
    key = verify("stripe", {"Stripe-Signature": f"t=0,v1={hexed(b'0.', body)}"}, body)

    assert key == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_digits_moved_between_mailguns_time_and_token_are_noticed() -> None:
    signature = hexed(b"1700000000", b"12token")
    body = json.dumps({"signature": {"timestamp": "170000000012", "token": "token", "signature": signature}}).encode()

    with pytest.raises(Unverified):
        verify("mailgun", {}, body, now=170000000012)


def test_an_empty_token_of_mailgun_names_no_delivery() -> None:
    signature = hexed(b"1700000000", b"")
    body = json.dumps({"signature": {"timestamp": "1700000000", "token": "", "signature": signature}}).encode()

    with pytest.raises(Unverified):
        verify("mailgun", {}, body, now=1700000000)


@pytest.mark.parametrize(("junk", "accepted"), [(15, True), (16, False)])
def test_of_many_signatures_the_first_are_compared(junk: int, accepted: bool) -> None:
    """Each costs work before the sender is known: an Ed25519 signature a pass over the whole body."""
    good = hexed(b"0.", BODY)
    header = "t=0," + "v1=00," * junk + f"v1={good}"
    signed = b64encode(hmac.digest(b64decode("sesame=="), b"a.0." + BODY, "sha256")).decode()
    standard = {"webhook-id": "a", "webhook-timestamp": "0", "webhook-signature": "v1,00 " * junk + f"v1,{signed}"}
    allowed = Allowed(["whsec_sesame=="], 0, 300, {})

    for scheme, headers, secrets in [
        ("stripe", {"stripe-signature": header}, Allowed(["sesame"], 0, 300, {})),
        ("standard_webhooks", standard, allowed),
    ]:
        delivery = Delivery("POST", "https://a.example/x", headers, BODY)
        if accepted:
            assert registry.get(scheme).verify(delivery, secrets)
        else:
            with pytest.raises(Unverified, match="no signature matches"):
                registry.get(scheme).verify(delivery, secrets)


def test_a_form_of_very_many_fields_is_refused_before_it_is_read() -> None:
    with pytest.raises(Unverified, match="at most 1,000 fields"):
        verify("twilio", {"X-Twilio-Signature": "x"}, b"&".join([b"a=1"] * 1001))
