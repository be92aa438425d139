"""Deliveries that the release before knows by another id: what either has recorded is no new event for the other.

The release before made a webhook's key of the sender's id, signed or not.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from drumbeat.core import fingerprint, ids
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer, recording
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.buffer import Buffered, drain
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.sources.signature import content_key
from drumbeat.wakeups.queue import Message
from tests.functions.doors import Doors, make_unreachable
from tests.functions.ingest.test_webhooks import BODY, deliver

OTHER = b'{"n": 2}'


@pytest.fixture
def code(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Doors:
    """A door with one webhook, whose sender does not sign its ids."""
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"]})
    return doors


@pytest.fixture
def others(code: Doors) -> Iterator[list[Database]]:
    """Connections of other processes."""
    connections = [Database(code.ledger.url) for _ in range(4)]
    yield connections
    for connection in connections:
        connection.close()


def arrival(doors: Doors, key: str, body: bytes = BODY) -> Arrival:
    return Arrival(
        id=ids.event_id("code", key),
        source="code",
        key=key,
        type="LEAD_CAPTURE",
        door="webhook",
        fingerprint=fingerprint.of_raw(body),
        scheduled_at=None,
        received_at=doors.services.clock.now(),
        body=body,
    )


def ours(doors: Doors, id: str, body: bytes = BODY) -> Arrival:
    return replace(arrival(doors, content_key(body), body), former_key=id)


def record_as_before(doors: Doors, id: str, body: bytes = BODY, db: Database | None = None) -> tuple[bool, bool]:
    """Do as the release before does with a delivery; return whether it was inserted, and whether it was a conflict."""
    db, theirs = db or doors.services.db, arrival(doors, id, body)
    names = ("id", "source", "key", "type", "door", "fingerprint", "scheduled_at", "received_at", "body")
    (row,) = db.run(
        ingest_sql.RECORD,
        {"caller": None, "scopes": [], "trace": None} | {name: getattr(theirs, name) for name in names},
    )
    first = row["fingerprint"]
    if not row["inserted"] and first is None:
        first = next(
            (one["fingerprint"] for one in db.run("SELECT fingerprint FROM events WHERE id = %s", [theirs.id])), None
        )
    conflict = not row["inserted"] and first != theirs.fingerprint
    if conflict:
        ingest_sql.keep_conflicts(db, [theirs])
    return row["inserted"], conflict


def drain_as_before(doors: Doors, messages: Sequence[Message]) -> list[tuple[bool, bool]]:
    """Record buffered messages as the release before reads them."""
    read: list[Any] = [json.loads(message.body)["arrivals"][0] for message in messages]
    return [record_as_before(doors, entry["key"], b64decode(entry["body"])) for entry in read]


def buffered(doors: Doors, *delivered: tuple[str, bytes]) -> list[Message]:
    """Deliver while the ledger is unreachable; return what waits."""
    make_unreachable(doors.services)
    for id, body in delivered:
        assert deliver(doors, body, delivery=id).body["status"] == "buffered"
    doors.services.db = Database(doors.ledger.url)
    return doors.buffer.receive()


def bodies(doors: Doors) -> list[bytes]:
    return sorted(row["body"] for row in doors.events())


@pytest.mark.point(5)
def test_a_redelivery_after_the_upgrade_is_the_event_that_was_recorded(code: Doors) -> None:
    record_as_before(code, "d-1")
    before = code.services.db.round_trips

    answer = deliver(code, delivery="d-1")

    assert (answer.status, answer.headers["idempotent-replayed"]) == (200, "true")
    assert answer.body["eventId"] == str(ids.event_id("code", "d-1"))
    assert len(code.events()) == 1
    assert code.services.db.round_trips - before <= 2  # one of them reads the configuration
    assert code.notified() == []


def test_another_body_under_a_recorded_id_is_an_event_of_its_own(code: Doors) -> None:
    record_as_before(code, "d-1")

    answers = [deliver(code, OTHER, delivery="d-1") for _ in range(2)]

    assert [answer.status for answer in answers] == [202, 200]
    assert bodies(code) == sorted([BODY, OTHER])


def test_a_delivery_is_recorded_in_one_round_trip(code: Doors) -> None:
    deliver(code, OTHER)
    before = code.services.db.round_trips

    deliver(code, delivery="d-1")
    deliver(code, delivery="d-1")
    deliver(code, delivery="d-2")

    assert code.services.db.round_trips - before == 3


def test_a_redelivery_after_a_rollback_is_no_second_event(code: Doors) -> None:
    deliver(code, delivery="d-1")

    again = [record_as_before(code, "d-1") for _ in range(2)]

    assert again == [(False, True)] * 2  # it answers 202 with the status `conflict`
    assert [row["key"] for row in code.events()] == [content_key(BODY)]
    assert code.ledger.run("SELECT event_id FROM conflicts") == []  # the body is the event's own


def test_the_release_before_records_what_this_one_has_not(code: Doors) -> None:
    deliver(code, delivery="d-1")

    assert record_as_before(code, "d-1", OTHER) == (True, False)
    assert record_as_before(code, "d-2", b"[]") == (True, False)

    assert bodies(code) == sorted([BODY, OTHER, b"[]"])


def test_a_conflict_of_the_release_before_is_kept_where_no_event_holds_its_body(code: Doors) -> None:
    record_as_before(code, "d-1")
    deliver(code, OTHER, delivery="d-1")

    kept = [record_as_before(code, "d-1", body) for body in (b"[]", OTHER)]

    assert kept == [(False, True)] * 2
    assert [row["body"] for row in code.ledger.run("SELECT body FROM conflicts")] == [b"[]"]


def test_an_alias_is_left_with_an_event_and_not_with_its_repeats(code: Doors) -> None:
    for n in range(5):
        deliver(code, delivery=f"d-{n}")

    (alias,) = code.ledger.run("SELECT id, event_id FROM event_aliases")
    assert alias == {"id": ids.event_id("code", "d-0"), "event_id": ids.event_id("code", content_key(BODY))}


def test_an_id_that_becomes_trusted_does_not_repeat_what_was_recorded_by_content(code: Doors) -> None:
    first = deliver(code, delivery="d-1")
    code.configure(code={"scheme": "github", "secrets": ["env:SESAME"], "options": {"trust_delivery_id": True}})

    again, other = deliver(code, delivery="d-1"), deliver(code, delivery="d-2")

    assert (again.status, again.body) == (200, first.body)
    assert other.status == 202


def test_an_api_event_asks_for_no_alias(code: Doors) -> None:
    deliver(code, delivery="d-1")
    theirs = replace(arrival(code, "d-1"), door="api")

    assert ingest_sql.record(code.services.db, theirs).inserted


# ---------------------------------------------------------------- at the same time


def copies(code: Doors, others: Sequence[Database], first: Any, second: Any) -> tuple[Any, Any]:
    """Run `first` in a transaction and `second` meanwhile, which has to wait for the commit."""
    with ThreadPoolExecutor(1) as threads:
        with others[0].transaction():
            done = first(others[0])
            waiting = threads.submit(second, others[1])
            while not code.ledger.run("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                assert not waiting.done(), waiting.result()
        return done, waiting.result(timeout=30)


def test_of_two_releases_at_once_one_records_the_delivery(code: Doors, others: list[Database]) -> None:
    def new(db: Database) -> bool:
        return ingest_sql.record(db, ours(code, "d-1")).inserted

    def old(db: Database) -> bool:
        return record_as_before(code, "d-1", db=db)[0]

    assert copies(code, others, new, old) == (True, False)
    assert len(code.events()) == 1


def test_of_two_releases_at_once_the_older_one_may_be_first(code: Doors, others: list[Database]) -> None:
    def new(db: Database) -> tuple[UUID, bool]:
        recorded = ingest_sql.record(db, ours(code, "d-1"))
        return recorded.event, recorded.inserted

    def old(db: Database) -> bool:
        return record_as_before(code, "d-1", db=db)[0]

    assert copies(code, others, old, new) == (True, (ids.event_id("code", "d-1"), False))
    assert len(code.events()) == 1


def test_copies_under_two_ids_at_once_are_one_event(code: Doors, others: list[Database]) -> None:
    def one(db: Database) -> tuple[UUID, bool]:
        recorded = ingest_sql.record(db, ours(code, "d-1"))
        return recorded.event, recorded.inserted

    def other(db: Database) -> tuple[UUID, bool]:
        recorded = ingest_sql.record(db, ours(code, "d-2"))
        assert recorded.fingerprint == fingerprint.of_raw(BODY)
        return recorded.event, recorded.inserted

    id = ids.event_id("code", content_key(BODY))
    assert copies(code, others, one, other) == ((id, True), (id, False))


# ---------------------------------------------------------------- through the buffer


def test_a_buffered_redelivery_is_the_event_that_was_recorded(code: Doors) -> None:
    record_as_before(code, "d-1")
    deliver(code, b"[]")
    messages = buffered(code, ("d-1", BODY), ("d-2", OTHER))

    done = drain(messages, code.services)

    assert (len(done.settled), done.recorded) == (2, 1)
    assert bodies(code) == sorted([BODY, OTHER, b"[]"])
    assert code.ledger.run("SELECT event_id FROM conflicts") == []


def test_the_release_before_drains_what_this_one_buffered_under_its_own_id(code: Doors) -> None:
    record_as_before(code, "d-1")
    deliver(code, b"[]")
    messages = buffered(code, ("d-1", BODY), ("d-2", OTHER))

    assert drain_as_before(code, messages) == [(False, False), (True, False)]

    assert deliver(code, OTHER, delivery="d-2").status == 200
    assert bodies(code) == sorted([BODY, OTHER, b"[]"])


def test_the_release_before_does_not_stop_at_what_this_one_has_recorded(code: Doors) -> None:
    deliver(code, b"[]")
    messages = buffered(code, ("d-1", BODY))
    drain(messages, code.services)

    assert drain_as_before(code, messages) == [(False, True)]
    assert len(code.events()) == 2


def test_what_the_release_before_buffered_is_known_here(code: Doors) -> None:
    deliver(code, delivery="d-1")
    theirs = Message("old", buffer.dumps(Buffered((arrival(code, "d-1"), arrival(code, "d-2", OTHER)))), "", 1)

    done = drain([theirs], code.services)

    assert (done.settled, done.recorded) == ((theirs,), 1)
    assert bodies(code) == sorted([BODY, OTHER])
    assert code.ledger.run("SELECT event_id FROM conflicts") == []


@pytest.mark.parametrize("swapped", [False, True])
def test_a_batch_may_hold_a_delivery_under_both_ids(code: Doors, swapped: bool) -> None:
    both = [arrival(code, "d-1"), ours(code, "d-1"), ours(code, "d-2", OTHER), ours(code, "d-3", OTHER)]

    recorded = [one for one in recording.record_all(both[::-1] if swapped else both, Door(code.services)) if one]

    assert sum(one.inserted for one in recorded) == len(code.events()) == 2
    assert all(
        one.fingerprint == each.fingerprint for one, each in zip(recorded, both[::-1] if swapped else both, strict=True)
    )


def test_a_buffered_delivery_has_both_keys(code: Doors) -> None:
    written = json.loads(buffer.dumps(Buffered((ours(code, "d-1"), arrival(code, "d-2")))))["arrivals"]

    assert [(entry["key"], entry.get("newKey")) for entry in written] == [("d-1", content_key(BODY)), ("d-2", None)]
    sent = ours(code, "d-1")
    assert buffer.loads(buffer.dumps(Buffered((sent,)))) == Buffered((sent,))


def test_the_application_cannot_rewrite_an_alias(code: Doors) -> None:
    deliver(code, delivery="d-1")

    for statement in ("DELETE FROM event_aliases", "UPDATE event_aliases SET id = event_id"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            code.ledger.run(statement)
