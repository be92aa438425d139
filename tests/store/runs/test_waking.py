"""What makes something of a run due wakes its turns; nothing of a run waits longer than it must, or is forgotten."""

from datetime import timedelta
from uuid import UUID

import pytest

from drumbeat.core.errors import NotUnderstood
from drumbeat.core.outcomes import NotSent
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.operations.stops import resume as resume_account
from drumbeat.operations.stops import stop as stop_account
from drumbeat.relay import runs as relay_runs
from drumbeat.relay.sql import due_effects
from drumbeat.runs import control, sql
from drumbeat.runs.sql import Run
from drumbeat.runs.turns import start
from drumbeat.services import Services
from drumbeat.wakeups.turns import entry
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage

PERSON = "person:test"


def paused(stage: Stage) -> UUID:
    """Return a run that is paused before its only mail is sent."""
    stage.apply()
    stage.people("ada")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    control.pause(run, actor=PERSON, reason="wait", services=stage)
    return run


def asleep(stage: Stage, run: UUID) -> None:
    """Let a run's turn sleep for ten minutes."""
    stage.queue.left.clear()
    stage.turns.start(run, range(3), delay=600.0)
    stage.queue.left.clear()


def test_each_chunk_that_is_expanded_wakes_the_turns(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    stage.apply()
    stage.people("ada", "bob", "cyd", "dan")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0), left=38.5, passing=0.4)  # time to begin
    while stage.run(run).expanded == 0:
        stage.step(run)
    asleep(stage, run)

    while stage.run(run).expanded < stage.run(run).chunks:
        stage.step(run)
    stage.settle()

    assert len(stage.calls.sent) == 4


def test_a_run_that_is_resumed_wakes_its_turns(stage: Stage) -> None:
    run = paused(stage)
    asleep(stage, run)

    control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.settle()

    assert stage.calls.sent == ["ada@example.com"]


def test_a_run_that_is_resumed_while_redis_is_away_goes_on_all_the_same(stage: Stage, valkey: Valkey) -> None:
    run = paused(stage)
    asleep(stage, run)

    stage.lose_redis()
    control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.use_redis(valkey.url)  # it has the words of the turns that sleep
    stage.settle()

    assert stage.calls.sent == ["ada@example.com"]


def test_a_run_whose_relay_died_once_it_had_moved_it_gets_turns_by_the_worker(stage: Stage) -> None:
    run = paused(stage)
    stage.settle()
    stage.forget_due_entries()
    sql.move(stage.db, run, RunState.RUNNING, of=[RunState.PAUSED], actor="relay")
    stage.queue.notify(events=[run])  # and dies

    stage.settle()

    assert stage.calls.sent == ["ada@example.com"]


def test_what_may_have_ended_its_worker_is_looked_at_by_the_relay_once_its_run_is_resumed(
    stage: Stage, owner: Database
) -> None:
    run = paused(stage)
    owner.run("UPDATE effects SET crashes = 1")
    stage.forget_due_entries()

    control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.settle(4)

    (effect,) = [f"effect:{row['id']}" for row in owner.run("SELECT id FROM effects")]
    looked_at = (stage.due_index.times([effect]) or {})[effect]
    assert looked_at - stage.clock.now().timestamp() < 60.0


def test_what_may_have_ended_its_worker_is_not_due_while_its_account_is_stopped(stage: Stage, owner: Database) -> None:
    paused(stage)
    owner.run("UPDATE effects SET crashes = 1")

    def due() -> int:
        found = due_effects(stage.db, ahead=timedelta(minutes=1), allowances={}, otherwise=10, limit=10)
        return len(found)

    before = due()
    stop_account("mail", reason="look", actor=PERSON, services=stage)
    stopped = due()
    resume_account("mail", reason="seen", actor=PERSON, services=stage)

    assert (before, stopped, due()) == (1, 0, 1)


def test_an_account_that_is_resumed_wakes_the_turns_of_its_runs(stage: Stage) -> None:
    stage.apply()
    stage.people("ada")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    asleep(stage, run)

    resume_account("mail", reason=None, actor=PERSON, services=stage)
    stage.settle()

    assert stage.calls.sent == ["ada@example.com"]


def test_without_redis_chunks_do_not_multiply_the_turns(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    stage.apply()
    stage.people("ada", "bob", "cyd", "dan", "eve", "fay")
    stage.lose_redis()
    run = stage.fire()
    stage.work(stage.queue.left.pop(0), left=38.5, passing=0.4)
    stage.queue.left.clear()
    started = []

    while stage.run(run).expanded < stage.run(run).chunks:
        stage.step(run)
        started.append(len(stage.queue.left))

    assert stage.run(run).chunks > 1
    assert started[-1] == min(filter(None, started))  # the first chunk started all that there are


def test_a_second_pause_prolongs_the_first_and_never_shortens_it(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    soon = stage.now() + timedelta(minutes=10)
    ends = []

    for until in (soon, soon + timedelta(hours=1), soon, None, soon):
        control.pause(run, actor=PERSON, reason="a doubt", services=stage, until=until)
        ends.append(stage.run(run).resumes_at)
    pass_time(owner, hours=3)
    relay_runs.go_on(stage)

    assert ends == [soon, soon + timedelta(hours=1), soon + timedelta(hours=1), None, None]
    assert stage.run(run).state is RunState.PAUSED
    journal = stage.db.run("SELECT from_state FROM run_journal WHERE run_id = %s AND to_state = 'paused'", (run,))
    assert sorted(row["from_state"] for row in journal) == ["paused", "paused", "running"]


def test_an_approval_whose_process_died_before_the_run_moved_lets_it_begin(stage: Stage) -> None:
    stage.apply("approve: true")
    stage.people("ada")
    run = stage.fire()
    stage.settle()
    waiting = stage.run(run)
    assert waiting.state is RunState.AWAITING_APPROVAL and waiting.plan_hash is not None
    sql.approve(stage.db, run, waiting.plan_hash, actor=PERSON)  # and dies
    stage.forget_due_entries()

    relay_runs.go_on(stage)
    stage.settle()

    assert stage.run(run).state is RunState.FINISHED
    assert stage.calls.sent == ["ada@example.com"]


def test_a_run_that_this_release_does_not_understand_stops_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.apply()
    stage.people("ada")
    strange, other = sorted([stage.fire("one"), stage.fire("two")])
    for wake_up in stage.queue.left[:]:
        stage.work(wake_up)
    for run in (strange, other):
        if stage.run(run).state is RunState.AWAITING_APPROVAL:  # its mails say what the other's say
            plan = stage.run(run).plan_hash
            assert plan is not None
            control.approve(run, plan, actor=PERSON, services=stage)
    stage.queue.left.clear()
    stage.forget_due_entries()

    def not_all(run: Run, services: Services, *, wakes: bool, unknown: bool) -> None:
        if run.id == strange:
            raise NotUnderstood("another release planned it")
        start(run, services, wakes=wakes, unknown=unknown)

    monkeypatch.setattr("drumbeat.relay.runs.start", not_all)

    relay_runs.go_on(stage)

    assert {turn.run for wake_up in stage.queue.left for turn in wake_up.turns} == {other}


def test_a_mail_that_comes_back_to_wait_after_its_run_was_cancelled_ends_with_it(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    stage.calls.answer = lambda _: NotSent("no connection")
    stage.calls.meanwhile = lambda: (
        None
        if stage.run(run).state is RunState.CANCELLED
        else (control.cancel(run, actor=PERSON, reason="wrong", services=stage), None)[1]
    )

    stage.settle()

    assert len(stage.calls.sent) == 2
    assert stage.totals(run).cancelled == {"run_cancelled": 2}


def test_a_run_that_was_gathered_too_late_to_begin_is_missed(stage: Stage, owner: Database) -> None:
    stage.apply('schedule: "cron(0 9 * * ? *)"')
    stage.people("ada")
    run = stage.fire_scheduled(stage.now())
    stage.work(stage.queue.left.pop(0), left=38.5, passing=0.4)
    assert stage.run(run).state is RunState.PLANNED  # begun in time, and then no worker comes

    pass_time(owner, days=3)
    stage.forget_due_entries()
    stage.sweep()
    stage.settle()

    assert (stage.run(run).state, stage.calls.sent) == (RunState.MISSED, [])


def test_what_waits_for_a_person_lets_the_database_sleep(stage: Stage) -> None:
    stage.apply()
    stage.people("ada")
    planned, paused = stage.fire("one", plan=True), stage.fire("two")
    for wake_up in [stage.queue.left.pop(0), stage.queue.left.pop(0)]:
        stage.work(wake_up)
    control.pause(paused, actor=PERSON, reason="a doubt", services=stage)
    stage.settle()
    stage.forget_due_entries()

    for _ in range(2):
        relay_runs.go_on(stage)
        stage.settle()

    assert {stage.run(planned).state, stage.run(paused).state} == {RunState.PLANNED, RunState.PAUSED}
    assert stage.due_index.next_work() - stage.clock.now().timestamp() > timedelta(days=6).total_seconds()


def test_a_slow_pace_is_waited_for_in_one_piece(stage: Stage, owner: Database) -> None:
    stage.apply('pace: "10/h"')
    stage.people("ada", "bob")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))

    pass_time(owner, hours=2)  # all are due; the campaign's pace counts by another clock
    stage.settle(8)

    assert len(stage.calls.sent) == 1
    asked = stage.due_index.times([entry(run, 0)]) or {}
    assert asked[entry(run, 0)] - stage.clock.now().timestamp() > 300.0
