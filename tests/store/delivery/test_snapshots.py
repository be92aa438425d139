"""A statement that locks a row reads what belongs to it as of the same moment, or leaves the row alone."""

import threading
from collections.abc import Iterator
from contextlib import closing as ending
from contextlib import contextmanager

import psycopg

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, claims_sql
from drumbeat.delivery.effects import Claimed
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.locks import wait_for_lock
from tests.store.rows import IDENTITY, LEASE, closing, outcomes, sending, waiting

GATE = 42
# Every statement takes its snapshot, then waits here before it looks at a row (volatile: not while it is planned).
GATED = """
    CREATE OR REPLACE FUNCTION drumbeat_now() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(42);
        RETURN clock_timestamp();
    END $$
"""
ATTEMPTED = """
    WITH moved AS (UPDATE effects SET fence = fence + 1, seq = seq + 3 WHERE id = %(id)s RETURNING id, fence)
    INSERT INTO attempts (effect_id, n, generation, identity, request_hash, opened_at)
    SELECT id, fence, 1, %(identity)s, 'h', clock_timestamp() FROM moved
"""


@contextmanager
def gate(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """Let no statement get beyond its snapshot until this ends; yields a connection that is not held up."""
    with psycopg.connect(database.admin_url, autocommit=True) as other:
        other.execute(GATED)
        other.execute("SELECT pg_advisory_lock(%s)", [GATE])
        yield other
        other.execute("SELECT pg_advisory_unlock(%s)", [GATE])


def test_a_claim_sees_the_attempts_that_came_with_the_version_it_locked(database: TestDatabase) -> None:
    effect = waiting(database)
    claimed: list[Claimed] = []
    claimer = threading.Thread(
        target=lambda: claimed.extend(claims_sql.claim(database, [effect], lease=LEASE, limit=10))
    )

    with gate(database) as other:
        claimer.start()
        wait_for_lock(other)
        other.execute(ATTEMPTED, {"id": effect, "identity": IDENTITY})  # by another worker, whose call was put off
    claimer.join()
    claimed += claims_sql.claim(database, [effect], lease=LEASE, limit=10)  # as the next message does

    assert [(one.attempts, one.identity) for one in claimed] == [(1, IDENTITY)]


def test_a_closing_that_is_repeated_while_the_first_still_runs_changes_nothing(database: TestDatabase) -> None:
    effect = sending(database)
    unknown = closing(effect, "unknown", Status.UNKNOWN, tries=3)
    with ending(Database(database.url)) as first, ending(Database(database.url)) as second:
        again = threading.Thread(target=lambda: attempts_sql.close_attempts(second, [unknown]))

        with first.transaction():
            attempts_sql.close_attempts(first, [unknown])
            again.start()
            with psycopg.connect(database.admin_url, autocommit=True) as other:
                wait_for_lock(other)
        again.join()

    assert outcomes(database, effect.id) == [("answer", "unknown")]
    assert database.run("SELECT tries FROM effects WHERE id = %s", (effect.id,)) == [{"tries": 3}]
