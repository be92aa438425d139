"""What people do with a run: plan, approve, pause, resume, cancel; and what the opening asks because of it."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from drumbeat.core.errors import ConfigurationChanged, Stale
from drumbeat.core.runs import RunState
from drumbeat.local.servers import Valkey
from drumbeat.runs import control, missing, sql
from drumbeat.runs.advance import advance
from drumbeat.views.run_totals import run_totals
from tests.conftest import TestDatabase
from tests.store.runs.stage import DOCUMENT, TEXT, Stage

PERSON = "person:test"


def at_call(number: int, act: Callable[[], object]) -> Callable[[], None]:
    """Return what acts at one call of the provider."""
    calls = iter(range(1, 1_000))

    def meanwhile() -> None:
        if next(calls) == number:
            act()

    return meanwhile


def some(stage: Stage, number: int) -> list[str]:
    names = [f"p{place:03}" for place in range(number)]
    stage.people(*names)
    return [f"{name}@example.com" for name in names]


def test_after_a_pause_no_attempt_is_opened_until_the_run_is_resumed(stage: Stage) -> None:
    stage.apply()
    everyone = some(stage, 200)
    run = stage.fire()
    stage.calls.meanwhile = at_call(2, lambda: control.pause(run, actor=PERSON, reason="a typo", services=stage))

    stage.settle()
    sent = len(stage.calls.sent)
    paused = stage.totals(run)
    control.resume(run, actor=PERSON, reason="it is none", services=stage)
    stage.settle()

    assert 0 < sent < 200  # what was in flight, and nothing after
    assert (paused.accepted, paused.waiting) == (sent, 200 - sent)
    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED


def test_a_mail_that_was_claimed_before_the_pause_is_put_back(stage: Stage) -> None:
    stage.apply()
    some(stage, 3)
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    claimed = stage.claim(run)

    control.pause(run, actor=PERSON, reason="wait", services=stage)
    stage.carry_out(claimed)

    assert stage.calls.sent == []
    assert stage.totals(run).waiting == 3


def test_a_cancelled_run_sends_nothing_more_and_each_person_has_the_reason(stage: Stage) -> None:
    stage.apply()
    some(stage, 200)
    run = stage.fire()
    stage.calls.meanwhile = at_call(2, lambda: control.cancel(run, actor=PERSON, reason="wrong", services=stage))

    stage.settle()

    sent = len(stage.calls.sent)
    totals = stage.totals(run)
    assert 0 < sent < 200
    assert totals.cancelled == {"run_cancelled": 200 - sent}
    assert stage.run(run).state is RunState.CANCELLED


def test_a_run_that_was_cancelled_while_it_expands_adds_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    stage.apply()
    some(stage, 20)
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    while stage.run(run).expanded < 3:
        stage.step(run)

    control.cancel(run, actor=PERSON, reason="wrong", services=stage)
    stage.settle()

    assert stage.calls.sent == []
    assert stage.totals(run).waiting == 0


def test_a_plan_sends_nothing_until_it_is_started(stage: Stage) -> None:
    stage.apply()
    everyone = some(stage, 3)

    run = stage.fire(plan=True)
    stage.settle()
    planned = stage.run(run)
    control.start(run, actor=PERSON, approves=True, services=stage)
    stage.settle()

    assert (planned.state, planned.plan_hash is not None) == (RunState.PLANNED, True)
    assert sorted(stage.calls.sent) == everyone


def test_a_campaign_that_asks_for_it_waits_for_approval(stage: Stage) -> None:
    stage.apply("approve: true")
    everyone = some(stage, 3)

    run = stage.fire()
    stage.settle()
    waiting = stage.run(run)
    with pytest.raises(Stale, match="hash"):
        control.approve(run, b"\0" * 32, actor=PERSON, services=stage)
    assert waiting.plan_hash is not None
    control.approve(run, waiting.plan_hash, actor=PERSON, services=stage)
    control.approve(run, waiting.plan_hash, actor="person:other", services=stage)  # two people do
    stage.settle()

    assert (waiting.state, waiting.reason_code) == (RunState.AWAITING_APPROVAL, "configured")
    assert sorted(stage.calls.sent) == everyone


def test_what_a_propose_key_asked_for_waits_for_approval(stage: Stage) -> None:
    stage.apply()
    some(stage, 2)

    run = stage.fire(proposed=True)
    stage.settle()

    assert (stage.run(run).state, stage.run(run).reason_code) == (RunState.AWAITING_APPROVAL, "proposed")
    assert stage.calls.sent == []


def test_the_same_content_again_waits_for_approval(stage: Stage) -> None:
    stage.apply()
    some(stage, 2)
    stage.fire("first")
    stage.settle()

    again = stage.fire("second")
    stage.settle()
    stage.apply(subject="Other news")
    other = stage.fire("third")
    stage.settle()

    assert (stage.run(again).state, stage.run(again).reason_code) == (RunState.AWAITING_APPROVAL, "unchanged")
    assert stage.run(other).state is RunState.FINISHED
    assert len(stage.calls.sent) == 4


def test_what_people_were_sent_again_with_is_not_sent_once_more_without_approval(stage: Stage) -> None:
    stage.apply(subject="A typo")
    some(stage, 150)
    run = stage.fire("first")
    stage.calls.meanwhile = at_call(2, lambda: control.cancel(run, actor=PERSON, reason="a typo", services=stage))
    stage.settle()
    stage.apply(subject="No typo")
    found = missing.missing(run, stage)
    missing.send(run, expected=found.total, reason="no typo", actor=PERSON, services=stage)
    stage.settle()

    again = stage.fire("second")
    stage.settle()

    assert (stage.run(again).state, stage.run(again).reason_code) == (RunState.AWAITING_APPROVAL, "unchanged")
    assert len(stage.calls.sent) == 150
    assert str(run)[:8] in next(each for each in stage.warnings_of(again) if "say what those" in each)


def test_a_plan_that_needs_approval_anyway_says_that_the_same_was_sent(stage: Stage) -> None:
    stage.apply("approve: true")
    some(stage, 2)
    first = stage.fire("first")
    stage.settle()
    control.approve(first, stage.run(first).plan_hash or b"", actor=PERSON, services=stage)
    stage.settle()

    again = stage.fire("second", plan=True)
    stage.settle()
    stage.apply("approve: true", subject="Other news")
    other = stage.fire("third", plan=True)
    stage.settle()

    assert [f"run {str(first)[:8]}" in each for each in stage.warnings_of(again)] == [True]
    assert stage.warnings_of(other) == []


def test_an_older_plan_does_not_send_what_a_newer_run_has_sent(stage: Stage) -> None:
    stage.apply()
    everyone = some(stage, 2)
    older = stage.fire("older", plan=True)
    stage.settle()
    stage.fire("newer")
    stage.settle()

    control.start(older, actor=PERSON, approves=True, services=stage)
    stage.settle()

    assert (stage.run(older).state, stage.run(older).reason_code) == (RunState.AWAITING_APPROVAL, "unchanged")
    assert sorted(stage.calls.sent) == everyone


@pytest.mark.parametrize("sent_before", [False, True])
def test_of_runs_that_say_the_same_and_are_decided_at_the_same_moment_one_begins(
    stage: Stage, database: TestDatabase, valkey: Valkey, sent_before: bool
) -> None:
    stage.apply()
    some(stage, 2)
    if sent_before:
        stage.fire("before")
        stage.settle()
        stage.apply(subject="Other news")
    alike = [stage.fire(f"same {number}", plan=True) for number in range(8)]
    stage.settle()
    ready = Barrier(len(alike))

    def start(run: UUID) -> None:
        with Stage.on(database, valkey) as other:
            sql.ask_to_start(other.db, run, actor=PERSON, needs_approval=None)
            ready.wait()
            advance(run, other, lambda: True)

    with ThreadPoolExecutor(len(alike)) as people:
        list(people.map(start, alike))

    states = Counter(stage.run(run).state for run in alike)
    assert states[RunState.AWAITING_APPROVAL] == len(alike) - 1, states


def test_leavers_are_subtracted_joiners_counted_and_only_the_approved_are_mailed(stage: Stage) -> None:
    stage.apply("approve: true", audience="{field: plan, is: trial}")
    stage.people("ada", "bob", "cyd", plan="trial")
    run = stage.fire()
    stage.settle()
    stage.people("bob", plan="paid")
    stage.people("dan", "eve", plan="trial")

    hash = stage.run(run).plan_hash
    assert hash is not None
    control.approve(run, hash, actor=PERSON, services=stage)
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "cyd@example.com"]
    assert stage.totals(run).left_out == {"left_audience": 1}
    assert stage.came_later(run) == 2


def test_a_changed_configuration_stops_an_approved_run_with_the_difference(stage: Stage) -> None:
    stage.apply("approve: true")
    some(stage, 2)
    run = stage.fire()
    stage.settle()
    stage.apply("approve: true", subject="Other news")

    hash = stage.run(run).plan_hash
    assert hash is not None
    with pytest.raises(ConfigurationChanged) as stopped:
        control.approve(run, hash, actor=PERSON, services=stage)

    assert len(stopped.value.differences) == 1
    assert "subject" in stopped.value.differences[0]
    assert stage.run(run).state is RunState.AWAITING_APPROVAL
    assert stage.calls.sent == []


def test_under_a_cap_of_one_of_two_openings_at_once_one_opens(stage: Stage) -> None:
    stage.apply('cap: "1/7d"')
    some(stage, 5)
    first = stage.fire("first")
    stage.settle()
    stage.apply('cap: "1/7d"', subject="Other")

    second = stage.fire("second")
    stage.settle()

    assert len(stage.calls.sent) == 5
    assert stage.totals(first).accepted == 5
    assert stage.totals(second).cancelled == {"capped": 5}


def test_a_plan_says_how_many_people_the_cap_will_leave_out(stage: Stage) -> None:
    stage.apply('cap: "1/7d"')
    some(stage, 3)
    stage.fire("first")
    stage.settle()
    some(stage, 5)
    stage.apply('cap: "1/7d"', subject="Other")

    planned = stage.fire("second", plan=True)
    stage.settle()
    said = stage.warnings_of(planned)
    control.start(planned, actor=PERSON, approves=True, services=stage)
    stage.settle()

    assert said == ["by what was sent so far, the cap stops mails of this run to 3 people"]
    assert stage.totals(planned).cancelled == {"capped": 3}
    assert stage.warnings_of(planned) == []


SECOND_STEP = """
      - id: other
        account: mail
        action: send_email
"""
TO_THE_LIST = f'        with: {{to: "{{{{ lead.email }}}}", list: news, subject: "Two", text: "{TEXT}"}}'
TO_NO_LIST = '        transactional: terms\n        with: {to: "{{ lead.email }}", subject: "Two", text: "Terms"}'


@pytest.mark.parametrize(("other", "stopped", "capped"), [(TO_THE_LIST, 3, 5), (TO_NO_LIST, 2, 2)])
def test_the_cap_of_a_plan_counts_the_mails_of_its_own_steps_that_go_to_a_list(
    stage: Stage, other: str, stopped: int, capped: int
) -> None:
    stage.apply()
    stage.people("ada", "bob")
    stage.fire("first")
    stage.settle()
    stage.people("cyd")
    first = DOCUMENT.format(audience="{list: news}", more='cap: "1/7d"', limits="", subject="One", text=TEXT)
    stage.configure(first.rstrip() + SECOND_STEP + other)

    run = stage.fire("second", plan=True)
    stage.settle()
    said = stage.warnings_of(run)
    control.start(run, actor=PERSON, approves=True, services=stage)
    stage.settle()

    assert sum(step.cancelled.get("capped", 0) for step in run_totals(stage.db, run)) == capped
    assert said == [f"by what was sent so far, the cap stops mails of this run to {stopped} people"]


def test_a_run_that_is_resumed_does_not_hide_what_a_later_one_has_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    stage.apply()
    some(stage, 20)
    older = stage.fire("older")
    stage.work(stage.queue.left.pop(0), left=38.2, passing=0.1)
    while stage.run(older).expanded < 3:
        stage.step(older)
    control.pause(older, actor=PERSON, reason="later", services=stage)
    stage.apply(subject="Other news")
    stage.fire("newer")
    stage.settle()
    control.resume(older, actor=PERSON, reason="now", services=stage)
    stage.settle()

    again = stage.fire("again")
    stage.settle()

    assert stage.run(older).state is RunState.FINISHED
    assert (stage.run(again).state, stage.run(again).reason_code) == (RunState.AWAITING_APPROVAL, "unchanged")


def test_a_word_that_is_said_again_is_taken_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    monkeypatch.setattr(control, "AT_ONCE_SECONDS", -1.0)
    stage.apply()
    some(stage, 20)
    run = stage.fire()
    stage.work(stage.queue.left.pop(0), left=38.2, passing=0.1)
    while stage.run(run).expanded < 3:
        stage.step(run)

    states = []
    for act in (control.pause, control.pause, control.resume, control.resume, control.cancel, control.cancel):
        states.append(act(run, actor=PERSON, reason="said", services=stage).state)

    assert [*map(str, states)] == ["paused", "paused", "expanding", "expanding", "cancelled", "cancelled"]


def test_a_decision_on_an_older_version_is_refused(stage: Stage) -> None:
    stage.apply()
    some(stage, 2)
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    seen = stage.run(run).seq

    control.pause(run, actor=PERSON, reason="first", services=stage, seq=seen)

    with pytest.raises(Stale, match="version"):
        control.cancel(run, actor=PERSON, reason="late", services=stage, seq=seen)
