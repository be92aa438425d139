"""Deliver: what messages name is planned, claimed, sent and closed, for few round trips and in the time there is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.core.call_times import LEASE, CallTimes
from drumbeat.delivery import claims_sql
from drumbeat.delivery.budget import (
    EFFECTS_CLAIMED_WHEN_PLANNED,
    EFFECTS_PER_BATCH,
    EVENTS_PER_BATCH,
)
from drumbeat.delivery.deliver import Delivered, deliver
from drumbeat.ledger.database import Database
from drumbeat.wakeups.queue import WakeUp
from tests.store.delivery.workers import BODY, Worker, effect
from tests.store.rows import journal, pass_time, recorded, sending, status

UNKNOWN = UUID(int=1)
BATCH_SECONDS = CallTimes().batch_seconds


def test_a_batch_of_events_is_planned_and_carried_out_in_few_round_trips(worker: Worker) -> None:
    events = [recorded(worker.db, body=BODY) for _ in range(10)]
    worker.configuration(1)
    before = worker.db.round_trips

    done = worker.deliver(events=events)

    assert done.counts == {"sending": 20, "accepted": 20}
    assert worker.db.round_trips - before <= 5
    assert worker.redis.pipelines == 1  # both accounts' tokens


def test_transactional_effects_are_claimed_before_those_of_campaigns(worker: Worker) -> None:
    fired = [recorded(worker.db, body=BODY, type="CAMPAIGN_TRIGGER") for _ in range(EFFECTS_CLAIMED_WHEN_PLANNED // 2)]
    lead = recorded(worker.db, body=BODY)

    done = worker.deliver(events=[*fired, lead])

    assert done.counts == {"sending": EFFECTS_CLAIMED_WHEN_PLANNED, "accepted": EFFECTS_CLAIMED_WHEN_PLANNED}
    (left,) = worker.db.run("SELECT e.type, count(*) FROM effects f JOIN events e ON e.id = f.event_id"
                            " WHERE f.status = 'waiting' GROUP BY e.type")  # fmt: skip
    assert left == {"type": "CAMPAIGN_TRIGGER", "count": 2}


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
    assert set(worker.due_index.times([f"effect:{early}"]) or {}) == {f"effect:{early}"}


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


def test_what_time_does_not_suffice_for_after_a_batch_goes_back_into_the_queue(worker: Worker) -> None:
    events = [recorded(worker.db, body=BODY) for _ in range(EVENTS_PER_BATCH + 3)]
    due = [effect(worker.db) for _ in range(2)]
    left = iter((900.0, 900.0))  # to begin with, and for one batch

    done = deliver([WakeUp(tuple(events), tuple(due))], worker, lambda: next(left, BATCH_SECONDS - 0.1))

    assert done.left == frozenset()  # messages that fail are hidden for minutes
    assert worker.queue.back == [*events[EVENTS_PER_BATCH:], *due]
    assert {status(worker.db, one) for one in due} == {"waiting"}


@pytest.mark.point(24)
def test_a_worker_that_is_woken_for_the_end_of_a_lease_does_what_was_left(worker: Worker, owner: Database) -> None:
    left = [effect(worker.db) for _ in range(2)]
    claims_sql.claim(worker.db, left, lease=LEASE, limit=10)
    pass_time(owner, hours=0.1)

    done = worker.deliver(effects=left)

    assert done.counts == {"sending": 2, "accepted": 2}
    assert worker.calls.batches == [[str(one)] for one in sorted(left)]  # each may have ended its worker
    assert journal(worker.db, left[0])[1:4] == ["waiting>claimed", "claimed>waiting", "waiting>claimed"]


@pytest.mark.point(27)
def test_an_attempt_whose_lease_ended_is_unknown_and_not_simply_made_again(worker: Worker, owner: Database) -> None:
    sent = sending(worker.db, account="one", action="call")
    pass_time(owner, hours=0.1)

    done = worker.deliver(effects=[sent.id])

    assert worker.calls.batches == []
    assert done.counts == {"held": 1}  # nothing can prove what a receiver did that repeats everything
    assert journal(worker.db, sent.id)[-2:] == ["sending>unknown", "unknown>held"]


@pytest.mark.point(20)
def test_a_live_lease_costs_the_worker_that_comes_by_one_more_round_trip(worker: Worker) -> None:
    taken = [effect(worker.db) for _ in range(2)]
    claims_sql.claim(worker.db, taken, lease=LEASE, limit=10)
    before = worker.db.round_trips

    done = worker.deliver(effects=taken)

    assert worker.db.round_trips - before == 2
    assert (done, worker.calls.batches, worker.queue.back) == (Delivered(), [], [])
    assert {status(worker.db, one) for one in taken} == {"claimed"}


@pytest.mark.point(22)
def test_a_look_whose_lease_ended_counts_as_a_crash_before_it_is_made_again(worker: Worker, owner: Database) -> None:
    looked = effect(worker.db)
    owner.run("UPDATE effects SET status = 'unknown', lease_until = drumbeat_now() WHERE id = %s", (looked,))

    assert claims_sql.claim(worker.db, [looked], lease=LEASE, limit=1, alone=True) == []
    worker.deliver(effects=[looked])

    [row] = worker.db.run("SELECT fence FROM effects WHERE id = %s", (looked,))
    assert row["fence"] == 1
