"""The runs that the relay goes on with, and when something of them ends by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import FREE, RUN, WAITS


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that goes on by itself. `advances`: it has steps to take before, or beside, its turns."""

    id: UUID
    advances: bool
    resumes: bool  # its pause is over
    forgotten: bool  # it was only planned, long ago
    ends_at: datetime | None  # of its pause, or when a plan is forgotten
    seq: int


# What is left of a run that was paused or has ended is found by its effects, a look for each run that has any: what a
# person has sent again, and outcomes that are looked into.
RUNS = f"""
    WITH RECURSIVE waiting AS (
        (SELECT event_id FROM effects WHERE {FREE} AND {WAITS} ORDER BY {RUN} LIMIT 1)
         UNION ALL
        SELECT (SELECT event_id
                  FROM effects
                 WHERE {FREE} AND {WAITS} AND {RUN} > waiting.event_id
                 ORDER BY {RUN}
                 LIMIT 1)
          FROM waiting
         WHERE waiting.event_id IS NOT NULL
    )
    SELECT runs.id,
           runs.state IN ('expanding', 'cancelled')
           OR (runs.state = 'planned' AND (runs.starts OR plans.event_id IS NULL))
           OR (runs.state = 'awaiting_approval' AND approvals.run_id IS NOT NULL) AS advances,
           runs.state = 'paused' AND coalesce(runs.resumes_at <= drumbeat_now(), false) AS resumes,
           runs.state = 'planned' AND NOT runs.starts AND runs.created_at < drumbeat_now() - %(kept)s AS forgotten,
           CASE runs.state WHEN 'paused' THEN runs.resumes_at
                           WHEN 'planned' THEN runs.created_at + %(kept)s END AS ends_at,
           runs.seq
      FROM runs
      LEFT JOIN plans ON plans.event_id = runs.id
      LEFT JOIN approvals ON approvals.run_id = runs.id
     WHERE (runs.state = 'awaiting_approval' AND approvals.run_id IS NOT NULL)
        OR runs.state IN ('planned', 'expanding', 'running', 'paused')
        OR runs.id IN (SELECT event_id FROM waiting)
     ORDER BY runs.id
"""  # noqa: S608 - put together from constants


def open_runs(db: Database, *, plans_kept: timedelta) -> list[OpenRun]:
    """List the runs that go on by themselves, those with effects left, and plans that were not started for so long."""
    return [OpenRun(**row) for row in db.run(RUNS, {"kept": plans_kept})]
