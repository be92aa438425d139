"""What a sender needs to hear: before it sends anything, and about what it sent."""

import json
from urllib.parse import urlencode

import pytest

from drumbeat.sources import registry
from drumbeat.sources.signature import Allowed, Delivery, Reply, Unverified
from tests.senders import NOW, SECRET, SENDERS, URL, mailgun

META = registry.get("meta")


def asked(query: str) -> Delivery:
    return Delivery("GET", f"{URL}?{query}", {}, b"")


def subscribe(**changed: str) -> Delivery:
    return asked(
        urlencode({"hub.mode": "subscribe", "hub.verify_token": "token", "hub.challenge": "1158201444"} | changed)
    )


@pytest.mark.parametrize(
    "scheme", ["lemonsqueezy", "mailgun", "meta", "paddle", "postmark", "resend", "shopify", "slack", "twilio"]
)
def test_senders_that_ask_for_200_get_it(scheme: str) -> None:
    reply = registry.get(scheme).reply

    assert reply is not None
    assert reply.status == 200


def test_twilio_is_answered_in_twiml_and_slack_with_nothing() -> None:
    assert registry.get("twilio").reply == Reply(200, "text/xml", "<Response/>")
    assert registry.get("slack").reply == Reply(200, "text/plain", "")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (b'{"type": "url_verification", "challenge": "abc"}', Reply(body='{"challenge": "abc"}')),
        (b'{"type": "url_verification", "challenge": "\\ud83d\\""}', Reply(body='{"challenge": "\\ud83d\\""}')),
        (b"ssl_check=1&token=x", Reply(200, "text/plain", "")),
        (b'{"type": "url_verification"}', None),
        (b'{"type": "url_verification", "challenge": 7}', None),
        (b'{"type": "event_callback", "challenge": "abc"}', None),
        (b'{"type": "event_callback", "event": {"type": "url_verification", "challenge": "abc"}}', None),
        (b"command=%2Fweather&text=ssl_check%3D1", None),
        (b"[]", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_slack_is_answered_what_it_asks_and_only_that(body: bytes, reply: Reply | None) -> None:
    assert registry.get("slack").answer(SENDERS["slack"].delivery(body)) == reply


@pytest.mark.parametrize("scheme", sorted(SENDERS.keys() - {"slack"}))
def test_no_other_sender_asks_in_a_delivery(scheme: str) -> None:
    challenge = SENDERS[scheme].delivery(b'{"type": "url_verification", "challenge": "abc"}')

    assert registry.get(scheme).answer(challenge) is None


def test_metas_challenge_is_sent_back_to_the_one_that_shows_the_token() -> None:
    assert META.confirm(subscribe(), "token") == Reply(200, "text/plain", "1158201444")
    assert META.confirm(subscribe(), None).body == "1158201444"


@pytest.mark.parametrize(
    ("request_", "token"),
    [
        (subscribe(), "other"),
        (subscribe(), ""),
        (subscribe(**{"hub.verify_token": ""}), ""),
        (subscribe(**{"hub.verify_token": ""}), "token"),
        (subscribe(**{"hub.verify_token": "token\u00e9"}), "token"),
        (subscribe(**{"hub.mode": "unsubscribe"}), "token"),
        (subscribe(**{"hub.challenge": ""}), "token"),
        (subscribe(**{"hub.challenge": "<script>"}), None),
        (subscribe(**{"hub.challenge": "1" * 300}), None),
        (asked("hub.mode=subscribe&hub.challenge=7"), "token"),
        (asked("hub.mode=subscribe&hub.verify_token=token&hub.verify_token=other&hub.challenge=7"), "token"),
        (asked(""), "token"),
    ],
)
def test_metas_address_is_not_confirmed_to_another(request_: Delivery, token: str | None) -> None:
    with pytest.raises(Unverified):
        META.confirm(request_, token)


@pytest.mark.parametrize("scheme", sorted(SENDERS.keys() - {"meta"}))
def test_no_other_sender_asks_by_get(scheme: str) -> None:
    assert not registry.get(scheme).verify_token
    with pytest.raises(Unverified):
        registry.get(scheme).confirm(subscribe(), "token")


@pytest.mark.parametrize(("age", "good"), [(8 * 3600 + 600, True), (12 * 3600, True), (12 * 3600 + 1, False)])
def test_mailguns_last_retry_carries_the_first_signature(age: int, good: bool) -> None:
    scheme = registry.get("mailgun")
    delivery = Delivery("POST", URL, {}, mailgun())
    allowed = Allowed([SECRET], NOW + age, scheme.tolerance, {})

    if good:
        assert scheme.verify(delivery, allowed) == json.loads(delivery.body)["signature"]["token"]
    else:
        with pytest.raises(Unverified):
            scheme.verify(delivery, allowed)


def test_what_is_signed_anew_for_every_try_is_judged_by_five_minutes() -> None:
    assert {registry.get(scheme).tolerance for scheme in SENDERS if scheme != "mailgun"} == {300}
