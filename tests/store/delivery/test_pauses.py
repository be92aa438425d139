"""An account's pause is in the ledger: it holds and ends for every worker, also without Redis."""

from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.ledger import account_states
from drumbeat.ledger.account_states import Report
from drumbeat.ledger.database import Database
from tests.store.delivery.workers import Accepting, Pipelines, Silent, Worker, effect
from tests.store.rows import journal, pass_time, status


@pytest.fixture
def without_redis(worker: Worker) -> Iterator[Worker]:
    """Another worker, which cannot reach Redis."""
    other = Worker(worker.settings)
    other.redis, other.queue, other.calls = Pipelines.at("redis://127.0.0.1:1", "drumbeat:"), Silent(), Accepting()
    yield other
    other.db.close()
    other.redis.close()


@pytest.mark.point(31)
@pytest.mark.point(41)
def test_a_pause_holds_for_a_worker_without_redis_and_stops_no_other_account(
    worker: Worker, without_redis: Worker
) -> None:
    paused, free = effect(worker.db), effect(worker.db, account="two")
    account_states.report(worker.db, [Report("one", answered=False, at_once=True, pause=60.0)])
    before = journal(worker.db, paused)

    without_redis.deliver(effects=[paused, free])

    assert without_redis.calls.batches == [[str(free)]]
    assert journal(worker.db, paused) == before


@pytest.mark.point(31)
@pytest.mark.point(41)
def test_a_pause_ends_with_the_probe_of_a_worker_without_redis(
    worker: Worker, without_redis: Worker, owner: Database
) -> None:
    first, second = effect(worker.db), effect(worker.db)
    account_states.report(worker.db, [Report("one", answered=False, at_once=True, pause=60.0)])
    pass_time(owner, seconds=60.0)

    without_redis.deliver(effects=[first, second])

    assert len(without_redis.calls.batches[0]) == 1
    assert account_states.states(worker.db) == {}
    assert "accepted" in {status(worker.db, first), status(worker.db, second)}


@pytest.mark.point(32)
@pytest.mark.point(42)
def test_a_pause_survives_a_flush_of_redis_until_a_person_ends_it(worker: Worker, redis: Redis) -> None:
    one = effect(worker.db)
    account_states.report(worker.db, [Report("one", answered=False, at_once=True, pause=3600.0)])
    redis.flushall()

    worker.deliver(effects=[one])
    called = [*worker.calls.batches]
    account_states.resume(worker.db, "one")
    worker.deliver(effects=[one])

    assert called == []
    assert status(worker.db, one) == "accepted"
