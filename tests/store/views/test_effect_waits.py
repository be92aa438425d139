"""Why an effect waits, said from how things stand now."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.effects import Opening
from drumbeat.ledger import account_states, stops
from drumbeat.ledger.account_states import Report
from drumbeat.ledger.database import Database
from drumbeat.views.effect_waits import WaitCode, waits
from tests.conftest import TestDatabase
from tests.store.rows import claimed, closing, new_effect, pass_time, planned, recorded, sending, waiting

SOON = datetime.now(UTC) + timedelta(hours=1)


def codes(db: Database, effect: UUID) -> list[WaitCode]:
    return [wait.code for wait in waits(db, effect)]


def put_back(db: Database, code: ReasonCode, detail: str | None = None, seconds: float = 60.0) -> UUID:
    """Return an effect that a worker put back for a while."""
    effect = claimed(db, waiting(db))
    attempts_sql.open_attempts(db, [Opening(effect.id, effect.fence, Status.WAITING, seconds, Reason(code, detail))])
    return effect.id


def paused(db: Database, seconds: float) -> None:
    reason = Reason(ReasonCode.PAUSED, "HTTP 503")
    account_states.report(db, [Report("mail", answered=False, at_once=True, pause=seconds, reason=reason)])


def test_what_has_ended_or_does_not_exist_waits_for_nothing(database: TestDatabase) -> None:
    effect = sending(database)
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED)])

    assert waits(database, effect.id) == []
    assert waits(database, UUID(int=7)) == []


def test_what_is_due_waits_for_a_worker_behind_those_that_were_due_before(database: TestDatabase) -> None:
    waiting(database, due_at=datetime.now(UTC) - timedelta(hours=1))
    effect = waiting(database)

    (wait,) = waits(database, effect)

    assert wait.code is WaitCode.DUE
    assert wait.says == "It is due, behind 1 of its account; a worker takes it next"


def test_what_is_planned_for_later_says_for_when(database: TestDatabase) -> None:
    (wait,) = waits(database, waiting(database, due_at=SOON))

    assert (wait.code, wait.until) == (WaitCode.PLANNED, SOON)


def test_what_comes_after_another_step_names_it(database: TestDatabase) -> None:
    event = recorded(database)
    later = new_effect(event, "nudge")
    first = new_effect(event, dependents=(later.id,))
    planned(database, first, new_effect(event, "nudge", after=first.id))

    (wait,) = waits(database, later.id)

    assert (wait.code, wait.effect) == (WaitCode.AFTER_STEP, first.id)
    assert "hello" in wait.says


def test_a_stop_says_who_and_why_and_a_time_yet_to_come_stands_before_it(database: TestDatabase) -> None:
    due, later = waiting(database), waiting(database, due_at=SOON)
    stops.stop(database, "mail", reason="it moves", actor="person:bob")
    stops.stop(database, None, reason="a fire", actor="person:eve")

    assert [wait.says for wait in waits(database, due)] == [
        "Its account was stopped by person:bob: it moves",
        "Everything was stopped by person:eve: a fire",
    ]
    assert codes(database, later) == [WaitCode.PLANNED, WaitCode.STOPPED, WaitCode.ALL_STOPPED]
    stops.lift(database, None, reason="out", actor="person:eve")
    stops.lift(database, "mail", reason="moved", actor="person:bob")
    assert codes(database, due) == [WaitCode.DUE]


def test_a_paused_account_is_said_until_its_pause_is_over_and_then_that_it_is_tried(database: TestDatabase) -> None:
    effect = waiting(database)
    paused(database, 600)

    (wait,) = waits(database, effect)
    assert (wait.code, wait.until is not None) == (WaitCode.ACCOUNT_PAUSED, True)
    assert "HTTP 503" in wait.says

    admin = Database(database.admin_url)
    pass_time(admin, seconds=700)
    admin.close()
    assert codes(database, effect) == [WaitCode.PROBING]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (ReasonCode.RATE_LIMITED, WaitCode.RATE_LIMITED),
        (ReasonCode.LIMITER_AWAY, WaitCode.LIMITER_AWAY),
        (ReasonCode.QUIET_HOURS, WaitCode.QUIET_HOURS),
        (ReasonCode.SECRET_AWAY, WaitCode.PUT_BACK),
        (ReasonCode.STOPPED, WaitCode.PUT_BACK),
    ],
)
def test_what_was_put_back_says_why_and_until_when(database: TestDatabase, reason: ReasonCode, code: WaitCode) -> None:
    (wait,) = waits(database, put_back(database, reason))

    assert (wait.code, wait.until is not None) == (code, True)


def test_what_was_put_back_for_a_pause_that_lasts_names_the_pause_alone(database: TestDatabase) -> None:
    effect = put_back(database, ReasonCode.PAUSED, "HTTP 503")
    paused(database, 600)

    assert codes(database, effect) == [WaitCode.ACCOUNT_PAUSED]


def test_what_is_under_way_unknown_or_held_says_so(database: TestDatabase) -> None:
    leased = waiting(database)
    claimed(database, leased)
    effect = sending(database)

    assert codes(database, leased) == [WaitCode.LEASED]
    assert codes(database, effect.id) == [WaitCode.SENDING]
    attempts_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN)])
    assert codes(database, effect.id) == [WaitCode.LOOKED_UP]
    looked = claimed(database, effect.id)
    reason = Reason(ReasonCode.UNPROVABLE)
    attempts_sql.close_attempts(
        database, [closing(looked, None, Status.HELD, n=effect.fence, origin="look", reason=reason)]
    )
    (wait,) = waits(database, effect.id)
    assert wait.code is WaitCode.HELD
    assert "nothing can prove it" in wait.says
