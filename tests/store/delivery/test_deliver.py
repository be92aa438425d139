"""Deliver: what messages name is planned, claimed, sent and closed, for few round trips and in the time there is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.delivery.budget import BATCH_SECONDS, EFFECTS_PER_BATCH
from drumbeat.delivery.deliver import Delivered
from drumbeat.ledger.database import Database
from tests.store.delivery.workers import BODY, Worker, effect
from tests.store.rows import recorded, status

UNKNOWN = UUID(int=1)


def test_a_batch_of_events_is_planned_and_carried_out_in_few_round_trips(worker: Worker) -> None:
    events = [recorded(worker.db, body=BODY) for _ in range(10)]
    worker.configuration(1)
    before = worker.db.round_trips

    done = worker.deliver(events=events)

    assert done.counts == {"sending": 20, "accepted": 20}
    assert worker.db.round_trips - before <= 5
    assert worker.redis.pipelines == 1  # both accounts' tokens


def test_what_cannot_be_claimed_is_told_apart_for_one_more_round_trip(worker: Worker) -> None:
    due = [effect(worker.db) for _ in range(10)]
    early = effect(worker.db, due_at=datetime.now(UTC) + timedelta(minutes=1))
    worker.configuration(1)
    before = worker.db.round_trips

    done = worker.deliver(effects=[*due, early, UNKNOWN])

    assert done == Delivered(done.counts, missing=frozenset({UNKNOWN}))
    assert done.counts == {"sending": 10, "accepted": 10}
    assert worker.db.round_trips - before <= 5
    assert worker.redis.pipelines == 1
    assert worker.due_index.times([f"effect:{early}"]).keys() == {f"effect:{early}"}


@pytest.mark.point(22)
def test_an_effect_that_may_crash_the_worker_is_carried_out_alone_and_last(worker: Worker, owner: Database) -> None:
    suspect, *others = (effect(worker.db) for _ in range(EFFECTS_PER_BATCH + 2))
    owner.run("UPDATE effects SET crashes = 1 WHERE id = %s", (suspect,))

    worker.deliver(effects=[suspect, *others])

    *first, last = worker.calls.batches
    assert {key for batch in first for key in batch} == {str(other) for other in others}
    assert last == [str(suspect)]


def test_what_time_does_not_suffice_for_is_left_as_it_is(worker: Worker) -> None:
    event, due = recorded(worker.db, body=BODY), effect(worker.db)

    done = worker.deliver(events=[event], effects=[due], left=BATCH_SECONDS - 0.1)

    assert done == Delivered(left=frozenset({event, due}))
    assert status(worker.db, due) == "waiting"
    assert worker.db.run("SELECT FROM plans WHERE event_id = %s", (event,)) == []
