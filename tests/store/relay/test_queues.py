"""The buffer is drained, and queues that fail cost time only."""

import psycopg
import pytest

from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest import buffer
from drumbeat.relay.sweep import sweep
from drumbeat.wakeups.due_index import minute
from drumbeat.wakeups.queue import Queue
from tests.store.relay.sample_deployment import HOUR, MINUTE, World


def arrival(world: World, key: str) -> Arrival:
    return Arrival(
        id=ids.event_id("shop", key),
        source="shop",
        key=key,
        type="LEAD_CAPTURE",
        door="api",
        fingerprint=key.encode(),
        scheduled_at=None,
        received_at=world.clock.now(),
        body=b"{}",
    )


def buffered(world: World, *texts: str) -> Queue:
    queue = Queue(world.sqs, world.services.settings.buffer_queue_url)
    for text in texts:
        queue.put(text)
    return queue


@pytest.mark.point(10)
def test_the_buffer_is_drained_once_the_ledger_answers_without_any_entry(world: World) -> None:
    world.configured()
    sweep(world.services)
    arrivals = [arrival(world, f"key-{number}") for number in range(23)]
    queue = buffered(world, *[buffer.dumps([each]) for each in arrivals])

    summary = sweep(world.services)

    assert (summary.idle, summary.drained) == (False, 23)
    assert queue.count() == 0
    recorded = {row["id"] for row in world.db.run("SELECT id FROM events")}
    assert recorded == {each.id for each in arrivals}
    assert world.rung_events() == recorded
    assert sweep(world.services).idle


@pytest.mark.point(10)
def test_the_buffer_stays_while_the_ledger_is_unreachable(world: World) -> None:
    queue = buffered(world, buffer.dumps([arrival(world, "key")]))
    world.db.close()
    world.db.url = "postgresql://127.0.0.1:1/none"

    with pytest.raises(psycopg.OperationalError):
        sweep(world.services)

    assert queue.count() == 1


@pytest.mark.point(17)
def test_a_foreign_message_in_the_buffer_stays_and_its_neighbours_go(world: World) -> None:
    world.configured()
    queue = buffered(world, "not ours", buffer.dumps([arrival(world, "key")]))

    summary = sweep(world.services)

    assert (summary.drained, summary.foreign) == (1, 1)
    assert queue.count() == 1


def test_a_sweep_that_runs_out_of_time_goes_on_in_the_next_minute(world: World) -> None:
    world.configured()
    queue = buffered(world, buffer.dumps([arrival(world, "key")]))

    hurried = sweep(world.services, remaining=lambda: 1.0)
    world.sleep(MINUTE)
    second = sweep(world.services)

    assert (hurried.drained, second.drained) == (0, 1)
    assert second.full
    assert queue.count() == 0


@pytest.mark.point(7)
def test_an_unreachable_queue_costs_a_minute_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configured()
    effect = world.effect()
    away = Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q")
    queue = world.services.queue
    world.services.__dict__["queue"] = away

    first = sweep(world.services)
    world.services.__dict__["queue"] = queue
    world.sleep(MINUTE)
    sweep(world.services)

    assert first.not_notified == 1
    assert world.rung_effects() == {effect}


@pytest.mark.point(13)
def test_sweeping_twice_at_a_time_only_doubles_messages(world: World) -> None:
    world.configured()
    effect = world.effect("claimed", lease=-1)
    sweep(world.services)
    world.services.redis.run("FLUSHALL")

    sweep(world.services)

    assert [wake_up.effects for wake_up in world.notified()] == [(effect,), (effect,)]
    assert world.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]


def test_no_transaction_is_open_while_the_queue_is_called(world: World) -> None:
    world.configured()
    world.effect("sending", lease=-1)
    world.event()
    world.sleep(MINUTE)
    buffered(world, buffer.dumps([arrival(world, "key")]))

    sweep(world.services)

    assert world.sqs.transactions == {psycopg.pq.TransactionStatus.IDLE}


def test_a_far_entry_shares_the_members_of_its_minute(world: World) -> None:
    world.configured()
    world.effect(due_in=HOUR)

    sweep(world.services)

    expected = set(minute(world.now() + HOUR)) | set(minute(world.now() + HOUR - 1))
    members = set(world.services.due_index.due(world.now() + 12 * HOUR).members)
    assert len(members) == 2
    assert members - {"full"} <= expected
