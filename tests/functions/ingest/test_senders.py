"""Each sender gets the answer it needs, whatever became of what it sent."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from drumbeat.sources import registry
from drumbeat.sources.signature import Delivery
from tests.functions.doors import Answer, Doors, make_unreachable
from tests.senders import NOW, SECRET, SENDERS, URL, mailgun

# By scheme, for what is new, a repeat, and what waits in the buffer.
STATUSES = {
    **dict.fromkeys(
        ("lemonsqueezy", "mailgun", "meta", "paddle", "postmark", "resend", "shopify", "slack", "twilio"), (200,) * 3
    ),
    **dict.fromkeys(
        (
            "calendly",
            "github",
            "hmac",
            "hubspot_v1",
            "hubspot_v3",
            "sendgrid",
            "standard_webhooks",
            "stripe",
            "typeform",
        ),
        (202, 200, 202),
    ),
}


@dataclass
class Receiver:
    """A door with one source, `vector`."""

    doors: Doors

    def configure(self, scheme: str, **options: object) -> "Receiver":
        self.doors.configure(
            vector={
                "scheme": scheme,
                "secrets": ["env:SIGNED_WITH"],
                "tolerance": registry.get(scheme).tolerance,
                "options": options,
            }
        )
        return self

    def deliver(self, delivery: Delivery, *, age: int = 0) -> Answer:
        return self.post(delivery.body, delivery.headers, age=age)

    def post(self, body: bytes, headers: Mapping[str, str] = {}, *, age: int = 0) -> Answer:
        judged = {**headers, "Drumbeat-Now": str(NOW + age)}
        return self.doors.post("/v1/webhooks/vector", body, key=None, headers=judged, encoded=True)

    def bodies(self) -> list[bytes]:
        return [row["body"] for row in self.doors.events()]


@pytest.fixture
def receiver(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    monkeypatch.setenv("SIGNED_WITH", f"{SECRET}\n")
    monkeypatch.setenv("TOKEN", "token\n")
    return Receiver(doors)


def test_every_sender_is_answered_alike_for_the_new_the_repeated_and_the_buffered(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheme, sender in SENDERS.items():
        monkeypatch.setenv(scheme, f" {sender.secret}\n")
    doors.configure(
        **{
            scheme: {"scheme": scheme, "secrets": [f"env:{scheme}"], "options": {"public_url": URL}}
            for scheme in SENDERS
        }
    )
    deliveries = {
        scheme: sender.delivery(key=b64decode(SECRET) if sender.in_base64 else None)
        for scheme, sender in SENDERS.items()
    }

    def deliver(scheme: str) -> Answer:
        headers = {**deliveries[scheme].headers, "Drumbeat-Now": str(NOW)}
        return doors.post(f"/v1/webhooks/{scheme}", deliveries[scheme].body, key=None, headers=headers, encoded=True)

    answers = {scheme: [deliver(scheme) for _ in range(2)] for scheme in SENDERS}
    make_unreachable(doors.services)
    for scheme in SENDERS:
        answers[scheme].append(deliver(scheme))

    assert {scheme: tuple(one.status for one in given) for scheme, given in answers.items()} == STATUSES
    assert {row["source"]: row["body"] for row in doors.events()} == {
        scheme: delivery.body for scheme, delivery in deliveries.items()
    }
    assert {(one.body, one.headers["content-type"]) for one in answers.pop("twilio")} == {("<Response/>", "text/xml")}
    assert {one.body for one in answers.pop("slack")} == {""}
    for given in answers.values():
        assert [one.body["status"] for one in given] == ["recorded", "recorded", "buffered"]
        assert len({one.body["eventId"] for one in given}) == 1


def test_a_conflict_is_answered_as_mailgun_needs_it(receiver: Receiver) -> None:
    receiver.configure("mailgun")

    answers = [receiver.post(mailgun(event)) for event in ("delivered", "complained")]

    assert [(answer.status, answer.body["status"]) for answer in answers] == [(200, "recorded"), (200, "conflict")]


def test_mailguns_retry_after_an_outage_of_hours_is_taken_and_is_no_second_event(receiver: Receiver) -> None:
    receiver.configure("mailgun")

    late = [receiver.post(mailgun(), age=hours * 3600).status for hours in (8, 11, 13)]

    assert late == [200, 200, 401]
    assert len(receiver.bodies()) == 1


def test_mailguns_legacy_form_is_kept_as_it_came(receiver: Receiver) -> None:
    receiver.configure("mailgun")
    body = urlencode({**json.loads(mailgun())["signature"], "event": "delivered"}).encode()

    assert receiver.post(body, {"Content-Type": "application/x-www-form-urlencoded"}).status == 200
    assert receiver.bodies() == [body]


def test_slacks_challenge_is_echoed_only_where_it_is_signed_and_is_no_event(receiver: Receiver) -> None:
    receiver.configure("slack")
    challenge = SENDERS["slack"].delivery(b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2"}')

    good = receiver.deliver(challenge)
    make_unreachable(receiver.doors.services)
    away = receiver.deliver(challenge)
    forged = receiver.deliver(SENDERS["slack"].delivery(challenge.body, key=b"other"))

    assert [(one.status, one.body) for one in (good, away)] == [(200, {"challenge": "3eZbrw1aBm2"})] * 2
    assert forged.status == 401
    assert receiver.bodies() == []
    assert receiver.doors.buffer.receive() == []


@pytest.mark.parametrize(
    ("token", "configured", "status"),
    [("token", "env:TOKEN", 200), ("other", "env:TOKEN", 403), ("", "env:EMPTY", 503), ("token", "env:MISSING", 503)],
)
def test_metas_address_is_confirmed_by_its_token(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, token: str, configured: str, status: int
) -> None:
    monkeypatch.setenv("EMPTY", " \n")
    receiver.configure("meta", verify_token=configured)
    query = urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token})

    answer = receiver.doors.get("/v1/webhooks/vector", query)

    assert answer.status == status
    if status == 200:
        assert (answer.body, answer.headers["content-type"]) == ("1158201444", "text/plain")
    else:
        assert "1158201444" not in str(answer.body)
        assert answer.body["type"].startswith("urn:drumbeat:problem:")


@pytest.mark.parametrize("name", ["vector", "other"])
def test_a_sender_that_asks_nothing_by_get_finds_nothing(receiver: Receiver, name: str) -> None:
    receiver.configure("github")

    assert receiver.doors.get(f"/v1/webhooks/{name}", "hub.mode=subscribe&hub.challenge=7").status == 404


@pytest.mark.parametrize("scheme", ["github", "mailgun"])
def test_an_empty_secret_closes_the_door_until_there_is_one(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    delivery = SENDERS[scheme].delivery(mailgun(key=b"") if scheme == "mailgun" else None, key=b"")
    monkeypatch.setenv("SIGNED_WITH", " \n")
    receiver.configure(scheme)

    answer = receiver.deliver(delivery)

    assert answer.status == 503
    assert receiver.bodies() == []


def test_whatever_a_hubspot_batch_holds_is_kept(receiver: Receiver) -> None:
    receiver.configure("hubspot_v1")
    bodies = [b"[" * 5_000 + b"]" * 5_000, b'[{"a": 1e400}]', b'[{"a": "\\ud83d"}]', b"[NaN]", b"{}", b"\0"]

    statuses = [receiver.deliver(SENDERS["hubspot_v1"].delivery(body)).status for body in bodies]

    assert statuses == [202] * len(bodies)
    assert sorted(receiver.bodies()) == sorted(bodies)


def test_bytes_appended_to_a_body_of_hubspots_first_version_are_noticed(receiver: Receiver) -> None:
    """SHA-256 of secret and body can be continued without the secret; what comes between begins with 0x80."""
    receiver.configure("hubspot_v1")
    continued = b'[{"eventId": 1}]\x80' + bytes(39) + b',{"eventId": 2}]'

    assert receiver.deliver(SENDERS["hubspot_v1"].delivery(continued)).status == 401
