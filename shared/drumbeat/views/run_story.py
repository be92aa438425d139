"""One run: where it stands, who approved it, when the people of each zone are mailed, and what was done with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far its work in chunks has come. `again`: of sending once more to those who did not get it; None: no such."""

    chunks: int
    gathered: int
    expanded: int
    again: int | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved which plan. `reason`: None where they gave none."""

    hash: bytes
    actor: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class RunMove:
    """One change of a run's state."""

    seq: int
    from_state: str | None
    to_state: str
    reason_code: str | None
    reason_detail: str | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunHead:
    """A run as it stands. `version` is what a decision about it names."""

    run_id: UUID
    campaign: str
    state: str
    version: int
    config_version: int
    semantics: int
    steps: tuple[str, ...]
    content: bytes
    reason_code: str | None
    reason_detail: str | None
    resumes_at: datetime | None
    starts: bool
    needs_approval: str | None
    scheduled_at: datetime | None
    missed_before: datetime | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    as_of: datetime
    people: int
    odd_zones: int
    came_later: int
    plan_hash: bytes | None
    progress: RunProgress
    approval: Approval | None


HEAD = """
    SELECT runs.id AS run_id, runs.campaign, runs.state, runs.seq AS version, runs.version AS config_version,
           runs.semantics, runs.steps, runs.content, runs.reason_code, runs.reason_detail, runs.resumes_at, runs.starts,
           runs.needs_approval, runs.starts_at AS scheduled_at, runs.missed_before, runs.created_at, runs.created_by,
           runs.updated_at, progress.as_of, progress.matched AS people, progress.odd_zones, progress.came_later,
           plans.hash AS plan_hash, progress.chunks, progress.gathered, progress.expanded, progress.again,
           approvals.hash AS approved, approvals.actor AS approved_by, approvals.at AS approved_at,
           approvals.reason AS approved_why
      FROM runs
      JOIN run_progress progress ON progress.run_id = runs.id
      LEFT JOIN plans ON plans.event_id = runs.id
      LEFT JOIN approvals ON approvals.run_id = runs.id
     WHERE runs.id = %(run)s
"""
JOURNAL = """
    SELECT seq, from_state, to_state, reason_code, reason_detail, actor, at
      FROM run_journal
     WHERE run_id = %(run)s
     ORDER BY seq
"""


def run_head(db: Database, run: UUID) -> RunHead | None:
    """Return a run, None when there is none with this id."""
    rows = db.run(HEAD, {"run": run})
    if not rows:
        return None
    row: dict[str, Any] = rows[0]
    progress = RunProgress(*(row.pop(name) for name in ("chunks", "gathered", "expanded", "again")))
    approval = [row.pop(name) for name in ("approved", "approved_by", "approved_at", "approved_why")]
    return RunHead(
        **row | {"steps": tuple(row["steps"])},
        progress=progress,
        approval=Approval(*approval) if approval[0] is not None else None,
    )


def run_journal(db: Database, run: UUID) -> list[RunMove]:
    """Return the changes of a run's state, in their order."""
    return [RunMove(**row) for row in db.run(JOURNAL, {"run": run})]


@dataclass(frozen=True, slots=True)
class ZoneOfRun:
    """When the people of one zone are mailed. `zone` None: that of the campaign, or its fallback."""

    zone: str | None
    people: int  # of whom some may be left out
    first: datetime
    last: datetime
    mailed: int  # of the people, those whom not every step leaves out
    later: int  # of those, for whom the time has not come
    next: datetime | None  # when it comes for the first of them


# Recipients do not change once they are recorded: all of them are read, once for an answer.
ZONES = """
    WITH now AS MATERIALIZED (
        SELECT drumbeat_now() AS now
    ), people AS (
        SELECT zone, due_at, due_at > now.now AS later,
               coalesce(left_since, left_out) IS NULL
               OR array_position(coalesce(left_since, left_out), NULL) IS NOT NULL AS mailed
          FROM recipients
         CROSS JOIN now
         WHERE run_id = %(run)s
    )
    SELECT zone, count(*) AS people, min(due_at) AS first, max(due_at) AS last,
           count(*) FILTER (WHERE mailed) AS mailed, count(*) FILTER (WHERE mailed AND later) AS later,
           min(due_at) FILTER (WHERE mailed AND later) AS next
      FROM people
     GROUP BY zone
     ORDER BY first, zone NULLS FIRST
"""


def zones_of_run(db: Database, run: UUID) -> list[ZoneOfRun]:
    """Return when the people of a run are mailed, the earliest zone first."""
    return [ZoneOfRun(**row) for row in db.run(ZONES, {"run": run})]
