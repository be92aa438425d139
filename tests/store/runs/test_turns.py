"""Turns: how a run is carried out at the speed that limits allow, and what becomes of lost ones."""

import time

from drumbeat.core.outcomes import NotSent, Outcome, Unknown
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.relay import runs as relay_runs
from drumbeat.runs import control, sql
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage

PATIENCE_SECONDS = 60.0
PUT_BACK = "SELECT count(*) AS n FROM journal WHERE from_status = 'claimed' AND to_status = 'waiting'"
DIES = "UPDATE effects SET lease_until = drumbeat_now() WHERE lease_until IS NOT NULL"


def carry_on(stage: Stage, until: int) -> None:
    """Take turns until so many mails are sent: limits count by the clock of Redis, which no test moves."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while len(stage.calls.sent) < until:
        assert time.monotonic() < patience, stage.calls.sent
        stage.settle(1)
        time.sleep(0.01)


def test_a_rate_limit_is_used_to_the_full_and_no_mail_is_put_back_again_and_again(stage: Stage) -> None:
    stage.apply(limits=', limits: ["40/s burst 10"]')
    stage.people(*(f"p{number:03}" for number in range(120)))

    stage.fire()
    stage.work(stage.queue.left.pop(0))
    carry_on(stage, 120)

    assert len(set(stage.calls.sent)) == len(stage.calls.sent) == 120
    # Once; twice where a turn comes after the places of its mails have passed.
    assert stage.db.run(PUT_BACK)[0]["n"] <= 2 * 120


def test_a_limit_of_a_day_lets_through_at_once_what_it_allows(stage: Stage) -> None:
    stage.apply(limits=', limits: ["100/d"]')
    stage.people(*(f"p{number:03}" for number in range(130)))

    run = stage.fire()
    stage.settle(12)

    assert len(stage.calls.sent) == 100
    assert stage.totals(run).waiting == 30
    assert stage.db.run(PUT_BACK)[0]["n"] <= 48  # no more than one claim of those that have to wait


def test_a_pace_lets_no_more_through_than_it_says(stage: Stage) -> None:
    stage.apply('pace: "36000/h"')  # ten a second
    stage.people(*(f"p{number:03}" for number in range(30)))
    stage.fire()
    stage.work(stage.queue.left.pop(0))
    begun = time.monotonic()

    carry_on(stage, 30)

    assert 10 * (time.monotonic() - begun + 2.0) >= 30


def test_a_turn_that_was_lost_is_started_again(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada", "bob")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    stage.queue.left.clear()  # SQS lost it
    stage.forget_due_entries()

    relay_runs.go_on(stage)
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com"]
    assert stage.run(run).state is RunState.FINISHED


def test_a_turn_that_is_expected_is_not_started_twice(stage: Stage) -> None:
    stage.apply()
    stage.people("ada")
    stage.fire()
    stage.work(stage.queue.left.pop(0))
    expected = len(stage.queue.left)

    relay_runs.go_on(stage)

    assert len(stage.queue.left) == expected


def test_without_redis_a_run_is_sent_all_the_same(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob")
    stage.lose_redis()

    run = stage.fire()
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com"]
    assert stage.totals(run).accepted == 2


def test_what_was_surely_not_sent_is_tried_again_by_a_later_turn(stage: Stage, owner: Database) -> None:
    answers: list[Outcome] = [NotSent("no connection")]

    def answer(address: str) -> Outcome:
        return answers.pop() if answers else stage.calls.taken

    stage.apply()
    stage.people("ada", "bob")
    stage.calls.answer = answer
    run = stage.fire()
    stage.settle(4)

    pass_time(owner, hours=1)
    stage.work(stage.restart_turns(run))

    assert len(stage.calls.sent) == 3
    assert stage.totals(run).accepted == 2


def test_an_outcome_that_is_unknown_is_settled_while_the_run_is_paused(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada", "bob", "cyd")
    stage.calls.answer = lambda address: Unknown("cut off") if address.startswith("ada") else stage.calls.taken
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    stage.carry_out(stage.claim(run))
    assert stage.totals(run).in_flight == 1
    control.pause(run, actor="person:test", reason="wait", services=stage)
    stage.calls.answer = lambda _: stage.calls.taken

    pass_time(owner, minutes=30)
    stage.work(stage.restart_turns(run))
    paused = stage.totals(run)
    control.resume(run, actor="person:test", reason="go on", services=stage)
    stage.settle(20)

    assert paused.in_flight == 0  # it may be repeated under its key, once the run goes on
    assert stage.totals(run).accepted == 3


def test_what_a_dead_worker_held_is_taken_alone_and_the_run_finishes(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada", "bob")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    stage.claim(run)  # and its worker dies
    owner.run(DIES)
    stage.queue.left.clear()
    stage.forget_due_entries()

    for _ in range(3):
        stage.sweep()
        stage.settle(30)

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com"]
    assert stage.run(run).state is RunState.FINISHED


def test_a_plan_that_is_never_started_ends_after_a_week(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada")
    run = stage.fire(plan=True)
    stage.settle()

    pass_time(owner, days=8)
    relay_runs.go_on(stage)

    assert (stage.run(run).state, stage.run(run).reason_code) == (RunState.CANCELLED, "never_started")


def test_a_pause_whose_end_is_known_ends_by_itself(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    until = sql.get(stage.db, [run])[run].now
    control.pause(run, actor="person:test", reason="lunch", services=stage, until=until)
    stage.queue.left.clear()
    stage.forget_due_entries()

    pass_time(owner, minutes=1)
    relay_runs.go_on(stage)
    stage.settle(20)

    assert stage.calls.sent == ["ada@example.com"]
