"""The buffer is drained, and queues that fail cost time only."""

import psycopg
import pytest

from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest import buffer
from drumbeat.ingest.buffer import Buffered
from drumbeat.relay import drains
from drumbeat.relay.sweep import DRAIN_SECONDS, sweep
from drumbeat.relay.wishes import HIDDEN_SECONDS
from drumbeat.wakeups.due_index import AGAIN, FULL, minute
from drumbeat.wakeups.queue import Queue
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment


def arrival(deployment: SampleDeployment, key: str) -> Arrival:
    return Arrival(
        id=ids.event_id("shop", key),
        source="shop",
        key=key,
        type="LEAD_CAPTURE",
        door="api",
        fingerprint=key.encode(),
        scheduled_at=None,
        received_at=deployment.clock.now(),
        body=b"{}",
    )


def buffered(deployment: SampleDeployment, *texts: str) -> Queue:
    queue = Queue(deployment.sqs, deployment.services.settings.buffer_queue_url)
    for text in texts:
        queue.put(text)
    return queue


@pytest.mark.point(10)
def test_the_buffer_is_drained_once_the_ledger_answers_without_any_entry(deployment: SampleDeployment) -> None:
    deployment.configured()
    sweep(deployment.services)
    arrivals = [arrival(deployment, f"key-{number}") for number in range(23)]
    queue = buffered(deployment, *[buffer.dumps(Buffered((each,))) for each in arrivals])

    summary = sweep(deployment.services)

    assert (summary.idle, summary.drained) == (False, 23)
    assert min(deployment.sqs.waits) >= 1
    assert queue.count() == 0
    recorded = {row["id"] for row in deployment.db.run("SELECT id FROM events")}
    assert recorded == {each.id for each in arrivals}
    assert deployment.rung_events() == recorded
    assert sweep(deployment.services).idle


@pytest.mark.point(10)
def test_the_buffer_is_drained_however_much_there_is_to_notify_of(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect()
    buffered(deployment, buffer.dumps(Buffered((arrival(deployment, "key"),))))

    summary = sweep(deployment.services, remaining=lambda: DRAIN_SECONDS)  # none for anything else

    assert (summary.effects, summary.drained) == (0, 1)
    assert sweep(deployment.services).effects == 1
    assert effect in deployment.sqs.delays


@pytest.mark.point(10)
def test_the_buffer_stays_while_the_ledger_is_unreachable(deployment: SampleDeployment) -> None:
    queue = buffered(deployment, buffer.dumps(Buffered((arrival(deployment, "key"),))))
    deployment.db.close()
    deployment.db.url = "postgresql://127.0.0.1:1/none"

    with pytest.raises(psycopg.OperationalError):
        sweep(deployment.services)

    assert queue.count() == 1


@pytest.mark.point(10)
def test_what_a_relay_received_and_could_not_record_is_shown_to_the_next_sweep(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffered(deployment, buffer.dumps(Buffered((arrival(deployment, "key"),))))
    hidden: list[object] = []
    call = deployment.sqs.call

    def listening(operation: str, **parameters: object) -> dict[str, object]:
        hidden.extend([parameters["VisibilityTimeout"]] if operation == "ReceiveMessage" else [])
        return call(operation, **parameters)

    monkeypatch.setattr(deployment.sqs, "call", listening)
    with monkeypatch.context() as death:
        death.setattr("drumbeat.ingest.drain", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sweep(deployment.services)

    assert hidden == [HIDDEN_SECONDS, drains.HIDDEN_SECONDS]  # wishes first
    assert drains.HIDDEN_SECONDS < MINUTE


@pytest.mark.point(17)
def test_a_foreign_message_in_the_buffer_stays_and_its_neighbours_go(deployment: SampleDeployment) -> None:
    deployment.configured()
    queue = buffered(deployment, "not ours", buffer.dumps(Buffered((arrival(deployment, "key"),))))

    summary = sweep(deployment.services)

    assert (summary.drained, summary.foreign) == (1, 1)
    assert queue.count() == 1


def test_a_sweep_that_runs_out_of_time_goes_on_in_the_next_minute(deployment: SampleDeployment) -> None:
    deployment.configured()
    queue = buffered(deployment, buffer.dumps(Buffered((arrival(deployment, "key"),))))

    hurried = sweep(deployment.services, remaining=lambda: 1.0)
    deployment.sleep(MINUTE)
    second = sweep(deployment.services)

    assert (hurried.drained, second.drained) == (0, 1)
    assert second.full
    assert queue.count() == 0


@pytest.mark.point(7)
def test_an_unreachable_queue_costs_a_minute_and_nothing_else(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    effect = deployment.effect()
    away = Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q")
    queue = deployment.services.queue
    deployment.services.__dict__["queue"] = away

    first = sweep(deployment.services)
    deployment.services.__dict__["queue"] = queue
    deployment.sleep(MINUTE)
    sweep(deployment.services)

    assert first.not_notified == 1
    assert deployment.notified_effects() == {effect}


@pytest.mark.point(13)
def test_sweeping_twice_at_a_time_only_doubles_messages(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect("claimed", lease=-1)
    sweep(deployment.services)
    deployment.redis.flushall()

    sweep(deployment.services)

    assert [wake_up.effects for wake_up in deployment.notified()] == [(effect,), (effect,)]
    assert deployment.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]


def test_no_transaction_is_open_while_the_queue_is_called(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.effect("sending", lease=-1)
    deployment.event()
    deployment.sleep(MINUTE)
    buffered(deployment, buffer.dumps(Buffered((arrival(deployment, "key"),))))

    sweep(deployment.services)

    assert deployment.sqs.transactions == {psycopg.pq.TransactionStatus.IDLE}


def test_a_far_entry_shares_the_members_of_its_minute(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.effect(due_in=HOUR)

    sweep(deployment.services)

    expected = set(minute(deployment.now() + HOUR)) | set(minute(deployment.now() + HOUR - 1))
    members = set(deployment.services.due_index.due(deployment.now() + 12 * HOUR).members)
    assert len(members) == 3
    assert members - {FULL, AGAIN} <= expected
