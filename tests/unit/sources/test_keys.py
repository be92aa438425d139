"""What names a delivery: signed bytes alone, so that one that was captured once is one event, however it is sent."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from drumbeat.sources import registry
from drumbeat.sources.signature import TRUST, Allowed, Delivery, Unverified, content_key
from tests.conftest import VECTORS

CASES: list[dict[str, Any]] = [
    case
    for case in (json.loads((VECTORS / "webhooks.json").read_bytes()) if (VECTORS / "webhooks.json").exists() else [])
    if case["expect"] == "valid"
]
# Headers by which senders, proxies and attackers name a delivery or its time.
UNSIGNED = (
    "x-github-delivery",
    "x-shopify-webhook-id",
    "x-shopify-event-id",
    "x-shopify-triggered-at",
    "i-twilio-idempotency-token",
    "idempotency-key",
    "x-request-id",
    "x-slack-retry-num",
    "webhook-id",
    "svix-id",
    "x-id",
    "x-time",
    "content-type",
    "date",
)
BODY = b'{"n": 1}'
CONTENT = content_key(BODY)
URL = "https://hooks.example.com/v1/webhooks/texts"


def signed(*parts: bytes) -> str:
    """Sign with the secret `sesame`."""
    return hmac.new(b"sesame", b"".join(parts), "sha256").hexdigest()


def delivered(headers: dict[str, str], body: bytes = BODY, url: str = URL) -> Delivery:
    return Delivery("POST", url, {name.lower(): value for name, value in headers.items()}, body)


def github(id: str | None, body: bytes = BODY) -> Delivery:
    headers = {"X-Hub-Signature-256": f"sha256={signed(body)}"}
    return delivered(headers if id is None else {**headers, "X-GitHub-Delivery": id}, body)


def shopify(id: str | None, body: bytes = BODY) -> Delivery:
    headers = {"X-Shopify-Hmac-Sha256": b64encode(bytes.fromhex(signed(body))).decode()}
    return delivered(headers if id is None else {**headers, "X-Shopify-Webhook-Id": id}, body)


def twilio(
    id: str | None, body: bytes = b"Body=hi&From=%2B49", url: str = URL, text: str = "BodyhiFrom+49"
) -> Delivery:
    signature = b64encode(hmac.digest(b"sesame", (url + text).encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": signature}
    return delivered(headers if id is None else {**headers, "I-Twilio-Idempotency-Token": id}, body, url)


def own(id: str | None, *, template: str = "{body}", time: str = "") -> Delivery:
    """Deliver as a sender of the scheme `hmac` does, with X-Id and X-Time."""
    text = template.replace("{id}", id or "").replace("{timestamp}", time).encode().replace(b"{body}", BODY)
    headers = {"X-Signature": signed(text)}
    return delivered(headers | ({} if id is None else {"X-Id": id}) | ({"X-Time": time} if time else {}))


def key(scheme: str, delivery: Delivery, options: Mapping[str, object] = {}, now: float = 0) -> str:
    return registry.get(scheme).verify(delivery, Allowed(["sesame"], now, 300, options))


def former(scheme: str, delivery: Delivery, options: Mapping[str, object] = {}) -> str | None:
    return registry.get(scheme).former_key(delivery, Allowed(["sesame"], 0, 300, options))


UNSIGNED_IDS = [
    ("github", github, {}),
    ("shopify", shopify, {}),
    ("twilio", twilio, {}),
    ("hmac", own, {"id_header": "X-Id"}),
]


def changed(delivery: Delivery) -> Iterator[Delivery]:
    """Yield the delivery with one thing changed: a header more, other or twice, a byte of the body."""
    headers = delivery.headers
    for name in (*UNSIGNED, *headers):
        for value in ("", "7", "7,7", "x" * 300, "line\nbreak", "\u00e9", "2000000000"):
            yield replace(delivery, headers={**headers, name: value})
    for name, value in headers.items():
        yield replace(delivery, headers={**headers, name: f"{value},{value}"})
        yield replace(delivery, headers={other: headers[other] for other in headers if other != name})
    for place in range(len(delivery.body)):
        before, byte, after = delivery.body[:place], delivery.body[place], delivery.body[place + 1 :]
        yield replace(delivery, body=before + bytes([byte ^ 1]) + after)
        yield replace(delivery, body=before + after)


@pytest.mark.skipif(not CASES, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_whatever_changes_without_a_new_signature_a_published_delivery_keeps_its_key(case: dict[str, Any]) -> None:
    scheme = registry.get(case["scheme"])
    secrets = [*(case.get("secrets") or []), *([case["public_key"]] if case.get("public_key") else [])]
    judged = Allowed(secrets, case.get("now", 0), case.get("tolerance_s", 300), {})
    published = delivered(case["headers"], b64decode(case["body_b64"]), case.get("url") or "")
    published = replace(published, method=case["method"])
    keys = {scheme.verify(published, judged)}

    for other in changed(published):
        try:
            keys.add(scheme.verify(other, judged))
        except Unverified:
            continue

    assert len(keys) == 1


@pytest.mark.parametrize(("scheme", "deliver", "options"), UNSIGNED_IDS)
def test_an_id_that_is_not_signed_is_not_the_key_and_the_release_before_took_it(
    scheme: str, deliver: Any, options: dict[str, str]
) -> None:
    ids = ["d-1", "d-2", "d-1,d-2", "x" * 256, "line\nbreak"]

    keys = {key(scheme, deliver(id), options) for id in (None, *ids)}
    formers = [former(scheme, deliver(id), options) for id in ids]

    assert len(keys) == 1
    assert keys.pop().startswith("sha256:")
    assert formers == ["d-1", "d-2", "d-1,d-2", content_key(b"x" * 256), content_key(b"line\nbreak")]


@pytest.mark.parametrize(("scheme", "deliver", "options"), UNSIGNED_IDS)
def test_a_source_that_trusts_the_id_has_it_as_the_key(scheme: str, deliver: Any, options: dict[str, str]) -> None:
    content = key(scheme, deliver(None), options)

    keys = [key(scheme, deliver(id), {**options, TRUST: True}) for id in ("d-1", "d-2", "d-1", "x" * 255)]
    unusable = {
        key(scheme, deliver(id), {**options, TRUST: True}) for id in (None, "", "x" * 256, "line\nbreak", "d-1,d-2")
    }

    assert keys == ["d-1", "d-2", "d-1", "x" * 255]
    assert unusable == {content}


@pytest.mark.parametrize("value", [False, "true", 1, None])
def test_only_true_trusts(value: object) -> None:
    assert key("github", github("d-1"), {TRUST: value}) == CONTENT


def test_twilio_is_named_by_the_text_that_it_signs() -> None:
    bodies = [b"Body=hi&From=%2B49", b"From=%2B49&Body=hi", b"Body=%68i&From=%2B49", b"Body=hi&Body=hi&From=%2B49"]

    keys = {key("twilio", twilio(None, body)) for body in bodies}

    assert keys == {content_key(f"{URL}BodyhiFrom+49".encode())}
    assert former("twilio", twilio(None)) == content_key(URL.encode(), b"\n", bodies[0])


def test_twilio_is_named_by_its_url_where_that_holds_the_bodys_hash() -> None:
    url = f"{URL}?{urlencode({'bodySHA256': hashlib.sha256(BODY).hexdigest()})}"

    assert key("twilio", twilio("d-1", BODY, url, text="")) == content_key(url.encode())


@pytest.mark.parametrize(
    ("template", "id", "expected"),
    [
        ("{id}.{timestamp}.{body}", "d-1", "d-1"),
        ("v1|{timestamp}|{body}|{id}", "d.1", "d.1"),
        ("{id}.{body}.{timestamp}", "d.1", content_key(b"d.1.", BODY, b".")),
        ("{id}{body}", "d-1", content_key(b"d-1", BODY)),
        ("{id}{timestamp}{body}", "d-1", content_key(b"d-1", BODY)),
        ("{timestamp}.{body}", "d-1", CONTENT),
        ("{body}", "d-1", CONTENT),
    ],
)
def test_an_hmac_is_named_by_its_id_where_no_byte_can_be_moved_in_or_out_of_it(
    template: str, id: str, expected: str
) -> None:
    options = {"id_header": "X-Id", "timestamp_header": "X-Time", "signed": template}

    keys = [
        key("hmac", own(id, template=template, time=time), options, now=1_700_000_000)
        for time in ("1700000000", "1700000100")  # a retry is signed under another time
    ]

    assert keys == [expected] * 2
    assert former("hmac", own(id), options) == id


def test_bytes_moved_between_an_hmacs_id_and_body_name_no_other_delivery_twice() -> None:
    template, options = "{id}{body}", {"id_header": "X-Id", "signed": "{id}{body}"}
    genuine = own("d-1", template=template)
    whole = b"d-1" + BODY

    keys = {
        key("hmac", replace(genuine, headers={**genuine.headers, "x-id": whole[:n].decode()}, body=whole[n:]), options)
        for n in range(1, len(whole))
    }

    assert len(keys) == 1


def test_an_hmacs_id_that_reads_like_a_placeholder_is_an_id() -> None:
    template = "{id}.{timestamp}.{body}"
    options = {"id_header": "X-Id", "timestamp_header": "X-Time", "signed": template}
    genuine = own("300", template=template, time="300")

    with pytest.raises(Unverified):
        key("hmac", replace(genuine, headers={**genuine.headers, "x-id": "{timestamp}"}), options, now=300)


def test_an_hmacs_time_that_is_not_signed_is_not_judged() -> None:
    options = {"timestamp_header": "X-Time", "signed": "{body}"}

    keys = {key("hmac", own(None, time=time), options, now=1_700_000_000) for time in ("", "0", "1700000000", "noon")}

    assert keys == {CONTENT}


def test_an_hmacs_unsigned_id_may_be_missing() -> None:
    assert key("hmac", own(None), {"id_header": "X-Id"}) == CONTENT
    assert former("hmac", own(None), {"id_header": "X-Id"}) is None
    with pytest.raises(Unverified):
        key("hmac", own(None, template="{id}.{body}"), {"id_header": "X-Id", "signed": "{id}.{body}"})
