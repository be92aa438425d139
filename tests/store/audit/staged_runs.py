"""Runs of a campaign on a real ledger, each taken to where a test wants it, and a way to spoil what is recorded."""

from collections.abc import Callable
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from drumbeat.audit import verify
from drumbeat.audit.violations import Violation
from drumbeat.core.runs import RunState
from drumbeat.delivery.planning import plan_events
from drumbeat.ledger.database import Database
from drumbeat.runs import control
from tests.store.runs.stage import Stage

PERSON = "person:test"
NAMES = tuple(f"p{number}" for number in range(9))
# What the rows of people say of their consent, as if it had come by events.
RECORDED = """
    INSERT INTO consents (contact, list, event_id, kind, by_person, at, recorded_at)
    SELECT key, 'news', (fact ->> 2)::uuid, fact ->> 1, true, said.at, said.at
      FROM contacts
     CROSS JOIN LATERAL (SELECT consents #> '{news,d}' AS fact) AS newest
     CROSS JOIN LATERAL (SELECT timestamptz 'epoch' + (fact ->> 0)::bigint * interval '1 microsecond' AS at) AS said
     WHERE fact IS NOT NULL
        ON CONFLICT DO NOTHING
"""


def corrupt(owner: Database, sql: LiteralString, *parameters: object, least: int = 1) -> None:
    """Change what the rules of the schema forbid to change: so many rows at least."""
    with psycopg.connect(owner.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(sql, parameters).rowcount >= least


def populated(stage: Stage, owner: Database, *names: str, more: str = "") -> None:
    """Apply the campaign, and let these people agree to its list."""
    stage.apply(more)
    stage.people(*(names or NAMES))
    corrupt(owner, RECORDED)


def found(stage: Stage, limit: int = 500) -> list[Violation]:
    """Verify the whole ledger."""
    items: list[Violation] = []
    after: UUID | None = UUID(int=0)
    while after is not None:
        chunk = verify(stage, after=after, limit=limit)
        items += chunk.items
        after = chunk.next
    return items


def kinds(stage: Stage) -> list[str]:
    return [item.kind for item in found(stage)]


# ---------------------------------------------------------------- runs, as far as a test wants them


def begun(stage: Stage, steps: int = 0, **said: Any) -> UUID:
    """Begin a run, and take so many steps of it."""
    run = stage.fire(**said)
    stage.queue.left.clear()
    plan_events([run], stage)
    for _ in range(steps):
        stage.step(run)
    return run


def planned(stage: Stage) -> UUID:
    run = begun(stage, plan=True)
    while stage.run(run).plan_hash is None:
        stage.step(run)
    return run


def awaiting(stage: Stage) -> UUID:
    run = begun(stage, proposed=True)
    while stage.run(run).state is RunState.PLANNED:
        stage.step(run)
    return run


def expanding(stage: Stage, chunks: int = 2) -> UUID:
    run = begun(stage)
    while stage.run(run).expanded < chunks:
        stage.step(run)
    return run


def running(stage: Stage) -> UUID:
    run = begun(stage)
    while stage.run(run).state is not RunState.RUNNING:
        stage.step(run)
    return run


def in_flight(stage: Stage) -> UUID:
    run = running(stage)
    stage.claim(run)
    return run


def paused(stage: Stage) -> UUID:
    run = expanding(stage)
    stage.carry_out(stage.claim(run))
    control.pause(run, actor=PERSON, reason="wait", services=stage)
    return run


def resumed(stage: Stage) -> UUID:
    run = paused(stage)
    control.resume(run, actor=PERSON, reason="go on", services=stage)
    stage.settle()
    return run


def approved(stage: Stage) -> UUID:
    run = awaiting(stage)
    hash = stage.run(run).plan_hash
    assert hash is not None
    control.approve(run, hash, actor=PERSON, services=stage)
    stage.settle()
    return run


def finished(stage: Stage) -> UUID:
    run = stage.fire()
    stage.settle()
    return run


def cancelled(stage: Stage) -> UUID:
    run = paused(stage)
    control.cancel(run, actor=PERSON, reason="wrong", services=stage)
    stage.settle()
    return run


def cancelled_unapproved(stage: Stage) -> UUID:
    run = awaiting(stage)
    control.cancel(run, actor=PERSON, reason="wrong", services=stage)
    stage.settle()
    return run


HEALTHY: tuple[tuple[RunState, Callable[[Stage], UUID]], ...] = (
    (RunState.PLANNED, begun),
    (RunState.PLANNED, lambda stage: begun(stage, 2)),
    (RunState.PLANNED, planned),
    (RunState.AWAITING_APPROVAL, awaiting),
    (RunState.EXPANDING, expanding),
    (RunState.RUNNING, running),
    (RunState.RUNNING, in_flight),
    (RunState.PAUSED, paused),
    (RunState.FINISHED, resumed),
    (RunState.FINISHED, approved),
    (RunState.FINISHED, finished),
    (RunState.CANCELLED, cancelled),
    (RunState.CANCELLED, cancelled_unapproved),
)
