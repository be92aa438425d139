"""A person who is erased is mailed by no run any more, and nothing of what they were sent is left."""

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.campaigns import firing
from drumbeat.core.address import contact_key
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.outcomes import Accepted, Outcome, Refused, Unknown
from drumbeat.core.runs import RunState
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.people import erasure
from drumbeat.runs import control, missing
from tests.conftest import TestDatabase
from tests.store.audit.staged_runs import (
    PERSON,
    RECORDED,
    awaiting,
    corrupt,
    expanding,
    finished,
    found,
    paused,
    planned,
    running,
)
from tests.store.people.erasing import MARK, everything, marks
from tests.store.runs.stage import Stage

ADDRESS = f"{MARK}@example.com"
OTHERS = ("ada", "bob", "cyd")


@pytest.fixture
def stage(
    database: TestDatabase, owner: Database, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A campaign about to be sent to four people, of whom one asks to be erased."""
    monkeypatch.setenv("MAIL_KEY", "secret")
    with Stage.on(database, valkey) as stage:
        stage.apply()
        stage.people(MARK, *OTHERS)
        corrupt(owner, RECORDED)
        yield stage


def erased(stage: Stage) -> erasure.Erased:
    return erasure.erase(ADDRESS, actor=PERSON, services=stage)


def sent_to_others(stage: Stage) -> bool:
    return sorted(stage.calls.sent) == [f"{name}@example.com" for name in OTHERS]


def go_on(stage: Stage, run: UUID) -> None:
    stage.queue.notify(events=[run])
    stage.settle()


def of_person(stage: Stage) -> list[tuple[str, str | None, bool | None]]:
    """Return how the person's mails of runs ended: status, reason, whether it may have been sent."""
    rows = stage.db.run(
        "SELECT status, reason_code, maybe_sent FROM effects WHERE contact = %s",
        (contact_key(stage.contact_secret, ADDRESS),),
    )
    return [(row["status"], row["reason_code"], row["maybe_sent"]) for row in rows]


def test_in_a_run_that_is_under_way_what_waits_for_the_person_ends_and_the_others_are_mailed(
    stage: Stage, owner: Database
) -> None:
    run = running(stage)

    erased(stage)
    at_once = of_person(stage)
    go_on(stage, run)

    assert at_once == of_person(stage) == [("cancelled", "erased", False)]
    assert sent_to_others(stage)
    assert stage.totals(run).cancelled == {"erased": 1}
    assert stage.run(run).state is RunState.FINISHED
    assert (marks(owner), found(stage)) == ([], [])


def test_what_a_worker_has_claimed_for_the_person_is_not_sent(stage: Stage, owner: Database) -> None:
    run = running(stage)
    claimed = stage.claim(run)

    erased(stage)
    stage.carry_out(claimed)

    assert sent_to_others(stage)
    assert of_person(stage) == [("cancelled", "erased", False)]
    assert (marks(owner), found(stage)) == ([], [])


def test_of_a_run_that_has_finished_nothing_of_what_was_sent_to_the_person_is_left(
    stage: Stage, owner: Database
) -> None:
    def answer(address: str) -> Outcome:
        return Refused(f"no mailbox {ADDRESS}") if address == ADDRESS else Accepted("taken")

    stage.calls.answer = answer
    run = finished(stage)
    before = {row.partition(":")[0] for row in marks(owner)}
    others = [row for row in everything(owner) if row.startswith("requests") and MARK not in row]

    erased(stage)

    assert {"leads", "requests"} <= before
    assert marks(owner) == []
    assert len(others) == 3
    assert [row for row in everything(owner) if row.startswith("requests")] == others
    assert stage.totals(run).refused == 1
    assert found(stage) == []


def test_of_what_is_unknown_the_end_is_learned_and_nothing_is_sent_again(stage: Stage, owner: Database) -> None:
    stage.calls.answer = lambda address: Unknown("lost") if address == ADDRESS else Accepted("taken")
    run = running(stage)
    stage.carry_out(stage.claim(run))
    sent = len(stage.calls.sent)

    erased(stage)
    corrupt(owner, "UPDATE effects SET due_at = drumbeat_now() WHERE status = 'unknown'")
    at_once = (of_person(stage)[0][0], found(stage))
    go_on(stage, run)

    assert at_once == ("unknown", [])
    assert len(stage.calls.sent) == sent
    assert of_person(stage) == [("cancelled", "erased", True)]
    assert (marks(owner), found(stage)) == ([], [])


@pytest.mark.parametrize("make", [planned, awaiting, paused, expanding])
def test_a_run_that_goes_on_afterwards_does_not_mail_the_person(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch, make: Callable[[Stage], UUID]
) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 1)
    run = make(stage)
    stage.calls.sent.clear()

    erased(stage)
    match stage.run(run).state:
        case RunState.PLANNED:
            control.start(run, actor=PERSON, approves=True, services=stage)
        case RunState.AWAITING_APPROVAL:
            hash = stage.run(run).plan_hash
            assert hash is not None
            control.approve(run, hash, actor=PERSON, services=stage)
        case RunState.PAUSED:
            control.resume(run, actor=PERSON, reason="go on", services=stage)
    go_on(stage, run)

    assert ADDRESS not in stage.calls.sent
    assert stage.run(run).state is RunState.FINISHED
    stage.totals(run)
    assert (marks(owner), found(stage)) == ([], [])


def test_the_statistics_of_a_run_stay(stage: Stage) -> None:
    run = finished(stage)
    before = stage.totals(run)

    erased(stage)

    assert stage.totals(run) == before


def test_it_is_said_before_what_would_go_of_runs(stage: Stage) -> None:
    run = running(stage)
    waiting = erasure.preview(ADDRESS, stage)
    go_on(stage, run)
    sent = erasure.preview(ADDRESS, stage)

    erased(stage)
    after = erasure.preview(ADDRESS, stage)

    assert [(held.requests, held.unfinished) for held in (waiting, sent, after)] == [(0, 1), (1, 0), (0, 0)]


def test_a_run_that_the_person_started_goes_on_without_their_name(stage: Stage, owner: Database) -> None:
    campaign = stage.configuration(1).by(SEMANTICS).campaigns["digest"]
    arrival = firing.run_by_hand(campaign, f"for {ADDRESS}", actor=f"person:{ADDRESS}", now=stage.clock.now())
    ingest_sql.record(stage.db, arrival)
    go_on(stage, arrival.id)

    erased(stage)

    assert [row for row in marks(owner) if row.startswith(("events", "payloads", "leads", "requests"))] == []
    (row,) = stage.db.run("SELECT convert_from(body, 'UTF8') AS body FROM payloads WHERE event_id = %s", (arrival.id,))
    assert json.loads(row["body"])["payload"]["triggeredBy"] == "person:[address]"
    assert stage.totals(arrival.id).accepted == 4
    assert found(stage) == []


def test_why_a_run_was_sent_to_who_did_not_get_it_is_kept_with_no_one_else(stage: Stage, owner: Database) -> None:
    run = running(stage)
    control.cancel(run, actor=PERSON, reason="a typo", services=stage)
    stage.settle()
    total = missing.missing(run, stage).total
    missing.send(run, expected=total, reason=f"{ADDRESS} asked why nothing came", actor=PERSON, services=stage)
    stage.settle()

    erased(stage)

    assert marks(owner) == []
    reasons = owner.run("SELECT DISTINCT reason_detail FROM journal WHERE reason_code = 'decided'")
    assert reasons == [{"reason_detail": "[address] asked why nothing came"}]


def test_what_people_wrote_about_runs_is_kept_without_addresses(stage: Stage, owner: Database) -> None:
    run = running(stage)
    control.pause(run, actor=PERSON, reason=f"{ADDRESS} complained on the phone", services=stage)
    plan = stage.db.run("SELECT hash FROM plans WHERE event_id = %s", (run,))[0]["hash"]
    owner.run("INSERT INTO approvals VALUES (%s, %s, %s, now(), %s)", (run, plan, PERSON, f"{ADDRESS} waits for it"))

    erased(stage)

    assert marks(owner) == []
    details = owner.run("SELECT reason_detail FROM run_journal WHERE to_state = 'paused'")
    assert details == [{"reason_detail": "[address] complained on the phone"}]
    assert owner.run("SELECT reason FROM approvals") == [{"reason": "[address] waits for it"}]
