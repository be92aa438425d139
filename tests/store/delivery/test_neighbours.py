"""One bad thing hurts itself only: its neighbours in a batch end as they would have ended alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, override
from uuid import UUID

import psycopg
import pytest

from drumbeat.core.outcomes import Accepted, LookupResult, Outcome
from drumbeat.delivery import attempts_sql, feedback, planning
from drumbeat.delivery.budget import BYTES_PER_BATCH
from drumbeat.delivery.commits import Commits
from drumbeat.delivery.effects import Closing, Moved
from drumbeat.ledger.database import Database
from drumbeat.planning import payload
from drumbeat.planning.plan import NEVER_ENDS, Plan, plan
from drumbeat.providers.calls import Job
from tests.conftest import TestDatabase
from tests.deadlocks import deadlock
from tests.store.delivery.workers import BODY, Accepting, Worker, effect
from tests.store.reports import report, tell
from tests.store.rows import as_json, claimed, opening, outcomes, pass_time, recorded, status

NEIGHBOURS = 6


class Answering(Accepting):
    """Gives each effect the answer that a test has for it."""

    def __init__(self, answers: dict[UUID, Outcome]) -> None:
        super().__init__()
        self._answers = answers

    @override
    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        super().run(jobs, deadline)
        return [self._answers.get(UUID(job.key.removesuffix("-1")), Accepted("taken")) for job in jobs]


def statuses(db: Database, ids: Sequence[UUID]) -> list[str]:
    return [status(db, id) for id in ids]


# ---------------------------------------------------------------- what the ledger refuses


@pytest.mark.parametrize("bad", ["a\0b", "\ud800"])
def test_an_outcome_that_the_ledger_refuses_costs_no_neighbour_its_own(
    worker: Worker, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    first, *others = (effect(worker.db) for _ in range(1 + NEIGHBOURS))
    worker.calls = Answering({first: Accepted(f"ada@example.com{bad}")})

    worker.deliver(effects=[first, *others])

    assert statuses(worker.db, others) == ["accepted"] * NEIGHBOURS
    assert [outcomes(worker.db, other) for other in others] == [[("answer", "accepted")]] * NEIGHBOURS
    assert status(worker.db, first) == "sending"  # until its lease ends
    (record,) = (record for record in caplog.records if record.message == "not_committed")
    assert record.__dict__["effect_id"] == str(first)
    assert "ada" not in caplog.text


def test_an_opening_that_the_ledger_refuses_costs_no_neighbour_its_attempt(worker: Worker) -> None:
    bad, *others = (claimed(worker.db, effect(worker.db)) for _ in range(1 + NEIGHBOURS))

    opened = Commits([bad, *others], worker).open([opening(bad, identity="a\0b"), *map(opening, others)])

    assert {one.id for one in opened} == {other.id for other in others}
    assert status(worker.db, bad.id) == "claimed"


def test_a_plan_that_the_ledger_refuses_costs_no_neighbour_its_plan(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *others = (recorded(worker.db, body=BODY) for _ in range(1 + NEIGHBOURS))
    spoil(monkeypatch, bad, lambda made: Plan(made.event_id, made.version, (), {"welcome": "a\0b"}, b"hash", 2))

    done = worker.deliver(events=[bad, *others])

    assert done.counts == {"sending": 2 * NEIGHBOURS, "accepted": 2 * NEIGHBOURS}
    assert worker.db.run("SELECT FROM plans WHERE event_id = %s", (bad,)) == []


def test_feedback_that_the_ledger_refuses_costs_no_neighbour_its_own(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = (effect(worker.db) for _ in range(1 + NEIGHBOURS))
    worker.calls = Answering(dict.fromkeys([first, *others], Accepted("\0")))  # none is recorded
    worker.deliver(effects=[first, *others])
    told = tell(worker.db, *(report("delivered", id) for id in (first, *others)), account="one")
    closed = attempts_sql.close_attempts

    def close(db: Database, closings: Sequence[Closing], *, actor: str) -> dict[UUID, Moved]:
        spoilt = [replace(one, identity="a\0b") if one.id == first else one for one in closings]
        return closed(db, spoilt, actor=actor)

    monkeypatch.setattr(attempts_sql, "close_attempts", close)

    feedback.settle(dict.fromkeys(told), worker)

    assert len(worker.db.run("SELECT id FROM outcomes WHERE origin = 'feedback'")) == NEIGHBOURS


# ---------------------------------------------------------------- what cannot be prepared


def test_an_effect_that_cannot_be_prepared_in_no_foreseen_way_is_left_under_its_lease_by_itself(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, *others = (recorded(worker.db, body=BODY) for _ in range(1 + NEIGHBOURS))
    really = payload.read

    def read(event: Any, config: Any) -> Any:
        if event.id == bad:
            raise MemoryError("ada@example.com")
        return really(event, config)

    monkeypatch.setattr("drumbeat.planning.render.read", read)

    done = worker.deliver(events=[bad, *others])

    assert done.counts == {"sending": 2 * NEIGHBOURS, "accepted": 2 * NEIGHBOURS}
    rows = worker.db.run("SELECT id, status FROM effects WHERE event_id = %s", (bad,))
    assert {row["status"] for row in rows} == {"claimed"}
    left = {f"effect:{row['id']}" for row in rows}
    assert set(worker.due_index.times(sorted(left)) or {}) == left
    assert "ada" not in caplog.text


# ---------------------------------------------------------------- locks


@contextmanager
def locked(database: TestDatabase, statement: str, *parameters: object) -> Iterator[None]:
    """Keep rows locked in another session."""
    with psycopg.connect(database.admin_url) as other:
        other.execute(statement.encode(), parameters)
        yield
        other.rollback()


@pytest.fixture
def hasty(worker: Worker) -> Worker:
    """A worker whose statements do not wait for locks for long."""
    worker.db.run("SET lock_timeout = '100ms'")
    return worker


def test_a_contact_that_stays_locked_keeps_only_its_own_effect_waiting(hasty: Worker, database: TestDatabase) -> None:
    first, *others = (effect(hasty.db, contact=name.encode()) for name in "abcdefg")
    with locked(database, "UPDATE contacts SET suppression_reason = NULL WHERE key = %s", b"a"):
        done = hasty.deliver(effects=[first, *others])

    assert done.counts == {"sending": 6, "accepted": 6, "waiting": 1}
    assert statuses(hasty.db, [first, *others]) == ["waiting", *["accepted"] * 6]
    (row,) = hasty.db.run("SELECT crashes, due_at > drumbeat_now() AS later FROM effects WHERE id = %s", (first,))
    assert row == {"crashes": 0, "later": True}


def test_an_effect_that_stays_locked_costs_no_neighbour_its_outcome(hasty: Worker, database: TestDatabase) -> None:
    first, *others = (effect(hasty.db) for _ in range(1 + NEIGHBOURS))
    release = threading.Event()

    class Meanwhile(Accepting):
        @override
        def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
            holder = threading.Thread(target=hold)
            holder.start()
            held.wait(10)
            return super().run(jobs, deadline)

    held = threading.Event()

    def hold() -> None:
        with locked(database, "SELECT FROM effects WHERE id = %s FOR UPDATE", first):
            held.set()
            release.wait(30)

    hasty.calls = Meanwhile()
    hasty.deliver(effects=[first, *others])
    release.set()

    assert statuses(hasty.db, [first, *others]) == ["sending", *["accepted"] * NEIGHBOURS]


def test_an_opening_that_is_the_victim_of_a_deadlock_keeps_only_its_own_effect_waiting(
    worker: Worker, owner: Database
) -> None:
    first, *others = (effect(worker.db) for _ in range(1 + NEIGHBOURS))
    deadlock(owner, "attempts", effect_id=first)

    done = worker.deliver(effects=[first, *others])

    assert done.counts == {"sending": NEIGHBOURS, "accepted": NEIGHBOURS, "waiting": 1}
    assert statuses(worker.db, [first, *others]) == ["waiting", *["accepted"] * NEIGHBOURS]


def test_an_outcome_that_is_the_victim_of_a_deadlock_costs_no_neighbour_its_own(
    worker: Worker, owner: Database
) -> None:
    first, *others = (effect(worker.db) for _ in range(1 + NEIGHBOURS))
    deadlock(owner, "outcomes", effect_id=first)

    worker.deliver(effects=[first, *others])

    assert statuses(worker.db, [first, *others]) == ["sending", *["accepted"] * NEIGHBOURS]


def test_a_plan_that_is_the_victim_of_a_deadlock_costs_no_neighbour_its_plan(worker: Worker, owner: Database) -> None:
    first, *others = (recorded(worker.db, body=BODY) for _ in range(1 + NEIGHBOURS))
    deadlock(owner, "plans", event_id=first)

    worker.deliver(events=[first, *others])

    assert {row["event_id"] for row in worker.db.run("SELECT event_id FROM plans")} == set(others)


# ---------------------------------------------------------------- planning that does not come to its end


class Killed(BaseException):
    """The worker's end, as by SIGKILL."""


def spoil(monkeypatch: pytest.MonkeyPatch, event: UUID, into: Any) -> None:
    """Make something else of one event's plan."""
    monkeypatch.setattr(
        planning, "plan", lambda one, config: into(plan(one, config)) if one.id == event else plan(one, config)
    )


def killing(_: Plan) -> Plan:
    raise Killed


def test_an_event_whose_planning_ends_its_worker_is_taken_alone_and_then_given_up(
    worker: Worker, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer, *others = (recorded(worker.db, body=BODY) for _ in range(1 + NEIGHBOURS))
    spoil(monkeypatch, killer, killing)
    deaths: list[int] = []

    for _ in range(8):  # each time the relay brings all that has no plan
        try:
            worker.deliver(events=[*others, killer])
        except Killed:
            deaths.append(worker.db.run("SELECT count(*)::int AS plans FROM plans")[0]["plans"])
        pass_time(owner, seconds=60)

    # As it arrives, late with its neighbours, and twice alone, when they are planned already.
    assert deaths == [0, 0, NEIGHBOURS, NEIGHBOURS]
    (made,) = worker.db.run("SELECT failed FROM plans WHERE event_id = %s", (killer,))
    assert made["failed"] == {"welcome": NEVER_ENDS}
    assert worker.db.run("SELECT count(*)::int AS n FROM effects WHERE status = 'accepted'") == [{"n": 2 * NEIGHBOURS}]


def test_an_event_that_another_worker_may_be_planning_is_left_to_it(worker: Worker, owner: Database) -> None:
    event = recorded(worker.db, body=BODY)
    pass_time(owner, seconds=60)
    worker.db.run("INSERT INTO planning_starts (event_id, version) VALUES (%s, 1)", (event,))

    done = worker.deliver(events=[event])

    assert done.counts == {}
    assert done.missing == done.left == frozenset()
    assert worker.db.run("SELECT starts FROM planning_starts") == [{"starts": 1}]


def test_late_events_that_end_no_worker_are_planned_together(worker: Worker, owner: Database) -> None:
    events = [recorded(worker.db, body=BODY) for _ in range(NEIGHBOURS)]
    pass_time(owner, seconds=60)

    worker.deliver(events=events)

    assert [len(batch) for batch in worker.calls.batches] == [2 * NEIGHBOURS]


# ---------------------------------------------------------------- bytes


def test_a_batch_holds_no_more_bodies_than_fit_and_nothing_is_left(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "BYTES_PER_BATCH", 2500)
    body = as_json({"type": "LEAD_CAPTURE", "source": "test", "payload": {"much": "x" * 1000}})
    events = [recorded(worker.db, body=body) for _ in range(5)]

    done = worker.deliver(events=events)

    assert [len(batch) for batch in worker.calls.batches] == [4, 4, 2]
    assert done.counts == {"sending": 10, "accepted": 10}


def test_a_claim_takes_no_more_bodies_than_fit_and_nothing_is_left(worker: Worker, owner: Database) -> None:
    effects = [effect(worker.db) for _ in range(3)]
    owner.run("UPDATE payloads SET body = body || %s", (b" " * BYTES_PER_BATCH,))

    done = worker.deliver(effects=effects)

    assert [len(batch) for batch in worker.calls.batches] == [1, 1, 1]
    assert done.counts == {"sending": 3, "accepted": 3}
