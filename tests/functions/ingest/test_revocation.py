"""Keys that verify and are not good: made elsewhere, or revoked; with the ledger there, and while it is away."""

import json

import pytest

from drumbeat.access import keys
from drumbeat.access import sql as stored_keys
from drumbeat.access.keys import SCOPES
from drumbeat.core import ids
from drumbeat.ingest import catalog, drain, parking, parking_sql
from drumbeat.ingest.parking_sql import Choice
from functions.ingest import app
from tests.functions.doors import Doors, lead, make_unreachable

EVENT = ids.event_id("crm", "one")


def forged(doors: Doors, id: str = "forged", *scopes: str) -> str:
    """A key of one who knows the secret."""
    return keys.mint(doors.services.key_secret, id, scopes or ("ingest",))


def revoke(doors: Doors, id: str = "shop") -> None:
    """Revoke a key as the console does."""
    stored_keys.revoke(doors.ledger, id, actor="person:ada")


def drained(doors: Doors) -> tuple[int, int]:
    """Drain the buffer; return how many were recorded, and how many were parked."""
    doors.services.db = doors.ledger
    recorded = parked = 0
    while messages := doors.buffer.receive():
        done = drain(messages, doors.services)
        doors.buffer.delete(done.settled)
        recorded, parked = recorded + done.recorded, parked + done.parked
    return recorded, parked


def buffered_and_revoked(doors: Doors, *names: str) -> None:
    """Buffer events of a key that is then revoked."""
    assert doors.post("/v1/events", lead("before")).status == 202
    ledger = doors.services.db
    make_unreachable(doors.services)
    for name in names:
        assert doors.post("/v1/events", lead(name)).body["status"] == "buffered"
    doors.services.db = ledger
    revoke(doors)


def test_a_forged_key_is_refused_though_it_verifies(doors: Doors) -> None:
    key = forged(doors)

    answers = [
        doors.post("/v1/events", lead("one"), key=key),
        doors.post("/v1/events/batch", {"events": [lead("two")]}, key=key),
    ]

    assert [answer.status for answer in answers] == [401, 401]
    assert doors.events() == []


def test_a_forged_key_does_not_learn_what_is_recorded(doors: Doors) -> None:
    event = lead("one")
    assert doors.post("/v1/events", event).status == 202

    assert doors.post("/v1/events", event, key=forged(doors)).status == 401


def test_scopes_that_the_key_was_not_made_with_are_refused(doors: Doors) -> None:
    stored_keys.add(doors.ledger, "reader", "reader", ["read"], actor="person:ada")

    assert doors.post("/v1/events", lead("one"), key=forged(doors, "reader", "read", "ingest")).status == 401


def test_while_the_ledger_is_away_a_key_verifies_itself(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)

    assert doors.post("/v1/events", lead("one")).body["status"] == "buffered"


def test_a_revoked_key_is_refused_also_while_the_ledger_is_away_by_a_process_that_never_saw_it(doors: Doors) -> None:
    revoke(doors)
    catalog.announce(doors.services)
    make_unreachable(doors.services)
    app.door.cache_clear()
    app.single.cache_clear()

    answers = [doors.post("/v1/events", lead("one")), doors.post("/v1/events/batch", {"events": [lead("two")]})]

    assert [answer.status for answer in answers] == [401, 401]
    assert doors.buffer.count() == 0


def test_what_the_ledger_refused_once_is_refused_while_it_is_away(doors: Doors) -> None:
    key = forged(doors)
    assert doors.post("/v1/events", lead("one"), key=key).status == 401
    make_unreachable(doors.services)

    assert doors.post("/v1/events", lead("one"), key=key).status == 401
    assert doors.post("/v1/events", lead("one")).status == 202


def test_what_a_revoked_caller_buffered_is_parked_neither_lost_nor_an_event(doors: Doors) -> None:
    buffered_and_revoked(doors, "one", "two")

    assert drained(doors) == (0, 2)

    assert [event["key"] for event in doors.events()] == ["before"]
    assert doors.buffer.count() == 0
    listed = parking_sql.listed(doors.ledger, after=None, limit=9)
    assert {(each.key, each.caller) for each in listed} == {("one", "shop"), ("two", "shop")}
    assert parking.is_parked(doors.services, EVENT)


def test_what_one_buffered_with_a_key_that_was_never_made_here_is_parked_too(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    doors.post("/v1/events/batch", {"events": [lead("one"), lead("two")]}, key=forged(doors))

    assert drained(doors) == (0, 2)


def test_parking_twice_is_parking_once_and_leaves_out_what_is_recorded(doors: Doors) -> None:
    event = lead("one")
    doors.post("/v1/events", event)
    make_unreachable(doors.services)
    doors.post("/v1/events", event)  # its receipt was lost
    doors.post("/v1/events", lead("two"))
    messages = doors.buffer.receive()
    doors.services.db = doors.ledger
    revoke(doors)

    assert [drain(messages, doors.services).parked for _ in range(2)] == [1, 0]


def test_a_released_event_is_recorded_once_with_its_first_time_and_a_worker_is_notified(doors: Doors) -> None:
    buffered_and_revoked(doors, "one")
    drained(doors)
    doors.notified()

    decided = [
        parking.release(Choice(caller="shop"), reason="it was ours", actor="person:ada", services=doors.services)
        for _ in range(2)
    ]

    assert decided == [(1, 0), (0, 0)]
    (event,) = [event for event in doors.events() if event["id"] == EVENT]
    assert (json.loads(event["body"])["idempotencyKey"], event["door"]) == ("one", "api")
    (row,) = doors.ledger.run("SELECT received_at, decision, decided_by, reason FROM parked")
    assert (row["decision"], row["decided_by"], row["reason"]) == ("released", "person:ada", "it was ours")
    assert row["received_at"] == event["received_at"]
    assert doors.notified() == [EVENT]


def test_a_discarded_event_is_kept_and_never_released(doors: Doors) -> None:
    buffered_and_revoked(doors, "one")
    drained(doors)
    choice = Choice(events=(EVENT,))

    assert parking.discard(choice, reason="stolen key", actor="person:ada", services=doors.services) == (1, 0)
    assert parking.release(choice, reason="oh", actor="person:ada", services=doors.services) == (0, 0)

    assert [event["key"] for event in doors.events()] == ["before"]
    assert len(doors.ledger.run("SELECT body FROM parked WHERE decision = 'discarded'")) == 1


def test_a_released_body_whose_key_another_has_is_a_conflict_of_that_event(doors: Doors) -> None:
    buffered_and_revoked(doors, "one")
    drained(doors)
    other = lead("one", payload={"n": 2})
    assert doors.post("/v1/events", other, key=doors.key(id="another")).status == 202

    parking.release(Choice(events=(EVENT,)), reason="ours", actor="person:ada", services=doors.services)

    (conflict,) = doors.ledger.run("SELECT event_id FROM conflicts")
    assert conflict["event_id"] == EVENT


@pytest.mark.parametrize("type", ["CAMPAIGN_TRIGGER", "FEEDBACK"])
def test_a_key_for_leads_may_say_neither_that_a_campaign_fires_nor_what_others_said(doors: Doors, type: str) -> None:
    single = doors.post("/v1/events", lead("one", type=type))
    batch = doors.post("/v1/events/batch", {"events": [lead("one", type=type), lead("two")]})
    make_unreachable(doors.services)
    buffered = doors.post("/v1/events", lead("three", type=type))

    assert (single.status, "`operate`" in single.body["detail"]) == (403, True)
    assert [result["status"] for result in batch.body["results"]] == [403, 202]
    assert (buffered.status, doors.buffer.count()) == (403, 0)


@pytest.mark.parametrize("scopes", [("ingest",), ("operate",), ("ingest", "operate")])
def test_what_no_caller_may_say_is_refused_for_what_it_is_and_not_for_the_key(
    doors: Doors, scopes: tuple[str, ...]
) -> None:
    answer = doors.post("/v1/events", lead("one", type="CONSENT"), key=doors.key(*scopes))

    assert (answer.status, "type" in answer.body["detail"]) == (400, True)


def test_an_operator_fires_campaigns_and_sends_no_leads(doors: Doors) -> None:
    operator = doors.key("operate")

    assert doors.post("/v1/events", lead("one", type="CAMPAIGN_TRIGGER"), key=operator).status == 202
    assert doors.post("/v1/events", lead("two"), key=operator).status == 403
    assert doors.post("/v1/events", lead("three"), key=doors.key(*SCOPES)).status == 202


@pytest.mark.parametrize("end", ["\n", " x", "\x00", "é", "=", ".", ",Bearer x"])
@pytest.mark.parametrize("cut", [0, 1, 20])
def test_what_is_not_exactly_the_key_is_refused_without_a_hint(doors: Doors, end: str, cut: int) -> None:
    token = doors.key()
    answer = doors.post("/v1/events", lead("one"), key=token[: len(token) - cut] + end)

    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert token[-20:] not in str(answer.body)
    assert doors.events() == []
