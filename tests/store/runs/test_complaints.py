"""A run pauses and stops by the complaints about its mails, and its owner is told once."""

import logging
from uuid import UUID, uuid4

import pytest

from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.runs import complaints, control
from tests.store.runs.stage import Stage

PERSON = "person:test"
REPORT = """
    WITH mails AS (
        SELECT id, generation, row_number() OVER (ORDER BY id) AS place FROM effects WHERE event_id = %(run)s
    ), events AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        SELECT gen_random_uuid(), 'reports', %(kind)s || place, 'FEEDBACK', 'webhook', '', drumbeat_now()
          FROM mails
         WHERE place > %(after)s AND place <= %(until)s
     RETURNING id, key
    )
    INSERT INTO feedback (account, name, event_id, kind, word, said, at, effect_id, generation, machine)
    SELECT 'mail', %(kind)s || place, events.id, %(kind)s, %(kind)s, '', drumbeat_now(), mails.id, mails.generation,
           false
      FROM mails
      JOIN events ON events.key = %(kind)s || mails.place
 RETURNING event_id
"""


def report(owner: Database, run: UUID, kind: str, until: int, after: int = 0) -> list[UUID]:
    """Record that the provider reported this of some mails of a run; return the events."""
    rows = owner.run(REPORT, {"run": run, "kind": kind, "until": until, "after": after})
    return [row["event_id"] for row in rows]


def under_way(stage: Stage, people: int) -> UUID:
    """Return a run of so many that still sends."""
    stage.apply(limits=", limits: [1/h]")
    stage.people(*(f"p{place:05}" for place in range(people)))
    run = stage.fire()
    stage.settle(6)
    assert stage.run(run).state is RunState.RUNNING
    return run


@pytest.mark.parametrize(
    ("delivered", "complained", "state"),
    [
        (1_500, 1, RunState.RUNNING),  # 0.07 %
        (1_200, 2, RunState.PAUSED),  # 0.17 % of more than a thousand
        (900, 2, RunState.RUNNING),  # 0.2 %, but of few, and by two
        (1_300, 3, RunState.PAUSED),  # 0.23 %
        (1_000, 3, RunState.PAUSED),  # 0.3 %, and not above
        (999, 3, RunState.CANCELLED),
        (100, 3, RunState.CANCELLED),
        (100, 1, RunState.RUNNING),
    ],
)
def test_a_run_goes_on_is_paused_or_stopped_by_the_rate_of_complaints(
    stage: Stage, owner: Database, delivered: int, complained: int, state: RunState
) -> None:
    run = under_way(stage, 1_600)
    report(owner, run, "delivered", delivered)

    stopped = complaints.judge(report(owner, run, "complained", complained), stage)

    assert stage.run(run).state is state
    assert stopped == ([] if state is RunState.RUNNING else [run])
    if stopped:
        detail = f"{complained:,} of {delivered:,} delivered"
        assert (stage.run(run).reason_code, stage.run(run).reason_detail) == ("complaints", detail)


def test_the_owner_is_told_once_and_a_person_who_resumes_it_has_the_word(
    stage: Stage, owner: Database, caplog: pytest.LogCaptureFixture
) -> None:
    run = under_way(stage, 1_600)
    report(owner, run, "delivered", 1_300)
    first = report(owner, run, "complained", 3)

    again = [complaints.judge(first, stage) for _ in range(2)]
    control.resume(run, actor=PERSON, reason="they are competitors", services=stage)
    after = complaints.judge(first, stage)

    assert (again, after) == ([[run], []], [])
    told = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [each.message for each in told] == ["run_stopped_by_complaints"]
    assert stage.run(run).state is RunState.RUNNING


def test_a_resumed_run_is_stopped_once_there_are_far_too_many(stage: Stage, owner: Database) -> None:
    run = under_way(stage, 1_600)
    report(owner, run, "delivered", 1_300)
    complaints.judge(report(owner, run, "complained", 3), stage)
    control.resume(run, actor=PERSON, reason="go on", services=stage)

    stopped = complaints.judge(report(owner, run, "complained", 5, after=3), stage)
    stage.settle(5)

    assert (stopped, stage.run(run).state) == ([run], RunState.CANCELLED)
    assert stage.totals(run).waiting == 0


def test_who_complains_twice_counts_once(stage: Stage, owner: Database) -> None:
    run = under_way(stage, 1_600)
    report(owner, run, "delivered", 1_200)
    report(owner, run, "complained", 1)
    owner.run("UPDATE feedback SET name = 'again-' || name WHERE kind = 'complained'")

    twice = report(owner, run, "complained", 0) + report_again(owner, run)

    assert complaints.judge(twice, stage) == []


def report_again(owner: Database, run: UUID) -> list[UUID]:
    rows = owner.run(
        "WITH e AS (INSERT INTO events (id, source, key, type, door, fingerprint, received_at)"
        " VALUES (%(id)s, 'reports', 'twice', 'FEEDBACK', 'webhook', '', drumbeat_now()) RETURNING id)"
        " INSERT INTO feedback SELECT account, 'twice', e.id, kind, word, said, at, effect_id, generation, reference,"
        " link, machine FROM feedback, e WHERE kind = 'complained' RETURNING event_id",
        {"id": uuid4()},
    )
    return [row["event_id"] for row in rows]


def test_where_no_deliveries_are_reported_what_was_accepted_counts(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people(*(f"p{place:03}" for place in range(150)))
    run = stage.fire()
    stage.calls.meanwhile = lambda: None
    stage.work(stage.queue.left.pop(0))
    stage.carry_out(stage.claim(run))

    stopped = complaints.judge(report(owner, run, "complained", 3), stage)

    assert stopped == [run]
    assert stage.run(run).reason_detail == "3 of 100 delivered"


def test_a_run_that_has_ended_is_left_as_it_is(stage: Stage, owner: Database) -> None:
    stage.apply()
    stage.people("ada", "bob", "cyd")
    run = stage.fire()
    stage.settle()
    report(owner, run, "delivered", 3)

    assert complaints.judge(report(owner, run, "complained", 3), stage) == []
    assert stage.run(run).state is RunState.FINISHED


def test_the_plan_of_the_next_run_says_that_people_complained_of_the_last_once_it_had_ended(
    stage: Stage, owner: Database
) -> None:
    stage.apply()
    stage.people(*(f"p{place:03}" for place in range(200)))
    last = stage.fire("last")
    stage.settle()
    assert stage.run(last).state is RunState.FINISHED
    report(owner, last, "delivered", 200)
    assert complaints.judge(report(owner, last, "complained", 2), stage) == []
    stage.apply(subject="Other")
    few = stage.fire("few", plan=True)
    stage.settle()
    before = stage.warnings_of(few)

    assert complaints.judge(report(owner, last, "complained", 3, after=2), stage) == []
    after = stage.warnings_of(few)

    assert before == []
    assert ["3 of 200 delivered" in each for each in after] == [True]
