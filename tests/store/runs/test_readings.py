"""What a batch of a run reads of the ledger."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from drumbeat.ledger import leases
from drumbeat.ledger.database import Database
from drumbeat.runs import work_sql
from tests.conftest import TestDatabase
from tests.store.runs.stage import Stage

PEOPLE = 4_000
FETCHED = "SELECT idx_tup_fetch AS rows FROM pg_stat_user_tables WHERE relname = 'effects'"


@pytest.fixture(params=[False, True], ids=["planned each time", "prepared"])
def stage(stage: Stage, database: TestDatabase, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The stage over a pooler, and with a connection of its own."""
    stage.db = Database(database.url, direct=request.param)
    yield stage
    stage.db.close()


def fetched(db: Database) -> int:
    """Return how many rows of effects were found by an index so far."""
    db.run("SELECT pg_stat_force_next_flush()")
    db.run("SELECT 1")
    rows: int = db.run(FETCHED)[0]["rows"]
    return rows


def expanded(stage: Stage, owner: Database) -> UUID:
    """Return a run that waits, by whose ledger's statistics nothing is open."""
    stage.apply()
    stage.people("ada", "bert", "cleo")
    stage.fire("first")
    stage.settle()
    owner.run("ANALYZE")
    stage.apply(subject="Other news")
    stage.people(*(f"p{number}" for number in range(PEOPLE)))
    run = stage.fire("second")
    stage.work(stage.queue.left.pop(0))
    return run


def test_a_batch_is_looked_up_though_by_the_statistics_nothing_is_open(stage: Stage, owner: Database) -> None:
    run = expanded(stage, owner)
    before = fetched(stage.db)

    batches = [stage.claim(run) for _ in range(3)]
    for batch in batches:
        stage.carry_out(batch)

    each = (fetched(stage.db) - before) / sum(map(len, batches))
    assert len(batches[0]) == 100
    assert each < 60  # 13 to 32; by other indexes, 90 and more


def test_leases_are_looked_up_though_many_mails_wait(stage: Stage, owner: Database) -> None:
    run = expanded(stage, owner)
    owner.run(
        "UPDATE effects SET lease_until = drumbeat_now() + interval '1 hour' WHERE id = %s", (stage.claim(run)[0].id,)
    )
    before = fetched(stage.db)

    freed = [*leases.recover_of_run(stage.db, run, limit=500), *leases.recover(stage.db, limit=500)]

    assert (freed, work_sql.is_under_way(stage.db, run)) == ([], True)
    assert fetched(stage.db) - before < PEOPLE / 4  # the leases of one batch, three times
