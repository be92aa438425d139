"""What workers do with marketing while wishes wait, and when the ledger was away in the middle of a batch."""

import select
from typing import Any

import psycopg
import pytest

from drumbeat.core.status import Status
from drumbeat.delivery.commits import Commits
from drumbeat.delivery.effects import Claimed, Moved
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.throttle.limiter import Ask, Granted, Throttle, TokenRequest
from drumbeat.wakeups import wishes_flag
from tests.conftest import PREFIX, TestDatabase
from tests.store.delivery.workers import Worker
from tests.store.people.conftest import mail
from tests.store.rows import claimed, opening, waiting

NOTHING = TokenRequest("one", (), (Ask(),))


def cut(worker: Worker, database: TestDatabase) -> None:
    """End every connection of the application, as a failover does, and wait until that of the worker has ended."""
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'drumbeat_app'")
    connection = worker.db._connection
    assert connection is not None
    assert select.select([connection.fileno()], [], [], 10.0)[0]


def opened(batch: Commits, *effects: Claimed) -> dict[Any, Moved]:
    return {one.id: one for one in batch.open([opening(effect) for effect in effects])}


def reason(database: TestDatabase, effect: Claimed) -> tuple[str, str | None, bool]:
    (row,) = database.run(
        "SELECT status, reason_code, due_at <= drumbeat_now() + interval '15 s' AS soon FROM effects WHERE id = %s",
        (effect.id,),
    )
    return row["status"], row["reason_code"], row["soon"]


def test_marketing_is_opened_over_the_connection_that_stood_when_the_flag_was_read(
    worker: Worker, database: TestDatabase
) -> None:
    marketing, transactional = claimed(worker.db, mail(database)), claimed(worker.db, waiting(database))

    moved = opened(Commits([marketing, transactional], worker), marketing, transactional)

    assert {one.status for one in moved.values()} == {Status.SENDING}


@pytest.mark.parametrize("reconnected", [False, True])
def test_after_an_outage_marketing_is_put_back_and_all_else_goes_on(
    worker: Worker, database: TestDatabase, *, reconnected: bool
) -> None:
    """Whether or not another statement of the batch has connected again meanwhile."""
    marketing, transactional = claimed(worker.db, mail(database)), claimed(worker.db, waiting(database))
    asking = claimed(worker.db, mail(database, confirms=True, door="form"))
    batch = Commits([marketing, transactional, asking], worker)
    cut(worker, database)
    if reconnected:
        worker.db.run("SELECT 1")

    moved = opened(batch, marketing, transactional, asking)

    assert {effect.id: moved[effect.id].status for effect in (marketing, transactional, asking)} == {
        marketing.id: Status.WAITING,
        transactional.id: Status.SENDING,
        asking.id: Status.SENDING,
    }
    assert reason(database, marketing) == ("waiting", "wishes_waiting", True)
    assert claimed_again(worker, database, marketing)


def claimed_again(worker: Worker, database: TestDatabase, effect: Claimed) -> bool:
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute("UPDATE clock SET shift = shift + interval '16 s'")
    return bool(opened(Commits([again := claimed(worker.db, effect.id)], worker), again))


def test_the_flag_is_read_with_the_tokens_in_one_round_trip(worker: Worker) -> None:
    worker.wishes_flag.set()

    taken = worker.throttle.take_and_read([NOTHING], wishes_flag.KEY)

    assert taken.answers == {"one": [Granted()]}
    assert taken.value is not None
    assert worker.redis.pipelines == 1


def test_without_redis_and_with_a_strange_value_no_wish_is_known_of(worker: Worker) -> None:
    away = Throttle(LeanRedis.at("redis://127.0.0.1:1", PREFIX), warn=lambda _: None)
    worker.redis.run("ZADD", wishes_flag.KEY, 1, "strange")

    taken = [each.take_and_read([NOTHING], wishes_flag.KEY) for each in (away, worker.throttle)]

    assert [each.value for each in taken] == [None, None]
    assert taken[1].answers == {"one": [Granted()]}
