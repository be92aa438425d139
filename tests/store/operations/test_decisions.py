"""Decisions beside what else happens to an effect at the same moment."""

import threading
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger.database import Database
from drumbeat.operations import decisions_sql
from drumbeat.operations.decisions import MOVES, Decision
from drumbeat.operations.decisions_sql import Decided
from tests.conftest import TestDatabase
from tests.store.rows import claimed, closing, new_effect, opening, planned, recorded, status, waiting

WAITS_FOR_A_LOCK = "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted"


def decide(db: Database, effect: UUID, decision: Decision) -> list[Decided]:
    """Decide about an effect as it stands."""
    seen = decisions_sql.decidable(db, effect)
    assert seen is not None
    move = MOVES[decision]
    return decisions_sql.decide(
        db,
        [seen],
        takes=move.takes,
        to=move.to,
        reason=Reason(ReasonCode.DECIDED, "looked"),
        actor="person:ada",
        redrive=decision is Decision.REDRIVE,
    )


def test_a_step_is_redriven_while_the_one_before_it_is_accepted(database: TestDatabase) -> None:
    """Its end must not be missed: nothing else would ever make the redriven step due."""
    event = recorded(database)
    later = new_effect(event, "nudge")
    first = new_effect(event, dependents=(later.id,))
    planned(database, first, new_effect(event, "nudge", after=first.id))
    decide(database, later.id, Decision.CANCEL)
    sent = claimed(database, first.id)
    attempts_sql.open_attempts(database, [opening(sent)])
    person = Database(database.url)
    redrive = threading.Thread(target=decide, args=(person, later.id, Decision.REDRIVE))

    with database.transaction():
        attempts_sql.close_attempts(database, [closing(sent, "accepted", Status.ACCEPTED)])
        redrive.start()
        while redrive.is_alive() and not database.run(WAITS_FOR_A_LOCK)[0]["waiting"]:
            redrive.join(0.01)
    redrive.join()
    person.close()

    (row,) = database.run("SELECT status, due_at <= drumbeat_now() AS due FROM effects WHERE id = %s", (later.id,))
    assert row == {"status": "waiting", "due": True}


def test_a_worker_that_is_quicker_than_a_cancellation_keeps_its_effect(database: TestDatabase) -> None:
    effect = waiting(database)
    seen = decisions_sql.decidable(database, effect)
    assert seen is not None
    claimed(database, effect)

    reason = Reason(ReasonCode.DECIDED, "called off")
    move = MOVES[Decision.CANCEL]
    moved = decisions_sql.decide(database, [seen], takes=move.takes, to=move.to, reason=reason, actor="person:ada")

    assert (moved, status(database, effect)) == ([], "claimed")
