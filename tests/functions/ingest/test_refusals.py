"""The last refusal of each webhook is kept for its operator: once a minute for each reason, and never in the way."""

import time

import pytest

from drumbeat.ingest import refusals
from drumbeat.ingest.rationing import EVERY_SECONDS
from drumbeat.ingest.refusals import SENTENCES, Refusal
from drumbeat.sources.signature import MAX_DELIVERY_BYTES
from functions.ingest import app
from tests.functions.doors import Doors
from tests.functions.ingest.test_outages import no_redis
from tests.functions.ingest.test_webhooks import deliver

STRIPE_TEST_BODY = b'{"id": "evt_1"}'


@pytest.fixture
def code(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(
        code={"scheme": "github", "secrets": ["env:SESAME"], "type": "CONTENT_PUBLISH"},
        pay={"scheme": "stripe", "secrets": ["env:SESAME"]},
        lost={"scheme": "github", "secrets": ["env:NO_SUCH_SECRET"]},
    )
    return doors


def last(doors: Doors, source: str = "code") -> str | None:
    found = refusals.last([source], doors.services)
    return found[source].code if found else None


def test_each_reason_has_its_code(code: Doors) -> None:
    signed = {"X-Hub-Signature-256": "sha256=00"}
    old = {"Stripe-Signature": "t=1000,v1=00"}

    code.post("/v1/webhooks/code", b"{}", key=None)
    unsigned = last(code)
    deliver(code, secret="wrong")
    wrong = last(code)
    code.post("/v1/webhooks/code", b"x" * (MAX_DELIVERY_BYTES + 9), key=None, headers=signed)
    large = last(code)
    code.post("/v1/webhooks/pay", STRIPE_TEST_BODY, key=None, headers=old)
    code.post("/v1/webhooks/lost", b"{}", key=None, headers=signed)

    assert (unsigned, wrong, large) == ("signature_missing", "signature_wrong", "too_large")
    assert (last(code, "pay"), last(code, "lost")) == ("too_old", "secret_missing")


def test_what_is_accepted_and_what_is_no_source_leave_nothing(code: Doors) -> None:
    assert deliver(code).status == 202
    assert code.post("/v1/webhooks/nothing", b"{}", key=None).status == 404

    assert refusals.last(["code", "nothing"], code.services) == {}
    assert not list(code.redis.scan_iter("*refused*"))


def test_many_are_written_once_a_minute_with_the_newest_reason_last(
    code: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, Refusal]] = []
    monkeypatch.setattr(refusals, "keep", lambda source, why, _: kept.append((source, why)))

    for _ in range(20):
        deliver(code, secret="wrong")
    once = list(kept)
    app.door()._refused._elapsed = lambda: time.monotonic() + EVERY_SECONDS
    deliver(code, secret="wrong")

    assert once == [("code", Refusal.SIGNATURE_WRONG)]
    assert len(kept) == 2


def test_without_redis_a_delivery_is_refused_as_ever(code: Doors) -> None:
    no_redis(code)

    assert deliver(code, secret="wrong").status == 401


def test_what_is_not_ours_under_our_key_is_no_refusal(code: Doors) -> None:
    key = code.services.redis.key("{sources}:refused:code")
    for foreign in (b"", b"[]", b'{"code": "x"}', b'{"code": "x", "at": 1e99}', b"\xff"):
        code.redis.set(key, foreign)
        assert refusals.last(["code"], code.services) == {}


def test_each_code_has_its_sentence_and_that_of_a_later_release_is_shown_as_it_is(code: Doors) -> None:
    code.redis.set(code.services.redis.key("{sources}:refused:code"), b'{"code": "of_tomorrow", "at": 1796057804}')

    assert set(SENTENCES) == set(Refusal)
    assert refusals.last(["code"], code.services)["code"].sentence == "of_tomorrow"
