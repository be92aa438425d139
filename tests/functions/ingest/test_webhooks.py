"""Deliveries of webhooks: `POST /v1/webhooks/{source}`."""

import hashlib
import hmac
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from drumbeat import services as process
from drumbeat.core import ids
from drumbeat.sources.signature import content_key
from functions.ingest import app
from tests.conftest import VECTORS
from tests.functions.doors import Answer, Doors

CASES: list[dict[str, Any]] = (
    json.loads((VECTORS / "webhooks.json").read_bytes()) if (VECTORS / "webhooks.json").exists() else []
)
BODY = b'{"action": "created", "n": 1}'


def deliver(
    doors: Doors,
    body: bytes = BODY,
    *,
    delivery: str = "d-1",
    secret: str = "sesame",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Deliver as GitHub does."""
    signature = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    own = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": delivery}
    return doors.post("/v1/webhooks/code", body, key=None, headers={**own, **(headers or {})}, encoded=True)


@pytest.fixture
def code(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """A door with one webhook."""
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"], "type": "CONTENT_PUBLISH"})
    return doors


@pytest.mark.skipif(not CASES, reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
@pytest.mark.point(2)
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_published_deliveries_get_their_verdict(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]
) -> None:
    secrets = [*(case.get("secrets") or []), *([case["public_key"]] if case.get("public_key") else [])]
    for n, secret in enumerate(secrets):
        monkeypatch.setenv(f"VECTOR_{n}", secret)
    url = case.get("url")
    doors.configure(
        vector={
            "scheme": case["scheme"],
            "secrets": [f"env:VECTOR_{n}" for n in range(len(secrets))],
            "tolerance": float(case.get("tolerance_s") or 300),
            "options": {"public_url": url} if url else {},
        }
    )
    headers = {**case["headers"], **({"Drumbeat-Now": str(case["now"])} if "now" in case else {})}
    body = b64decode(case["body_b64"])

    answer = doors.post(
        "/v1/webhooks/vector",
        body,
        key=None,
        headers=headers,
        query=urlsplit(url).query if url else "",
        encoded=True,
    )

    recorded = [row["body"] for row in doors.events()]
    if case["expect"] == "valid":
        assert answer.status in (200, 202)  # what each sender needs: test_senders.py
        assert recorded == [body]
    else:
        assert (answer.status, recorded) == (401, [])
        assert answer.body["type"] == "urn:drumbeat:problem:unauthorized"


def test_a_delivery_is_an_event_named_by_what_is_signed(code: Doors) -> None:
    answer = deliver(code, delivery="d-1")

    (event,) = code.events()
    assert (answer.status, answer.body["eventId"]) == (202, str(ids.event_id("code", content_key(BODY))))
    assert (event["type"], event["door"], event["body"]) == ("CONTENT_PUBLISH", "webhook", BODY)
    assert code.notified() == [event["id"]]


@pytest.mark.point(2)
def test_a_replayed_delivery_is_stored_once(code: Doors) -> None:
    answers = [deliver(code) for _ in range(3)]

    assert [answer.status for answer in answers] == [202, 200, 200]
    assert len({answer.body["eventId"] for answer in answers}) == 1
    assert len(code.events()) == 1


@pytest.mark.point(2)
def test_a_captured_delivery_is_one_event_under_any_number_of_ids(
    code: Doors, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answers = [deliver(code, delivery=id) for id in ("d-1", "d-2", "x" * 300, "tab\there", "d-1,d-2")]

    assert [answer.status for answer in answers] == [202, 200, 200, 200, 200]
    assert len({answer.body["eventId"] for answer in answers}) == len(code.events()) == 1
    assert capsys.readouterr().out.count('"DeliveriesRepeated":[1.0]') == 4
    assert [vars(record)["replayed"] for record in caplog.records] == [False] + [True] * 4
    assert app.logger.get_current_keys()["source"] == "code"  # of each line


def test_an_id_that_is_not_signed_does_not_make_two_bodies_one(code: Doors) -> None:
    answers = [deliver(code, body) for body in (BODY, b'{"n": 2}')]

    assert [answer.status for answer in answers] == [202, 202]
    assert sorted(row["body"] for row in code.events()) == sorted([BODY, b'{"n": 2}'])


def test_a_source_that_trusts_its_ids_keeps_identical_bodies_apart(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"], "options": {"trust_delivery_id": True}})

    statuses = [deliver(doors, delivery=id).status for id in ("d-1", "d-2", "d-1", "x" * 300, "d-1,d-2")]

    assert statuses == [202, 202, 200, 202, 200]  # the last two are known by their content
    assert {row["key"] for row in doors.events()} == {"d-1", "d-2", content_key(BODY)}


@pytest.mark.point(4)
def test_another_body_under_the_same_name_is_kept_beside_the_first(code: Doors) -> None:
    code.configure(
        code={"scheme": "github", "secrets": ["env:SESAME"], "options": {"trust_delivery_id": True}},
    )
    first = deliver(code)

    other = [deliver(code, b'{"n": 2}') for _ in range(2)]

    assert [(answer.status, answer.body["status"]) for answer in other] == [(202, "conflict")] * 2
    assert other[0].body["eventId"] == first.body["eventId"]
    assert [row["body"] for row in code.events()] == [BODY]
    assert [row["body"] for row in code.ledger.run("SELECT body FROM conflicts")] == [b'{"n": 2}']


def test_no_delivery_has_the_key_of_a_fact(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender names it, and could name one as a fact of another is named: that fact would be lost."""
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"], "options": {"trust_delivery_id": True}})

    answers = [deliver(doors, delivery="fact 2 of d-1") for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 200]
    assert [row["key"] for row in doors.events()] == [content_key(b"fact 2 of d-1")]


@pytest.mark.point(5)
def test_a_hubspot_retry_has_the_name_of_its_first_try(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(hub={"scheme": "hubspot_v1", "secrets": ["env:SESAME"]})

    def post(attempt: int) -> Answer:
        body = json.dumps([{"eventId": 1, "objectId": 7, "attemptNumber": attempt}]).encode()
        signature = hashlib.sha256(b"sesame" + body).hexdigest()
        return doors.post("/v1/webhooks/hub", body, key=None, headers={"X-HubSpot-Signature": signature})

    ids_ = {post(attempt).body["eventId"] for attempt in (0, 1)}

    assert len(ids_) == 1
    assert len(doors.events()) == 1


def test_a_reused_mailgun_token_is_no_new_event(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(mail={"scheme": "mailgun", "secrets": ["env:SESAME"], "type": "FEEDBACK"})
    now = str(int(doors.services.clock.now().timestamp()))
    signature = hmac.new(b"sesame", f"{now}token".encode(), hashlib.sha256).hexdigest()

    def post(event: str) -> Answer:
        signed = {"timestamp": now, "token": "token", "signature": signature}
        return doors.post("/v1/webhooks/mail", {"signature": signed, "event-data": {"event": event}}, key=None)

    answers = [post("delivered"), post("complained")]

    assert [answer.body["status"] for answer in answers] == ["recorded", "conflict"]
    assert len(doors.events()) == 1


@pytest.mark.parametrize("body", [b"\xff\xfe not text", b"", b"[1, 2]", b"\0", b'{"a": 1, "a": 2}', b"x" * 1_000_000])
def test_a_verified_delivery_is_kept_whatever_it_is(code: Doors, body: bytes) -> None:
    assert deliver(code, body).status == 202

    assert [row["body"] for row in code.events()] == [body]


def test_a_body_whose_bytes_were_lost_before_it_arrived_is_refused_as_that(code: Doors) -> None:
    """As API Gateway hands on text that is not UTF-8."""
    sent = b'{"name": "Zo\xeb"}'
    handed_on = sent.decode("utf-8", "replace").encode()
    signed = {"X-Hub-Signature-256": f"sha256={hmac.new(b'sesame', sent, hashlib.sha256).hexdigest()}"}

    def said(length: int, signature: dict[str, str] = signed, *, encoded: bool = False) -> str:
        headers = {**signature, "X-GitHub-Delivery": "d-1", "Content-Length": str(length)}
        answer = code.post("/v1/webhooks/code", handed_on, key=None, headers=headers, encoded=encoded)
        assert answer.status == 401
        return str(answer.body["detail"])

    lost = "is not UTF-8, and its bytes were lost before they arrived"
    assert lost in said(len(sent))
    assert lost not in said(len(handed_on))  # U+FFFD is what the sender wrote
    assert lost not in said(len(sent), encoded=True)
    assert lost not in said(len(sent), {"X-Hub-Signature-256": ""})


def test_a_wrong_signature_is_refused_and_counted(code: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    answer = deliver(code, secret="wrong")

    assert answer.status == 401
    assert code.events() == []
    assert '"DeliveriesRejected":[1.0]' in capsys.readouterr().out
    assert app.logger.get_current_keys()["source"] == "code"  # of its line, too


def test_a_name_that_is_not_configured_is_in_no_line(code: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    assert code.post(f"/v1/webhooks/{'x' * 8000}", BODY, key=None).status == 404

    assert "xxx" not in capsys.readouterr().out
    assert "source" not in app.logger.get_current_keys()


@pytest.mark.parametrize("name", ["other", "code%20x", "a-b"])
def test_a_webhook_that_is_not_configured_is_not_found(code: Doors, name: str) -> None:
    assert code.post(f"/v1/webhooks/{name}", BODY, key=None).status == 404


def test_a_webhook_configured_a_minute_ago_is_found(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    assert deliver(doors).status == 404
    doors.apply(code={"scheme": "github", "secrets": ["env:SESAME"]})
    app.door().catalog._read_again_at = 0.0  # a minute later

    assert deliver(doors).status == 202


@pytest.mark.point(67)
def test_the_old_and_the_new_secret_are_good_together(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", "new")
    monkeypatch.setenv("OLD", "old")
    doors.configure(code={"scheme": "github", "secrets": ["env:NEW", "env:OLD"]})

    statuses = [deliver(doors, secret.encode(), secret=secret).status for secret in ("old", "new", "older")]

    assert statuses == [202, 202, 401]


def test_a_secret_that_cannot_be_read_asks_to_come_again(doors: Doors) -> None:
    doors.configure(code={"scheme": "github", "secrets": ["env:MISSING"]})

    answer = deliver(doors)

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "MISSING" not in answer.body["detail"]  # the caller has not been verified


@pytest.mark.parametrize(("age", "status"), [(300, 202), (301, 401), (-300, 202), (-301, 401)])
def test_the_tolerance_is_inclusive_both_ways(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, age: int, status: int
) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(pay={"scheme": "stripe", "secrets": ["env:SESAME"]})
    signature = hmac.new(b"sesame", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t=1700000000,v1={signature}", "Drumbeat-Now": str(1_700_000_000 + age)}

    assert doors.post("/v1/webhooks/pay", BODY, key=None, headers=headers).status == status


def test_the_test_door_is_shut_in_production(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    monkeypatch.delenv("DRUMBEAT_TEST_DOOR")
    process.services.cache_clear()
    doors.configure(pay={"scheme": "stripe", "secrets": ["env:SESAME"]})
    signature = hmac.new(b"sesame", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t=1700000000,v1={signature}", "Drumbeat-Now": "1700000000"}

    try:
        assert doors.post("/v1/webhooks/pay", BODY, key=None, headers=headers).status == 401
    finally:
        services = process.services()
        services.db.close()
        services.redis.close()
