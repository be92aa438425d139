"""How Postgres carries out what happens to every effect: it looks rows up, however small the tables were at first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from drumbeat.core import fingerprint, ids
from drumbeat.core.events import Arrival
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, candidates_sql
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger.database import Database
from drumbeat.sources.signature import content_key
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, claimed, closing, new_effect, opening, planned, recorded

GROWING = (
    "effects",
    "events",
    "event_aliases",
    "payloads",
    "plans",
    "attempts",
    "outcomes",
    "requests",
    "planning_starts",
)
NOW = timedelta(0)
# A statement that is prepared gets the plan that stays at its sixth run.
ROUNDS = 12
READ = "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY (%s)"


@pytest.fixture
def direct(database: TestDatabase) -> Iterator[Database]:
    """A connection that prepares its statements."""
    connection = Database(database.url, direct=True)
    yield connection
    connection.close()


def read_in_full(db: Database) -> dict[str, int]:
    """Return how many rows of each table were read one after another so far."""
    db.run("SELECT pg_stat_force_next_flush()")
    db.run("SELECT 1")
    return {row["relname"]: row["seq_tup_read"] for row in db.run(READ, [list(GROWING)])}


def test_a_statement_prepared_on_small_tables_does_not_read_them_whole(
    database: TestDatabase, direct: Database
) -> None:
    before = read_in_full(database)

    for _ in range(ROUNDS):
        event = recorded(direct)
        candidates_sql.read(direct, [event], late=NOW, lease=LEASE, most_bytes=1)
        effect = new_effect(event)
        planned(direct, effect)
        taken = claimed(direct, effect.id)
        attempts_sql.open_attempts(direct, [opening(taken)])
        attempts_sql.close_attempts(direct, [closing(taken, "accepted", Status.ACCEPTED)])

    direct.run("SELECT pg_stat_force_next_flush()")
    direct.run("SELECT 1")
    assert read_in_full(database) == before


def test_a_webhooks_delivery_is_looked_up_by_its_ids(database: TestDatabase, direct: Database) -> None:
    before = read_in_full(database)

    for number in range(ROUNDS):
        delivery = delivered(f"d-{number}")
        for _ in range(2):
            ingest_sql.record(direct, delivery)
        # Through a pooler statements are planned each time, and functions are not.
        database.run("SELECT event_known_as(%s, %s)", (ids.event_id("code", f"d-{number}"), delivery.fingerprint))

    direct.run("SELECT pg_stat_force_next_flush()")
    direct.run("SELECT 1")
    assert read_in_full(database) == before


def delivered(id: str) -> Arrival:
    body = id.encode()
    key = content_key(body)
    return Arrival(
        ids.event_id("code", key),
        "code",
        key,
        "LEAD_CAPTURE",
        "webhook",
        fingerprint.of_raw(body),
        None,
        datetime.now(UTC),
        body,
        former_key=id,
    )
