"""Two plans about the same people are recorded at once: contacts are locked in key order, so neither waits in vain."""

import threading
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest

from drumbeat.delivery import plans_sql
from drumbeat.delivery.plans_sql import NewPlan, Person
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, configured, recorded

FIRST, ADA, BOB = b"a", b"b", b"c"  # in key order
NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGREED = (("news", "given", True),)


def plan(db: Database, contact: bytes, *, agreed: bool = False) -> NewPlan:
    person = Person(contact, None, NOW, consents=AGREED if agreed else ())
    return NewPlan(recorded(db), 1, b"hash", {}, person=person)


@pytest.mark.parametrize("first_agreed", [True, False])
def test_two_plans_that_make_the_same_people_do_not_wait_for_each_other(
    database: TestDatabase, *, first_agreed: bool
) -> None:
    configured(database)
    agreed = not first_agreed  # who is only named
    one = [
        plan(database, FIRST, agreed=agreed),
        plan(database, ADA, agreed=agreed),
        plan(database, BOB, agreed=first_agreed),
    ]
    other = [plan(database, ADA, agreed=first_agreed), plan(database, BOB, agreed=agreed)]
    errors: list[psycopg.Error] = []

    def record(plans: list[NewPlan]) -> None:
        try:
            with closing(Database(database.url, direct=True)) as own:
                plans_sql.record(own, plans, [], LEASE)
        except psycopg.Error as error:
            errors.append(error)

    workers = [threading.Thread(target=record, args=(plans,)) for plans in (one, other)]
    with psycopg.connect(database.url) as holder:
        holder.execute("INSERT INTO contacts (key) VALUES (%s)", (FIRST,))
        for worker in workers:  # the first waits for the row in progress, with what it has locked so far
            worker.start()
            worker.join(0.5)
        holder.rollback()
    for worker in workers:
        worker.join()

    assert errors == []
    states = database.run("SELECT key, consent_state(consents, 'news') AS state FROM contacts ORDER BY key")
    assert {row["key"]: row["state"] for row in states} == {
        ADA: "given",
        BOB: "given",
        FIRST: "given" if agreed else "none",
    }
