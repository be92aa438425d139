"""An event that the ledger refuses, or that another session has locked, costs no neighbour its place."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from drumbeat.access.keys import ApiKey
from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer, drain, recording, request
from drumbeat.ingest.buffer import Buffered
from drumbeat.ingest.catalog import Configured
from drumbeat.ingest.sql import Recorded
from drumbeat.ledger.database import Database
from drumbeat.wakeups.queue import Message
from functions.ingest import app
from tests.deadlocks import deadlock, resolved
from tests.functions.doors import Answer, Doors, lead

SHOP = ApiKey("shop", frozenset({"ingest"}))
NOTHING = Configured((), ())


def arrivals(doors: Doors, *keys: str) -> list[Arrival]:
    now = doors.services.clock.now()
    return [request.read_element(lead(key), suspect=False, caller=SHOP, configured=NOTHING, now=now) for key in keys]


def unstorable(doors: Doors) -> Arrival:
    """An event with a key that no text of Postgres can hold, as a later release or a defect may let it pass."""
    (one,) = arrivals(doors, "bad")
    return replace(one, key="a\0b", id=ids.event_id(one.source, "a\0b"))


def message(*some: Arrival) -> Message:
    return Message("m", buffer.dumps(Buffered(some)), "h", 1)


def keys(doors: Doors) -> list[str]:
    return sorted(row["key"] for row in doors.events())


def test_an_event_that_the_ledger_refuses_costs_no_neighbour_its_place(doors: Doors) -> None:
    good = arrivals(doors, "one", "two", "three")

    results = recording.record_all([good[0], unstorable(doors), *good[1:]], app.door())

    assert [isinstance(one, Recorded) for one in results] == [True, False, True, True]
    assert keys(doors) == ["one", "three", "two"]
    assert {arrival.id for arrival in good} <= set(doors.notified())


def test_a_batch_of_a_clock_that_is_ahead_is_received_now_and_in_its_order(doors: Doors) -> None:
    ahead = doors.services.clock.now() + timedelta(hours=1)
    some = [
        replace(one, received_at=ahead + place * timedelta.resolution)
        for place, one in enumerate(arrivals(doors, "three", "two", "one"))
    ]

    recording.record_all(some, app.door())

    times = {row["key"]: row["received_at"] for row in doors.events()}
    assert max(times.values()) <= doors.services.clock.now() + timedelta(seconds=1)
    assert times["one"] - times["two"] == times["two"] - times["three"] == timedelta.resolution


def test_the_caller_of_a_batch_is_told_which_event_was_refused(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = unstorable(doors)
    really = request.read_element
    monkeypatch.setattr(request, "read_element", lambda element, **kw: bad if element == {} else really(element, **kw))

    answer = doors.post("/v1/events/batch", {"events": [lead("one"), {}, lead("two")]})

    assert [result["status"] for result in answer.body["results"]] == [202, 400, 202]
    assert keys(doors) == ["one", "two"]


def test_of_a_buffered_message_all_is_recorded_that_can_be_and_it_stays_for_a_person(doors: Doors) -> None:
    mixed, whole = message(*arrivals(doors, "one"), unstorable(doors)), message(*arrivals(doors, "two"))

    done = drain([mixed, whole], doors.services)

    assert (done.foreign, done.settled, done.recorded) == ((mixed,), (whole,), 2)
    assert keys(doors) == ["one", "two"]
    assert drain([mixed], doors.services).recorded == 0


def test_a_delivery_of_which_the_ledger_refuses_a_report_is_not_acknowledged_and_its_other_reports_are_recorded(
    doors: Doors, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(
        mails={"scheme": "github", "secrets": ["env:SESAME"], "type": "FEEDBACK", "speaks_for": "mail", "words": "http"}
    )
    body = json.dumps([{"id": kind, "kind": kind} for kind in ("delivered", "opened", "clicked")]).encode()
    signature = f"sha256={hmac.new(b'sesame', body, hashlib.sha256).hexdigest()}"

    def deliver() -> Answer:
        return doors.post("/v1/webhooks/mails", body, key=None, headers={"X-Hub-Signature-256": signature})

    owner.run("ALTER TABLE feedback ADD CONSTRAINT refusing CHECK (kind <> 'opened')")
    refused, kept = deliver(), keys(doors)
    owner.run("ALTER TABLE feedback DROP CONSTRAINT refusing")
    taken = deliver()

    assert (refused.status, kept) == (500, ["fact clicked", "fact delivered"])
    assert (taken.status, keys(doors)) == (202, ["fact clicked", "fact delivered", "fact opened"])


def test_an_event_that_another_session_has_locked_is_buffered_in_time_and_the_ledger_is_asked_again(
    doors: Doors, owner: Database
) -> None:
    doors.post("/v1/events", lead("before"))
    doors.services.db.run("SET lock_timeout = '100ms'")
    (one,) = arrivals(doors, "one")

    with owner.transaction():
        owner.run(
            "INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
            " VALUES (%s, %s, %s, %s, %s, '', now())",
            (one.id, one.source, one.key, one.type, one.door),
        )
        locked = doors.post("/v1/events", lead("one"))
        of_a_batch = doors.post("/v1/events/batch", {"events": [lead("one"), lead("two")]})
        beside = doors.post("/v1/events", lead("three"))
        done = drain([message(*arrivals(doors, "one")), message(*arrivals(doors, "four"))], doors.services)
        owner.run("DELETE FROM events WHERE id = %s", (one.id,))

    assert (locked.body["status"], beside.body["status"]) == ("buffered", "recorded")
    assert [result["status"] for result in of_a_batch.body["results"]] == [202, 202]
    assert (len(done.settled), len(done.foreign), done.recorded) == (1, 0, 1)
    assert keys(doors) == ["before", "four", "three"]


def test_a_buffered_event_that_is_the_victim_of_a_deadlock_comes_back_and_its_neighbours_are_recorded(
    doors: Doors, owner: Database
) -> None:
    (one,), victim = arrivals(doors, "one"), message(*arrivals(doors, "victim"))
    deadlock(owner, "events", key="victim")

    done = drain([victim, message(one)], doors.services)
    resolved(owner, "events")
    again = drain([victim], doors.services)

    assert (len(done.settled), done.foreign, done.recorded) == (1, (), 1)
    assert (again.settled, again.recorded) == ((victim,), 1)
    assert keys(doors) == ["one", "victim"]
