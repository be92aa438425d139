"""Attempts: opened under fence, lease and consent, closed by what was learned."""

import threading
from dataclasses import replace

import psycopg
import pytest

from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, claims_sql
from drumbeat.delivery.effects import Moved
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import (
    IDENTITY,
    LEASE,
    claimed,
    closing,
    journal,
    new_effect,
    opening,
    outcomes,
    pass_time,
    planned,
    recorded,
    sending,
    status,
    waiting,
)


@pytest.mark.point(25)
@pytest.mark.point(27)
def test_an_attempt_is_not_opened_under_an_old_fence(database: TestDatabase, owner: Database) -> None:
    effect = claimed(database, waiting(database))
    owner.run("UPDATE effects SET fence = fence + 1 WHERE id = %s", (effect.id,))

    moved = attempts_sql.open_attempts(database, [opening(effect)])

    assert moved == {}
    assert database.run("SELECT * FROM attempts") == []


@pytest.mark.point(26)
@pytest.mark.point(29)
def test_an_attempt_is_not_opened_when_the_lease_has_ended_by_the_ledgers_clock(
    database: TestDatabase, owner: Database
) -> None:
    effect = claimed(database, waiting(database))
    pass_time(owner, seconds=LEASE.total_seconds() + 1)

    assert attempts_sql.open_attempts(database, [opening(effect)]) == {}


def test_attempt_and_frozen_request_are_committed_with_the_move_to_sending(database: TestDatabase) -> None:
    effect = sending(database)

    (attempt,) = database.run("SELECT n, identity, request_hash FROM attempts WHERE effect_id = %s", (effect.id,))
    (request,) = database.run("SELECT frozen FROM requests WHERE effect_id = %s", (effect.id,))

    assert attempt == {"n": effect.fence, "identity": IDENTITY, "request_hash": b"h"}
    assert request == {"frozen": b"bytes"}
    assert journal(database, effect.id)[-1] == "claimed>sending"


@pytest.mark.point(53)
@pytest.mark.point(54)
def test_a_suppression_that_committed_first_cancels_the_opening(database: TestDatabase) -> None:
    effect = claimed(database, waiting(database, contact=b"key"))
    database.run("UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'unsubscribed'")

    moved = attempts_sql.open_attempts(database, [opening(effect)])

    assert moved[effect.id].status is Status.CANCELLED
    assert database.run("SELECT * FROM attempts") == []


@pytest.mark.point(54)
def test_an_opening_waits_for_a_suppression_in_progress_and_then_sees_it(database: TestDatabase) -> None:
    effect = claimed(database, waiting(database, contact=b"key"))
    moved: list[Moved] = []

    def open_it() -> None:
        moved.extend(attempts_sql.open_attempts(database, [opening(effect)]).values())

    with psycopg.connect(database.url) as unsubscriber:
        unsubscriber.execute("UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'unsubscribed'")
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        still_waiting = worker.is_alive()
    worker.join()

    assert still_waiting
    assert [one.status for one in moved] == [Status.CANCELLED]


def test_an_acceptance_is_kept_and_final(database: TestDatabase) -> None:
    effect = sending(database)

    moved = attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED, reference="m-1")])

    assert moved[effect.id].status is Status.ACCEPTED
    assert outcomes(database, effect.id) == [("answer", "accepted")]
    assert claims_sql.claim(database, [effect.id], lease=LEASE, limit=10) == []


@pytest.mark.point(28)
@pytest.mark.parametrize("standing", ["unknown", "waiting", "claimed", "held"])
def test_a_late_acceptance_moves_whatever_is_not_being_sent(
    database: TestDatabase, owner: Database, standing: str
) -> None:
    effect = sending(database)
    owner.run(
        "UPDATE effects SET status = %s, fence = fence + 1, reason = 'x',"
        " lease_until = CASE WHEN %s = 'claimed' THEN lease_until END WHERE id = %s",
        (standing, standing, effect.id),
    )

    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert status(database, effect.id) == "accepted"
    assert outcomes(database, effect.id) == [("late", "accepted")]


@pytest.mark.point(28)
def test_a_late_acceptance_overrules_the_refusal_of_what_was_being_sent_again(
    database: TestDatabase, owner: Database
) -> None:
    first = sending(database)
    owner.run("UPDATE effects SET fence = fence + 1 WHERE id = %s", (first.id,))
    again = replace(first, fence=first.fence + 1)
    attempts_sql.close_attempts(database, [closing(first, "accepted", Status.ACCEPTED)])
    standing = status(database, first.id)

    moved = attempts_sql.close_attempts(database, [closing(again, "refused", Status.REFUSED)])

    assert (standing, moved[first.id].status) == ("sending", Status.ACCEPTED)
    assert outcomes(database, first.id) == [("late", "accepted"), ("answer", "refused")]
    (row,) = database.run("SELECT reason, reason_code, maybe_sent FROM effects WHERE id = %s", (first.id,))
    assert not any(row.values())


@pytest.mark.point(28)
def test_a_late_answer_that_proves_nothing_is_kept_and_moves_nothing(database: TestDatabase, owner: Database) -> None:
    effect = sending(database)
    owner.run("UPDATE effects SET status = 'unknown', fence = fence + 1 WHERE id = %s", (effect.id,))

    moved = attempts_sql.close_attempts(database, [closing(effect, "not_sent", Status.WAITING)])

    assert moved == {}
    assert status(database, effect.id) == "unknown"
    assert outcomes(database, effect.id) == [("late", "not_sent")]


def test_closing_twice_changes_nothing(database: TestDatabase) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])
    before = journal(database, effect.id)

    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert journal(database, effect.id) == before


def test_the_end_of_an_effect_releases_those_that_wait_for_it(database: TestDatabase) -> None:
    event = recorded(database)
    second = new_effect(event, "second")
    first = new_effect(event, "first", dependents=(second.id,))
    second = new_effect(event, "second", after=first.id)
    planned(database, first, second)
    assert claims_sql.claim(database, [second.id], lease=LEASE, limit=10) == []
    one = claimed(database, first.id)
    attempts_sql.open_attempts(database, [opening(one)])

    moved = attempts_sql.close_attempts(database, [closing(one, "accepted", Status.ACCEPTED)])

    assert moved[first.id].dependents == (second.id,)
    assert claimed(database, second.id).predecessor is Status.ACCEPTED
