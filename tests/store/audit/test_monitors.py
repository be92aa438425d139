"""Each invariant, violated on purpose: what it concerns stands still after one look, and goes on without a repeat."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from drumbeat.audit import watch, watching_sql
from drumbeat.core.invariants import Invariant
from drumbeat.core.outcomes import Accepted, Unknown
from drumbeat.core.runs import RunState
from drumbeat.ledger import stops
from drumbeat.ledger.database import Database
from drumbeat.observability import snapshot
from drumbeat.operations.stops import resume_everything
from drumbeat.operations.violations import acknowledge
from drumbeat.runs import control
from drumbeat.views.violations import listed_violations
from tests.store.audit.staged_runs import corrupt, finished, populated, running
from tests.store.audit.test_corrupted_runs import effect_gone_before_it_was_sent, sent_by_another_step
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage

PERSON = "person:test"
AS_BEFORE: tuple[LiteralString, ...] = (
    "DELETE FROM violations",
    "DELETE FROM monitor_state",
    "UPDATE gate SET stops = '[]'",
)

type Violate = Callable[[Stage, Database], UUID | None]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)


@pytest.fixture(autouse=True)
def every_look_makes_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.observability.snapshot.SHARE", 0.0)


def look(stage: Stage) -> list[int]:
    return watch.look(stage, lambda: True)


def run_of(stage: Stage) -> UUID:
    run: UUID = stage.db.run("SELECT id FROM runs")[0]["id"]
    return run


def accepted_twice(stage: Stage, owner: Database) -> None:
    """A provider that says it knows the key, and gives another reference for the same."""
    run = running(stage)
    stage.carry_out(stage.claim(run)[:3])
    free(owner)
    accept_again(owner, "another")


def accept_again(owner: Database, reference: str) -> None:
    corrupt(
        owner,
        "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)"
        " SELECT effect_id, n, generation, identity, 'late', 'accepted', %s FROM outcomes LIMIT 1",
        reference,
    )


def journal_lost(stage: Stage, owner: Database) -> None:
    run = running(stage)
    stage.carry_out(stage.claim(run)[:1])
    free(owner)
    corrupt(
        owner,
        "DELETE FROM journal WHERE seq = 2 AND effect_id = (SELECT id FROM effects WHERE status = 'accepted')",
    )


def never_looked_into(stage: Stage, owner: Database) -> None:
    run = running(stage)
    stage.calls.answer = lambda _: Unknown("no answer")
    stage.carry_out(stage.claim(run)[:1])
    free(owner)
    control.pause(run, actor=PERSON, reason="wait", services=stage)
    corrupt(owner, "UPDATE effects SET due_at = drumbeat_now() WHERE status = 'unknown'")
    for minutes in (*[2] * 7, 2.9):
        assert look(stage) == []
        pass_time(owner, minutes=minutes)
    stage.calls.answer = lambda _: Accepted("taken")


def free(owner: Database) -> None:
    """Let what was claimed and not carried out wait again, as its worker would have."""
    corrupt(
        owner,
        "WITH freed AS (UPDATE effects"
        "                  SET status = 'waiting', lease_until = NULL, seq = seq + 1, due_at = drumbeat_now()"
        "                WHERE status = 'claimed' RETURNING id, seq, fence)"
        " INSERT INTO journal (effect_id, seq, from_status, to_status, fence, actor)"
        " SELECT id, seq, 'claimed', 'waiting', fence, 'worker' FROM freed",
        least=0,
    )


def lost_a_recipient(stage: Stage, owner: Database) -> None:
    effect_gone_before_it_was_sent(stage, owner)


VIOLATIONS: list[tuple[Invariant, Callable[[Stage, Database], object], str]] = [
    (Invariant.DUPLICATES, accepted_twice, "account"),
    (Invariant.UNACCOUNTED_RECIPIENTS, lost_a_recipient, "run"),
    (Invariant.JOURNAL_GAPS, journal_lost, "everything"),
    (Invariant.UNKNOWN_OVERDUE, never_looked_into, "account"),
    (Invariant.PLAN_DEVIATION, sent_by_another_step, "run"),
]


def stopped(stage: Stage) -> str | None:
    """Return what stands still."""
    in_force = stops.in_force(stage.db)
    if in_force:
        return "account" if in_force[0].account else "everything"
    return "run" if stage.run(run_of(stage)).state is RunState.PAUSED else None


def test_a_ledger_left_by_normal_work_violates_nothing(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    look(stage)
    finished(stage)

    assert look(stage) == []

    assert (stopped(stage), listed_violations(stage.db)) == (None, [])
    kept = snapshot.kept(stage)
    assert kept is not None
    assert (kept.violations, kept.accounts[0].effects) == ({}, {"accepted": 9})


@pytest.mark.parametrize(("invariant", "violate", "concerned"), VIOLATIONS, ids=[str(each[0]) for each in VIOLATIONS])
def test_one_look_stops_what_a_violation_concerns_and_says_so_until_the_owner_was_told(
    stage: Stage, owner: Database, invariant: Invariant, violate: Callable[[Stage, Database], object], concerned: str
) -> None:
    populated(stage, owner)
    violate(stage, owner)

    new = look(stage)

    found = listed_violations(stage.db)
    assert ({each.invariant for each in found}, len({each.subject for each in found})) == ({invariant}, 1)
    assert (stopped(stage), len(new)) == (concerned, len(found))
    kept = snapshot.kept(stage)
    assert kept is not None
    assert kept.violations == {invariant: 1}
    assert look(stage) == new
    watch.told(new, stage)
    assert look(stage) == []


@pytest.mark.parametrize(("invariant", "violate", "concerned"), VIOLATIONS, ids=[str(each[0]) for each in VIOLATIONS])
def test_after_a_person_resumed_it_goes_on_without_a_repeat_and_the_same_stops_it_no_more(
    stage: Stage, owner: Database, invariant: Invariant, violate: Callable[[Stage, Database], object], concerned: str
) -> None:
    populated(stage, owner)
    violate(stage, owner)
    look(stage)
    before = list(stage.calls.sent)
    stage.work(stage.restart_turns(run_of(stage)))
    held_back = list(stage.calls.sent)

    resumed(stage, invariant)
    new = look(stage)
    if stage.run(run_of(stage)).reason_code == "person":  # who had paused it beside
        control.resume(run_of(stage), actor=PERSON, reason="looked at", services=stage)
    stage.queue.left.append(stage.restart_turns(run_of(stage)))
    stage.settle()
    look(stage)

    assert (held_back, new) == (before, [])
    assert (stopped(stage), listed_violations(stage.db)) == (None, [])
    sent = Counter(stage.calls.sent)
    unknown = set(before) if invariant is Invariant.UNKNOWN_OVERDUE else set()  # repeated, under its key
    assert {address for address, times in sent.items() if times > 1} == unknown
    assert len(sent) >= 8  # of nine, of whom one may be lost
    assert stage.db.run("SELECT DISTINCT resumed_by, resume_reason FROM violations") == [
        {"resumed_by": PERSON, "resume_reason": "looked at"}
    ]


def resumed(stage: Stage, invariant: Invariant) -> None:
    """Do what `drumbeat resume --invariant` does."""
    resume_everything(reason="looked at", actor=PERSON, invariant=invariant, services=stage)


def test_another_violation_stops_it_again(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    accepted_twice(stage, owner)
    look(stage)
    resumed(stage, Invariant.DUPLICATES)

    accept_again(owner, "a third")
    look(stage)

    assert stopped(stage) == "account"


def test_a_run_that_a_person_let_go_on_by_itself_stands_still_again_at_the_next_look(
    stage: Stage, owner: Database
) -> None:
    populated(stage, owner)
    lost_a_recipient(stage, owner)
    look(stage)
    control.resume(run_of(stage), actor=PERSON, reason="go on", services=stage)

    look(stage)

    assert stopped(stage) == "run"


def test_what_a_look_could_not_record_is_found_by_the_next(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Database, found: Sequence[object]) -> None:
        if found:
            raise psycopg.OperationalError("the ledger went away")

    populated(stage, owner)
    lost_a_recipient(stage, owner)
    with monkeypatch.context() as cut:
        cut.setattr("drumbeat.ledger.violations.record", away)
        with pytest.raises(psycopg.OperationalError):
            look(stage)

    look(stage)

    assert stopped(stage) == "run"


@pytest.mark.parametrize(
    ("violate", "invariant"), [(accepted_twice, "duplicates"), (lost_a_recipient, "unaccounted_recipients")]
)
def test_a_resumption_that_was_cut_is_finished_by_the_next_look(
    stage: Stage, owner: Database, violate: Callable[[Stage, Database], object], invariant: str
) -> None:
    populated(stage, owner)
    violate(stage, owner)
    look(stage)
    acknowledge(Invariant(invariant), reason="looked at", actor=PERSON, services=stage)

    look(stage)

    assert stopped(stage) is None


def test_the_monitors_read_no_table_whole_and_go_on_where_they_stopped(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    finished(stage)
    look(stage)
    pass_time(owner, minutes=2)
    look(stage)
    pass_time(owner, minutes=2)
    (state,) = stage.db.run("SELECT outcomes, (SELECT max(id) FROM outcomes) AS newest FROM monitor_state")
    batch, _ = watching_sql.outcomes(stage.db, watching_sql.position(stage.db), state["outcomes"])
    assert (state["outcomes"], batch.effects) == (state["newest"], [])


def test_what_was_slow_to_commit_is_read_by_the_next_look(stage: Stage, owner: Database) -> None:
    """Its number and its time are older than those of what was read before."""
    populated(stage, owner)
    run = running(stage)
    stage.carry_out(stage.claim(run)[:1])
    with psycopg.connect(owner.url) as slow:
        slow.execute("SET session_replication_role = replica")
        slow.execute(
            "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference)"
            " SELECT effect_id, n, generation, identity, 'late', 'accepted', 'another' FROM outcomes LIMIT 1"
        )
        stage.carry_out(stage.claim(run)[:1])
        assert look(stage) == []
        slow.commit()

    assert len(look(stage)) == 1


def test_where_the_journal_holds_more_than_a_batch_it_is_read_in_parts(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    populated(stage, owner)
    journal_lost(stage, owner)
    parts: list[int] = []
    real = watching_sql.journaled

    def counted(*args: object) -> object:
        answer = real(*args)  # type: ignore[arg-type]
        parts.append(len(answer[0].effects))
        return answer

    monkeypatch.setattr(watching_sql, "journaled", counted)
    monkeypatch.setattr(watching_sql, "ROWS_PER_BATCH", 2)

    assert len(look(stage)) == 1
    assert len(parts) > 1


class Died(Exception):
    """The relay's process ended."""


def test_a_look_that_dies_after_any_statement_is_finished_by_the_next(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    populated(stage, owner)
    accepted_twice(stage, owner)
    run, died = stage.db.run, 0
    while True:
        left = count(died, -1)

        def dying(*args: Any, left: Iterator[int] = left) -> Any:
            answer = run(*args)
            if next(left) == 0:
                raise Died
            return answer

        monkeypatch.setattr(stage.db, "run", dying)
        try:
            look(stage)
            break
        except Died:
            died += 1
        monkeypatch.setattr(stage.db, "run", run)
        assert len(look(stage)) == 1
        assert (stopped(stage), len(listed_violations(stage.db))) == ("account", 1)
        for statement in AS_BEFORE:
            corrupt(owner, statement)
    assert died > 15
