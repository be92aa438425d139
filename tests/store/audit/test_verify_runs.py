"""Verify of runs: one in any state breaks no promise."""

from collections.abc import Callable
from uuid import UUID

import pytest

from drumbeat.audit import Verified, verify
from drumbeat.core.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from drumbeat.core.runs import RunState
from drumbeat.ledger import account_states
from drumbeat.ledger.account_states import Report
from drumbeat.ledger.database import Database
from drumbeat.runs import control, missing
from tests.store.audit.staged_runs import (
    HEALTHY,
    PERSON,
    RECORDED,
    cancelled,
    corrupt,
    finished,
    found,
    kinds,
    paused,
    populated,
    running,
)
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)


# ---------------------------------------------------------------- normal work


@pytest.mark.parametrize(("state", "make"), HEALTHY)
def test_a_run_in_any_state_breaks_no_promise(
    stage: Stage, owner: Database, state: RunState, make: Callable[[Stage], UUID]
) -> None:
    populated(stage, owner)

    run = make(stage)

    assert stage.run(run).state is state
    assert found(stage) == []
    assert found(stage, limit=1) == []


def test_leavers_and_those_whom_a_step_leaves_out_break_no_promise(stage: Stage, owner: Database) -> None:
    stage.apply("approve: true", audience="{field: plan, is: trial}")
    stage.people("ada", "bob", plan="trial")
    stage.people("nia", agreed=False, plan="trial")
    corrupt(owner, RECORDED)
    run = stage.fire()
    stage.settle()
    stage.people("bob", plan="paid")
    corrupt(owner, RECORDED)
    hash = stage.run(run).plan_hash
    assert hash is not None

    control.approve(run, hash, actor=PERSON, services=stage)
    stage.settle()

    assert stage.totals(run).left_out == {"left_audience": 1, "no_consent": 1}
    assert found(stage) == []


def test_a_run_whose_mails_end_in_different_ways_breaks_no_promise(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    ends: dict[str, Outcome] = {"p0@example.com": Refused("no"), "p1@example.com": NotSent("no route")}
    ends["p2@example.com"] = Unknown("lost")
    stage.calls.answer = lambda address: ends.get(address, Accepted("taken"))
    run = running(stage)

    stage.carry_out(stage.claim(run))

    totals = stage.totals(run)
    assert (totals.accepted, totals.refused, totals.waiting, totals.in_flight) == (6, 1, 1, 1)
    assert found(stage) == []


def test_two_runs_of_the_same_people_under_a_cap_break_no_promise(stage: Stage, owner: Database) -> None:
    populated(stage, owner, more='cap: "1/7d"')
    finished(stage)
    stage.apply('cap: "1/7d"', subject="Other")

    second = stage.fire("second")
    stage.settle()

    assert stage.totals(second).cancelled == {"capped": 9}
    assert found(stage) == []


def test_a_cancelled_run_that_is_sent_to_the_others_breaks_no_promise(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    run = cancelled(stage)
    sent = len(stage.calls.sent)

    total = missing.missing(run, stage).total
    missing.send(run, expected=total, actor=PERSON, reason="all the same", services=stage)
    half_way = found(stage)
    stage.settle()

    assert 0 < sent < len(stage.calls.sent) == 9
    assert (half_way, found(stage)) == ([], [])


# ---------------------------------------------------------------- what only looks late


def test_what_a_paused_run_sends_is_not_stuck(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    paused(stage)

    pass_time(owner, days=3)

    assert found(stage) == []


def test_a_run_whose_account_is_paused_is_not_stuck(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    running(stage)
    account_states.report(stage.db, [Report("mail", answered=False, at_once=True, pause=7200.0)])

    pass_time(owner, minutes=20)

    assert found(stage) == []


def test_a_run_of_which_nothing_is_due_yet_is_not_stuck(stage: Stage, owner: Database) -> None:
    populated(stage, owner, more='quiet_hours: "00:00-23:59"')
    running(stage)
    corrupt(owner, "UPDATE effects SET due_at = drumbeat_now() + interval '2 h'")

    pass_time(owner, minutes=20)

    assert found(stage) == []


def test_what_waits_though_its_run_was_cancelled_is_named(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    run = running(stage)
    corrupt(
        owner,
        "INSERT INTO run_journal (run_id, seq, from_state, to_state, actor)"
        " VALUES (%s, 4, 'running', 'cancelled', 'x')",
        run,
    )
    corrupt(owner, "UPDATE runs SET state = 'cancelled', seq = 4 WHERE id = %s", run)
    at_once = found(stage)

    pass_time(owner, minutes=20)

    assert at_once == []
    assert kinds(stage) == ["cancelled-waiting"] * 9


def test_what_is_unknown_when_its_run_is_cancelled_is_late_when_no_worker_looks(stage: Stage, owner: Database) -> None:
    populated(stage, owner)
    ends: dict[str, Outcome] = {"p0@example.com": Unknown("lost")}
    stage.calls.answer = lambda address: ends.get(address, Accepted("taken"))
    run = running(stage)
    stage.carry_out(stage.claim(run))
    control.cancel(run, actor=PERSON, reason="wrong", services=stage)

    pass_time(owner, minutes=20)

    assert kinds(stage) == ["overdue"]


# ---------------------------------------------------------------- chunks


def test_a_large_run_is_verified_in_small_chunks(stage: Stage, owner: Database) -> None:
    populated(stage, owner, *(f"p{number}" for number in range(300)))
    finished(stage)
    corrupt(owner, "UPDATE effects SET account = 'other' WHERE id IN (SELECT id FROM effects ORDER BY id LIMIT 7)")

    chunks: list[Verified] = []
    after: UUID | None = UUID(int=0)
    while after is not None:
        chunks.append(verify(stage, after=after, limit=10))
        after = chunks[-1].next

    sizes = [chunk.checked.effects for chunk in chunks]
    assert sum(sizes) == 300
    assert max(sizes) <= 20
    named = [item.id for chunk in chunks for item in chunk.items if item.kind == "effect-other"]
    assert len(set(named)) == len(named) == 7
