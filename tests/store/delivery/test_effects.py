"""Claim, open, close: the fence, the lease, consent, and the journal that every move writes."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from drumbeat.core.status import ALLOWED, Status
from drumbeat.delivery import effects_sql
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


def test_the_journals_check_is_the_state_machine(database: TestDatabase) -> None:
    (row,) = database.run("SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conname = 'journal_moves'")

    in_database = {move for move in row["text"].split("'") if ">" in move and "||" not in move}

    assert in_database - {">"} == {f"{before or ''}>{after}" for before, after in ALLOWED}


@pytest.mark.point(23)
def test_of_two_workers_that_claim_at_once_one_wins(database: TestDatabase) -> None:
    effect = waiting(database)
    other = Database(database.url)
    taken: list[int] = []
    start = threading.Barrier(2)

    def claim(db: Database) -> None:
        start.wait()
        taken.append(len(effects_sql.claim(db, [effect], lease=LEASE, limit=10)))

    threads = [threading.Thread(target=claim, args=(db,)) for db in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert sorted(taken) == [0, 1]


def test_an_effect_is_not_claimed_before_its_time(database: TestDatabase, owner: Database) -> None:
    effect = waiting(database, due_at=datetime.now(UTC) + timedelta(hours=1))
    assert effects_sql.claim(database, [effect], lease=LEASE, limit=10) == []

    pass_time(owner, hours=1.1)

    assert claimed(database, effect).id == effect


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


@pytest.mark.point(25)
@pytest.mark.point(27)
def test_an_attempt_is_not_opened_under_an_old_fence(database: TestDatabase, owner: Database) -> None:
    effect = claimed(database, waiting(database))
    owner.run("UPDATE effects SET fence = fence + 1 WHERE id = %s", (effect.id,))

    moved = effects_sql.open_attempts(database, [opening(effect)])

    assert moved == {}
    assert database.run("SELECT * FROM attempts") == []


@pytest.mark.point(26)
@pytest.mark.point(29)
def test_an_attempt_is_not_opened_when_the_lease_has_ended_by_the_ledgers_clock(
    database: TestDatabase, owner: Database
) -> None:
    effect = claimed(database, waiting(database))
    pass_time(owner, seconds=LEASE.total_seconds() + 1)

    assert effects_sql.open_attempts(database, [opening(effect)]) == {}


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

    moved = effects_sql.open_attempts(database, [opening(effect)])

    assert moved[effect.id].status is Status.CANCELLED
    assert database.run("SELECT * FROM attempts") == []


@pytest.mark.point(54)
def test_an_opening_waits_for_a_suppression_in_progress_and_then_sees_it(database: TestDatabase) -> None:
    effect = claimed(database, waiting(database, contact=b"key"))
    moved: list[effects_sql.Moved] = []

    def open_it() -> None:
        moved.extend(effects_sql.open_attempts(database, [opening(effect)]).values())

    with psycopg.connect(database.url) as unsubscriber:
        unsubscriber.execute("UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'unsubscribed'")
        worker = threading.Thread(target=open_it)
        worker.start()
        worker.join(0.3)
        still_waiting = worker.is_alive()
    worker.join()

    assert still_waiting
    assert [one.status for one in moved] == [Status.CANCELLED]


def test_a_claim_returns_the_frozen_bytes_of_an_earlier_attempt(database: TestDatabase) -> None:
    effect = sending(database)
    effects_sql.close_attempts(database, [closing(effect, "not_sent", Status.WAITING)])

    again = claimed(database, effect.id)

    assert again.frozen == b"bytes"
    assert (again.attempts, again.unresolved) == (1, 0)


def test_an_acceptance_is_kept_and_final(database: TestDatabase) -> None:
    effect = sending(database)

    moved = effects_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED, reference="m-1")])

    assert moved[effect.id].status is Status.ACCEPTED
    assert outcomes(database, effect.id) == [("answer", "accepted")]
    assert effects_sql.claim(database, [effect.id], lease=LEASE, limit=10) == []


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

    effects_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert status(database, effect.id) == "accepted"
    assert outcomes(database, effect.id) == [("late", "accepted")]


@pytest.mark.point(28)
def test_a_late_answer_that_proves_nothing_is_kept_and_moves_nothing(database: TestDatabase, owner: Database) -> None:
    effect = sending(database)
    owner.run("UPDATE effects SET status = 'unknown', fence = fence + 1 WHERE id = %s", (effect.id,))

    moved = effects_sql.close_attempts(database, [closing(effect, "not_sent", Status.WAITING)])

    assert moved == {}
    assert status(database, effect.id) == "unknown"
    assert outcomes(database, effect.id) == [("late", "not_sent")]


def test_closing_twice_changes_nothing(database: TestDatabase) -> None:
    effect = sending(database)
    effects_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])
    before = journal(database, effect.id)

    effects_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert journal(database, effect.id) == before


@pytest.mark.point(22)
def test_an_effect_whose_claim_ended_without_a_word_is_only_taken_alone(
    database: TestDatabase, owner: Database
) -> None:
    effect = waiting(database)
    owner.run("UPDATE effects SET crashes = 1 WHERE id = %s", (effect,))

    assert effects_sql.claim(database, [effect], lease=LEASE, limit=10) == []
    assert effects_sql.claim(database, [effect], lease=LEASE, limit=1, alone=True)[0].id == effect


def test_the_end_of_an_effect_releases_those_that_wait_for_it(database: TestDatabase) -> None:
    event = recorded(database)
    second = new_effect(event, "second")
    first = new_effect(event, "first", dependents=(second.id,))
    second = new_effect(event, "second", after=first.id)
    planned(database, first, second)
    assert effects_sql.claim(database, [second.id], lease=LEASE, limit=10) == []
    one = claimed(database, first.id)
    effects_sql.open_attempts(database, [opening(one)])

    moved = effects_sql.close_attempts(database, [closing(one, "accepted", Status.ACCEPTED)])

    assert moved[first.id].dependents == (second.id,)
    assert claimed(database, second.id).predecessor is Status.ACCEPTED


def test_the_control_of_a_search_is_an_older_acceptance_of_the_same_login(
    database: TestDatabase, owner: Database
) -> None:
    effect = sending(database)
    effects_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])
    assert effects_sql.control(database, IDENTITY, timedelta(minutes=30)) is None

    pass_time(owner, minutes=31)

    known = effects_sql.control(database, IDENTITY, timedelta(minutes=30))
    assert known is not None
    assert known.effect_id == effect.id
    assert effects_sql.control(database, "another login", timedelta(minutes=30)) is None


@pytest.mark.parametrize("table", ["events", "plans", "attempts", "outcomes", "journal", "payloads", "requests"])
@pytest.mark.parametrize("command", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_applications_role_cannot_unwrite_history(database: TestDatabase, table: str, command: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.run(command.format(table))


def test_every_sum_of_moves_is_what_the_effect_says(database: TestDatabase) -> None:
    effect = sending(database)
    effects_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN)])

    moves = journal(database, effect.id)

    assert moves == [">waiting", "waiting>claimed", "claimed>sending", "sending>unknown"]
    assert database.run("SELECT seq FROM effects WHERE id = %s", (effect.id,)) == [{"seq": len(moves)}]
