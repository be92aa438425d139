"""A run that ended is sent to those who did not get it, and to no one who did, or may have."""

from datetime import timedelta
from uuid import UUID

import pytest

from drumbeat.core.errors import Stale
from drumbeat.core.outcomes import Accepted, Outcome, Unknown
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.people.suppressions import suppress
from drumbeat.runs import control, missing, sql
from tests.store.rows import pass_time
from tests.store.runs.stage import Stage
from tests.store.runs.test_times import LOCAL_NINE, MONDAY, at

PERSON = "person:test"


def stopped(stage: Stage, people: int, after: int) -> tuple[UUID, list[str]]:
    """Return a run that was cancelled after so many mails."""
    stage.apply()
    names = [f"p{place:03}" for place in range(people)]
    stage.people(*names)
    run = stage.fire()

    def stop() -> None:
        if len(stage.calls.sent) >= after:
            control.cancel(run, actor=PERSON, reason="a typo", services=stage)
            stage.calls.meanwhile = lambda: None

    stage.calls.meanwhile = stop
    stage.settle()
    return run, [f"{name}@example.com" for name in names]


def sent_to_the_others(stage: Stage, run: UUID) -> missing.Missing:
    found = missing.missing(run, stage)
    missing.send(run, expected=found.total, reason="no typo", actor=PERSON, services=stage)
    stage.settle()
    return found


def left_out_as_planned(stage: Stage) -> list[object]:
    return [row["left_out"] for row in stage.db.run("SELECT left_out FROM recipients ORDER BY contact")]


def test_a_cancelled_run_is_sent_to_those_who_did_not_get_it_and_to_each_once(stage: Stage) -> None:
    run, everyone = stopped(stage, people=150, after=40)
    before = len(stage.calls.sent)

    found = sent_to_the_others(stage, run)

    assert 0 < before < 150
    assert (found.total, {each.reason for each in found.counts}) == (150 - before, {"run_cancelled"})
    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED
    assert stage.totals(run).accepted == 150


def test_whom_a_cap_held_back_is_sent_to_once_it_allows_that_and_not_before(stage: Stage, owner: Database) -> None:
    stage.apply('cap: "1/7d"')
    stage.people("ada", "bob")
    stage.fire("first")
    stage.settle()
    stage.apply('cap: "1/7d"', subject="Other")
    run = stage.fire("second")
    stage.settle()

    found = sent_to_the_others(stage, run)
    at_once = len(stage.calls.sent)
    pass_time(owner, days=8)
    later = sent_to_the_others(stage, run)

    assert ({each.reason for each in found.counts}, found.total, at_once) == ({"capped"}, 2, 2)
    assert (later.total, len(stage.calls.sent)) == (2, 4)


def test_who_may_not_be_mailed_any_more_is_counted_apart_and_gets_nothing(stage: Stage) -> None:
    run, everyone = stopped(stage, people=150, after=1)
    gone = next(one for one in everyone if one not in stage.calls.sent)
    suppress(gone, reason="asked", actor=PERSON, services=stage)

    found = sent_to_the_others(stage, run)

    assert sum(each.barred for each in found.counts) == 1
    assert sorted(stage.calls.sent) == sorted(set(everyone) - {gone})
    assert stage.totals(run).cancelled == {"run_cancelled": 1}


def test_a_mail_that_may_have_been_sent_is_not_sent_again(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob")
    run = stage.fire()

    def answer(address: str) -> Outcome:
        return Unknown("the connection was lost") if address.startswith("ada") else Accepted("taken")

    stage.calls.answer = answer
    stage.settle(20)
    control.cancel(run, actor=PERSON, reason="stop", services=stage)
    stage.settle(20)

    with pytest.raises(Stale):
        missing.send(run, expected=1, reason="again", actor=PERSON, services=stage)

    assert missing.missing(run, stage).total == 0


def test_a_count_that_has_moved_sends_nothing(stage: Stage) -> None:
    run, _ = stopped(stage, people=150, after=1)
    total = missing.missing(run, stage).total

    with pytest.raises(Stale) as refused:
        missing.send(run, expected=total + 1, reason="again", actor=PERSON, services=stage)

    assert f"{total:,}" in str(refused.value)
    assert stage.run(run).state is RunState.CANCELLED


def test_a_run_that_still_goes_on_or_never_began_has_no_one_to_send_to_again(stage: Stage) -> None:
    stage.apply()
    stage.people("ada")
    plan = stage.fire(plan=True)
    stage.settle()

    with pytest.raises(Stale):
        missing.missing(plan, stage)
    control.cancel(plan, actor=PERSON, reason="not now", services=stage)
    with pytest.raises(Stale) as refused:
        missing.missing(plan, stage)

    assert "before it began" in str(refused.value)


def test_a_run_that_was_cut_anywhere_goes_on_where_it_stopped_and_adds_up_at_each_commit(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "PEOPLE_A_CHUNK", 20)
    run, everyone = stopped(stage, people=150, after=1)
    total = missing.missing(run, stage).total
    monkeypatch.setattr(control, "AT_ONCE_SECONDS", -1.0)
    missing.send(run, expected=total, reason="again", actor=PERSON, services=stage)

    steps = 0
    while stage.run(run).state is RunState.EXPANDING:
        stage.step(run)
        steps += 1
        stage.totals(run)  # adds up
        if steps == 2:
            control.pause(run, actor=PERSON, reason="wait", services=stage)
            control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.settle()

    assert steps > 5
    assert sorted(stage.calls.sent) == everyone


def test_who_was_left_out_as_too_late_is_mailed_after_all_and_the_plan_stays_what_was_planned(
    stage: Stage, owner: Database
) -> None:
    at(owner, MONDAY + timedelta(hours=11))
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")
    stage.people("lea", timezone="America/New_York")
    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.settle(20)
    at(owner, MONDAY + timedelta(hours=14, minutes=5))
    stage.work(stage.restart_turns(run))
    late, planned = stage.totals(run), left_out_as_planned(stage)

    found = sent_to_the_others(stage, run)

    assert [(each.reason, each.people) for each in found.counts] == [("missed", 2)]
    assert (late.left_out, late.cancelled) == ({"missed": 1}, {"missed": 1})  # before, and while no worker came
    assert sorted(stage.calls.sent) == ["ada@example.com", "lea@example.com"]
    assert stage.totals(run).accepted == 2
    assert left_out_as_planned(stage) == planned


def test_a_run_that_came_too_late_is_sent_once_a_person_says_so_which_approves_it(
    stage: Stage, owner: Database
) -> None:
    at(owner, MONDAY + timedelta(hours=9))
    stage.apply('schedule: "cron(0 9 ? * MON *)"\n    timezone: Europe/Berlin')
    stage.people("ada")
    run = stage.fire_scheduled(MONDAY + timedelta(hours=7))
    stage.settle()

    found = sent_to_the_others(stage, run)

    assert [(each.reason, each.people) for each in found.counts] == [("missed", 1)]
    assert stage.calls.sent == ["ada@example.com"]
    assert (stage.run(run).state, stage.run(run).approved) == (RunState.FINISHED, stage.run(run).plan_hash)
