"""What a caller gets while a part of the system is unreachable: nothing is lost, and nothing is promised that is.

Long, because every part that can be unreachable is in it.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from drumbeat.access.keys import ApiKey
from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest import buffer, drain, request
from drumbeat.ingest import sql as stored_events
from drumbeat.ingest.buffer import Buffered
from drumbeat.ingest.catalog import Configured
from drumbeat.ingest.door import Door
from drumbeat.ledger import database
from drumbeat.ledger.database import Database
from drumbeat.wakeups.queue import Message, Queue
from functions.ingest import app
from tests.conftest import PREFIX
from tests.functions.doors import Doors, lead, make_unreachable
from tests.functions.ingest.test_webhooks import deliver
from tests.store.rows import pass_time

SHOP = ApiKey("shop", frozenset({"ingest"}))
NOWHERE = "http://127.0.0.1:1"


def drained(doors: Doors) -> int:
    """Drain the buffer into the ledger as the relay does; returns how many events were recorded."""
    doors.services.db.close()
    doors.services.db = doors.ledger
    recorded = 0
    while messages := doors.buffer.receive():
        done = drain(messages, doors.services)
        doors.buffer.delete(done.settled)
        recorded += done.recorded
    return recorded


def no_redis(doors: Doors) -> None:
    """Point Redis at a port that nothing listens on."""
    doors.services.redis.close()
    doors.services.redis = LeanRedis.at("redis://127.0.0.1:1", PREFIX)
    doors.services.__dict__.pop("due_index", None)
    app.single.cache_clear()
    app.door.cache_clear()


def impatient(doors: Doors) -> Database:
    """Let the ledger answer soon or count as unreachable."""
    doors.services.db.close()
    doors.services.db = Database(doors.services.db.url, patience=0.3)
    return doors.services.db


@pytest.mark.point(10)
def test_while_postgres_is_unreachable_an_event_is_buffered_and_later_recorded(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    sent_at = doors.services.clock.now()

    answer = doors.post("/v1/events", lead("one"))

    id = ids.event_id("crm", "one")
    assert (answer.status, answer.body) == (202, {"eventId": str(id), "status": "buffered"})
    assert drained(doors) == 1
    event = next(row for row in doors.events() if row["id"] == id)
    assert timedelta() <= event["received_at"] - sent_at < timedelta(seconds=30)
    assert json.loads(event["body"]) == lead("one")
    assert id in doors.notified()


def test_what_waited_counts_as_received_no_later_than_the_buffer_took_it(doors: Doors, owner: Database) -> None:
    """Whatever the clock of the process said that put it there."""
    id, ahead = ids.event_id("crm", "one"), datetime.now(UTC) + timedelta(hours=1)
    buffer.put([Arrival(id, "crm", "one", "LEAD_CAPTURE", "api", b"", None, ahead, b"{}")], Door(doors.services))
    after = datetime.now(UTC)
    pass_time(owner, hours=2)

    assert drained(doors) == 1

    event = next(row for row in doors.events() if row["id"] == id)
    assert event["received_at"] <= after + timedelta(milliseconds=1)


@pytest.mark.point(10)
def test_a_ledger_that_hangs_is_given_up_and_not_called_again_for_a_while(doors: Doors, owner: Database) -> None:
    doors.post("/v1/events", lead("before"))
    hasty = impatient(doors)

    with owner.transaction():
        owner.run("LOCK TABLE events")
        first = doors.post("/v1/events", lead("one"))
        before = hasty.round_trips
        second = doors.post("/v1/events", lead("two"))

    assert [answer.body["status"] for answer in (first, second)] == ["buffered", "buffered"]
    assert hasty.round_trips == before
    drained(doors)  # beside the statement that was given up, which the server may still carry out
    assert sorted(row["key"] for row in doors.events()) == ["before", "one", "two"]


def test_a_ledger_that_was_given_up_is_called_again(
    doors: Doors, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "HANG_RETRY_SECONDS", 0.0)
    impatient(doors)
    with owner.transaction():
        owner.run("LOCK TABLE events")
        doors.post("/v1/events", lead("one"))

    assert doors.post("/v1/events", lead("two")).body["status"] == "recorded"


@pytest.mark.point(10)
def test_a_batch_is_buffered_whole_in_few_messages(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)

    answer = doors.post("/v1/events/batch", {"events": [*(lead(f"{n}") for n in range(300)), 7]})

    assert [result["status"] for result in answer.body["results"]] == [202] * 300 + [400]
    assert doors.buffer.count() == 1
    assert drained(doors) == 300


@pytest.mark.point(10)
def test_large_events_are_spread_over_messages_that_sqs_takes(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    large = [lead(f"{n}", payload={"x": f"{n}" * 200_000}) for n in range(8)]

    doors.post("/v1/events/batch", {"events": large})

    assert doors.buffer.count() > 1
    assert drained(doors) == 8


@pytest.mark.point(10)
def test_a_webhook_is_verified_and_buffered(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"]})
    deliver(doors, delivery="before")
    make_unreachable(doors.services)

    good, bad = deliver(doors, b"\xff{}", delivery="d-2"), deliver(doors, delivery="d-3", secret="wrong")

    assert (good.status, good.body["status"], bad.status) == (202, "buffered", 401)
    assert drained(doors) == 1
    assert b"\xff{}" in [row["body"] for row in doors.events()]


@pytest.mark.point(10)
def test_a_new_process_knows_the_sources_from_redis(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESAME", "sesame")
    doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"]})
    deliver(doors, delivery="before")
    app.door.cache_clear()
    app.single.cache_clear()
    make_unreachable(doors.services)

    assert deliver(doors, delivery="d-2").body["status"] == "buffered"
    assert doors.post("/v1/events", lead(source="code")).status == 403


@pytest.mark.point(10)
def test_with_neither_postgres_nor_redis_a_new_process_asks_to_come_again(doors: Doors) -> None:
    make_unreachable(doors.services)
    no_redis(doors)

    answer = doors.post("/v1/events", lead())

    assert (answer.status, answer.body["type"]) == (503, "urn:drumbeat:problem:unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert doors.buffer.count() == 0


@pytest.mark.point(10)
@pytest.mark.point(68)
def test_with_neither_postgres_nor_the_buffer_nothing_is_promised(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    app.door().services.buffer = Queue(Sqs("us-east-1", NOWHERE), f"{NOWHERE}/0/buffer")

    answers = [
        doors.post("/v1/events", lead()),
        doors.post("/v1/events/batch", {"events": [lead(), 7]}),
    ]

    assert [answer.status for answer in answers] == [503, 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)


@pytest.mark.point(10)
def test_a_read_only_ledger_counts_as_unreachable(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    doors.services.db.run("SET default_transaction_read_only = on")

    assert doors.post("/v1/events", lead("one")).body["status"] == "buffered"


@pytest.mark.point(6)
def test_a_commit_whose_answer_was_lost_is_one_event_in_the_end(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    doors.post("/v1/events", lead("before"))
    real = Database.run

    def cut_after_commit(self: Database, sql: str, parameters: object = None) -> object:
        real(self, sql, parameters)  # type: ignore[arg-type]
        monkeypatch.setattr(Database, "run", real)
        make_unreachable(doors.services)
        return doors.services.db.run("SELECT 1")

    monkeypatch.setattr(Database, "run", cut_after_commit)

    answer = doors.post("/v1/events", lead("one"))

    assert answer.body["status"] == "buffered"
    assert drained(doors) == 0
    assert [row["key"] for row in doors.events()] == ["before", "one"]
    assert doors.ledger.run("SELECT event_id FROM conflicts") == []


@pytest.mark.point(4)
def test_a_buffered_body_that_came_too_late_for_its_key_is_kept(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    doors.post("/v1/events", lead("one", payload={"n": 2}))
    doors.services.db = Database(doors.ledger.url)
    doors.post("/v1/events", lead("one", payload={"n": 1}))

    assert drained(doors) == 0

    (conflict,) = doors.ledger.run("SELECT event_id, body FROM conflicts")
    assert (conflict["event_id"], json.loads(conflict["body"])["payload"]) == (ids.event_id("crm", "one"), {"n": 2})


def test_draining_twice_changes_nothing(doors: Doors) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    doors.post("/v1/events", lead("one"))
    messages = doors.buffer.receive()
    doors.services.db = doors.ledger

    counts = [drain(messages, doors.services).recorded for _ in range(2)]

    assert counts == [1, 0]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"v": 2, "arrivals": []}', '{"v": 1, "arrivals": [{}]}', "\0", "[" * 100_000]
)
def test_a_foreign_message_in_the_buffer_stays_and_hurts_no_other(doors: Doors, text: str) -> None:
    doors.post("/v1/events", lead("before"))
    make_unreachable(doors.services)
    doors.post("/v1/events", lead("one"))
    messages = [Message("foreign", text, "", 1), *doors.buffer.receive()]
    doors.services.db = doors.ledger

    done = drain(messages, doors.services)

    assert [message.id for message in done.foreign] == ["foreign"]
    assert (done.recorded, len(done.settled)) == (1, 1)


@pytest.mark.point(7)
def test_an_unreachable_queue_does_not_keep_an_event_from_being_recorded(
    doors: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.services.queue = Queue(Sqs("us-east-1", NOWHERE), f"{NOWHERE}/0/effects")

    answer = doors.post("/v1/events", lead("one"))

    assert (answer.status, len(doors.events())) == (202, 1)
    due = doors.services.due_index.due(doors.services.clock.now().timestamp() + 61).members
    assert due == {f"event:{answer.body['eventId']}"}
    assert '"IngestDegraded":[1.0]' in capsys.readouterr().out


@pytest.mark.point(31)
def test_without_redis_events_are_recorded_and_repeats_known(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    no_redis(doors)

    answers = [doors.post("/v1/events", lead("one", payload={"n": n})) for n in (1, 1, 2)]

    assert [answer.status for answer in answers] == [202, 200, 422]
    assert '"IngestDegraded"' in capsys.readouterr().out
    assert doors.effects.count() == 2  # one message now, one delayed in place of the due entry


@pytest.mark.point(32)
@pytest.mark.parametrize("record", [b"not JSON", b"{}", b"[]", b'{"status": "COMPLETED"}', b'{"status": "NONSENSE"}'])
def test_a_garbled_entry_in_redis_decides_nothing(doors: Doors, record: bytes) -> None:
    doors.post("/v1/events", lead("one"))
    (name,) = doors.redis.keys("*:{once}*")
    doors.redis.set(name, record)

    again = doors.post("/v1/events", lead("one"))

    assert (again.status, len(doors.events())) == (200, 1)


def test_an_entry_of_a_request_that_died_does_not_block_its_repeat(doors: Doors) -> None:
    doors.post("/v1/events", lead("one"))
    (name,) = doors.redis.keys("*:{once}*")
    later = (doors.services.clock.now() + timedelta(seconds=20)).timestamp()
    doors.redis.set(
        name,
        json.dumps({"status": "INPROGRESS", "expiration": int(later), "in_progress_expiration": int(later * 1000)}),
    )

    assert doors.post("/v1/events", lead("one")).status == 200


@pytest.mark.point(3)
def test_fifty_copies_at_once_are_one_event(doors: Doors) -> None:
    arrival = Arrival(
        ids.event_id("crm", "one"), "crm", "one", "LEAD_CAPTURE", "api", b"f", None, datetime.now(UTC), b"{}"
    )

    def send(_: int) -> stored_events.Recorded:
        database = Database(doors.ledger.url)
        try:
            return stored_events.record(database, arrival)
        finally:
            database.close()

    with ThreadPoolExecutor(10) as threads:
        verdicts = list(threads.map(send, range(50)))

    assert sum(verdict.inserted for verdict in verdicts) == 1
    assert {verdict.fingerprint for verdict in verdicts} == {b"f"}
    assert len(doors.events()) == 1


def test_the_configuration_is_read_once_a_minute(doors: Doors) -> None:
    doors.post("/v1/events", lead())
    doors.ledger.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        " VALUES (1, '', '', '{}', %s, 'test')",
        [Jsonb({"accounts": {}, "sources": {}, "flows": {}, "campaigns": {}, "templates": {}})],
    )
    before = doors.services.db.round_trips

    for _ in range(3):
        doors.post("/v1/events", lead())

    assert doors.services.db.round_trips == before + 3


def test_what_is_buffered_is_what_is_drained(doors: Doors) -> None:
    for body in (b"\xff", b"x" * 300_000, b""):
        arrival = request.read(
            json.dumps(lead("k", scheduledAt="2030-01-01T00:00:00.5Z")).encode(),
            key=None,
            caller=SHOP,
            configured=Configured((), ()),
            now=doors.services.clock.now(),
        )
        raw = replace(arrival, body=body)

        for buffered in (Buffered((raw,)), Buffered((raw,), SHOP)):
            assert buffer.loads(buffer.dumps(buffered)) == buffered
