"""What a firing is as an event: the same for everyone who notices it."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from drumbeat.campaigns import firing
from drumbeat.core import ids
from drumbeat.core.campaigns import Campaign

DIGEST = Campaign("digest", "cron(0 9 * * ? *)", "America/New_York", "shift")
RECIPIENT = replace(DIGEST, timezone="recipient", fallback_timezone="Europe/Berlin")
NINE = datetime(2026, 3, 9, 13, tzinfo=UTC)


def test_a_scheduled_firing_names_campaign_and_instant() -> None:
    arrival = firing.scheduled(DIGEST, NINE, now=NINE)

    assert (arrival.source, arrival.door, arrival.type) == ("digest", "schedule", "CAMPAIGN_TRIGGER")
    assert arrival.scheduled_at == NINE
    assert arrival.id == ids.event_id("digest", arrival.key) == firing.event_id(DIGEST, NINE)
    body = json.loads(arrival.body)
    assert body["payload"] == {
        "campaign": "digest",
        "scheduledAt": "2026-03-09T13:00:00Z",
        "local": "2026-03-09T09:00:00-04:00",
        "timezone": "America/New_York",
    }
    assert body["idempotencyKey"] == arrival.key == "digest@2026-03-09T13:00:00Z"


def test_a_local_time_that_each_person_has_is_named_by_itself_and_has_no_offset() -> None:
    fired = datetime(2026, 3, 29, 19, tzinfo=UTC)  # the thirtieth, 9:00, at UTC+14
    arrival = firing.scheduled(RECIPIENT, fired, now=fired)

    assert (arrival.key, arrival.scheduled_at) == ("digest@2026-03-30T09:00", fired)
    body = json.loads(arrival.body)
    assert body["payload"] == {
        "campaign": "digest",
        "scheduledAt": "2026-03-29T19:00:00Z",
        "local": "2026-03-30T09:00:00",
        "timezone": "recipient",
    }
    assert arrival.id == firing.event_id(RECIPIENT, fired) != firing.event_id(DIGEST, fired)


def test_by_hand_it_is_at_one_instant_in_the_fallback_zone() -> None:
    by_hand = firing.by_hand(RECIPIENT, "k", actor="person:ada", now=NINE)

    payload = json.loads(by_hand.body)["payload"]
    assert (payload["local"], payload["timezone"]) == ("2026-03-09T14:00:00+01:00", "Europe/Berlin")


def test_who_noticed_it_and_when_makes_no_difference() -> None:
    first = firing.scheduled(DIGEST, NINE, now=NINE)
    later = firing.scheduled(DIGEST, NINE, now=datetime(2026, 3, 9, 20, tzinfo=UTC))

    assert (first.id, first.fingerprint, first.body) == (later.id, later.fingerprint, later.body)


def test_a_firing_by_hand_is_an_event_for_each_key_and_never_that_of_an_instant() -> None:
    by_hand = firing.by_hand(DIGEST, firing.key(DIGEST, NINE), actor="person:ada", now=NINE)

    assert by_hand.id != firing.event_id(DIGEST, NINE)
    assert (by_hand.door, by_hand.scheduled_at) == ("api", None)
    assert json.loads(by_hand.body)["payload"]["triggeredBy"] == "person:ada"
    again = firing.by_hand(DIGEST, firing.key(DIGEST, NINE), actor="person:bob", now=datetime(2027, 1, 1, tzinfo=UTC))
    assert (again.id, again.fingerprint) == (by_hand.id, by_hand.fingerprint)
