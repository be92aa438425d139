"""Plans: recorded once for an event, with all their effects."""

import threading
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import psycopg
import pytest

from drumbeat.delivery import plans_sql
from drumbeat.delivery.plans_sql import NewPlan
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, configured, journal, new_effect, planned, recorded

PLANS = "INSERT INTO plans (event_id, version, hash) VALUES (%s, 1, '')"
REPLANS = "INSERT INTO replans (event_id, flow, version, hash) VALUES (%s, 'welcome', 1, '')"


def test_an_effect_due_at_birth_is_claimed_in_the_statement_that_records_it(database: TestDatabase) -> None:
    effect = new_effect(recorded(database), claim=True)

    (row,) = planned(database, effect)

    assert row["status"] == "claimed"
    assert journal(database, effect.id) == [">waiting", "waiting>claimed"]


def test_a_second_plan_of_the_same_event_adds_nothing(database: TestDatabase) -> None:
    event = recorded(database)
    planned(database, new_effect(event, "hello"))

    born = planned(database, new_effect(event, "another"))

    assert born == []
    assert database.run("SELECT count(*) AS n FROM effects") == [{"n": 1}]


@pytest.mark.parametrize(("flow", "in_progress"), [(None, PLANS), ("welcome", REPLANS)])
def test_two_planners_of_the_same_events_do_not_wait_for_each_other(
    database: TestDatabase, flow: str | None, in_progress: str
) -> None:
    configured(database)
    first, between, last = sorted(recorded(database) for _ in range(3))
    if flow:
        plans_sql.record(
            database, [NewPlan(event, 1, b"hash", {flow: "?"}) for event in (first, between, last)], [], LEASE
        )
    errors: list[psycopg.Error] = []

    def record(events: Sequence[UUID]) -> None:
        try:
            with closing(Database(database.url, direct=True)) as own:
                plans_sql.record(own, [NewPlan(event, 1, b"hash", {}, flow) for event in events], [], LEASE)
        except psycopg.Error as error:
            errors.append(error)

    workers = [threading.Thread(target=record, args=(events,)) for events in ((first, between, last), (last, first))]
    with psycopg.connect(database.url) as holder:
        holder.execute(in_progress, (between,))
        for worker in workers:  # the first waits for the plan in progress, with what it has recorded so far
            worker.start()
            worker.join(0.5)
        holder.rollback()
    for worker in workers:
        worker.join()

    assert errors == []
