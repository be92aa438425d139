"""A claim: who gets an effect, when, and what comes with it."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, claims_sql
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, claimed, closing, pass_time, sending, waiting

IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.point(23)
def test_of_two_workers_that_claim_at_once_one_wins(database: TestDatabase) -> None:
    effect = waiting(database)
    other = Database(database.url)
    taken: list[int] = []
    start = threading.Barrier(2)

    def claim(db: Database) -> None:
        start.wait()
        taken.append(len(claims_sql.claim(db, [effect], lease=LEASE, limit=10)))

    threads = [threading.Thread(target=claim, args=(db,)) for db in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert sorted(taken) == [0, 1]


def test_an_effect_is_not_claimed_before_its_time(database: TestDatabase, owner: Database) -> None:
    effect = waiting(database, due_at=IN_AN_HOUR)
    assert claims_sql.claim(database, [effect], lease=LEASE, limit=10) == []

    pass_time(owner, hours=1.1)

    assert claimed(database, effect).id == effect


def test_what_was_planned_earliest_comes_first(database: TestDatabase) -> None:
    now = datetime.now(UTC)
    waited = {waiting(database, due_at=now - timedelta(minutes=minutes)): minutes for minutes in (3, 1, 5, 2, 4)}

    taken = claims_sql.claim(database, list(waited), lease=LEASE, limit=10)

    assert [waited[claimed.id] for claimed in taken] == [5, 4, 3, 2, 1]


def test_a_claim_returns_the_frozen_bytes_of_an_earlier_attempt(database: TestDatabase) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "not_sent", Status.WAITING)])

    again = claimed(database, effect.id)

    assert again.frozen == b"bytes"
    assert (again.attempts, again.unresolved) == (1, 0)


@pytest.mark.point(22)
def test_an_effect_whose_claim_ended_without_a_result_is_only_taken_alone(
    database: TestDatabase, owner: Database
) -> None:
    effect = waiting(database)
    owner.run("UPDATE effects SET crashes = 1 WHERE id = %s", (effect,))

    assert claims_sql.claim(database, [effect], lease=LEASE, limit=10) == []
    assert claims_sql.claim(database, [effect], lease=LEASE, limit=1, alone=True)[0].id == effect


def test_an_effect_that_could_not_be_claimed_says_why(database: TestDatabase, owner: Database) -> None:
    taken, early, crashed = waiting(database), waiting(database, due_at=IN_AN_HOUR), waiting(database)
    ended = sending(database)
    claimed(database, taken)
    attempts_sql.close_attempts(database, [closing(ended, "accepted", Status.ACCEPTED)])
    owner.run("UPDATE effects SET crashes = 1 WHERE id = %s", (crashed,))

    states = claims_sql.states(database, [taken, early, crashed, ended.id, UUID(int=1)])

    assert {id: (one.is_early, one.is_suspect, one.is_at_rest, one.abandoned) for id, one in states.items()} == {
        taken: (False, False, False, False),
        early: (True, False, False, False),
        crashed: (False, True, False, False),
        ended.id: (False, False, True, False),
    }
    pass_time(owner, hours=0.1)
    assert claims_sql.states(database, [taken])[taken].abandoned
