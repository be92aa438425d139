"""A run adds up: each person of its audience is, for each of its steps, in exactly one place, at every moment.

All numbers are read by one statement, so they belong together. What is not expanded yet is known by how far the run has
come, and not by what is missing: so a person who is nowhere, or twice, shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Where the people of a run are with one step."""

    step: str
    matched: int
    left_out: Mapping[str, int] = field(default_factory=dict)  # by reason
    not_expanded: int = 0
    waiting: int = 0
    in_flight: int = 0  # claimed, being sent, or of unknown outcome
    unknown: int = 0  # those of `in_flight` of which no one can say yet whether they were sent
    held: int = 0
    accepted: int = 0
    refused: int = 0
    refused_for: Mapping[str, int] = field(default_factory=dict)  # by reason: those of `refused`
    cancelled: Mapping[str, int] = field(default_factory=dict)  # by reason

    @property
    def unaccounted(self) -> int:
        """How many people are missing (positive) or too many: 0, always."""
        found = self.not_expanded + self.waiting + self.in_flight + self.held + self.accepted + self.refused
        return self.matched - found - sum(self.left_out.values()) - sum(self.cancelled.values())


# Recipients of the chunks that are not expanded are those from the next chunk's first key on. Of the others only those
# are counted who were left out: once a run is expanded, those who were not are its effects.
TOTALS = """
    WITH run AS MATERIALIZED (
        SELECT runs.id, runs.steps, progress.gathered, progress.chunks, progress.expanded, progress.matched,
               substring(int8send((progress.expanded::bigint * 4294967296) / progress.chunks) FROM 5) AS reached
          FROM runs
          JOIN run_progress progress ON progress.run_id = runs.id
         WHERE runs.id = %(run)s
    ), steps AS MATERIALIZED (
        SELECT step, place FROM run CROSS JOIN LATERAL unnest(steps) WITH ORDINALITY AS s (step, place)
    ), people AS MATERIALIZED (
        SELECT coalesce(left_since, left_out) AS left_out,
               (SELECT expanded < chunks FROM run) AND contact >= (SELECT reached FROM run) AS ahead, count(*) AS n
          FROM recipients
         WHERE run_id = %(run)s AND (left_out IS NOT NULL OR left_since IS NOT NULL)
         GROUP BY 1, 2
         UNION ALL
        SELECT NULL, true, count(*)
          FROM recipients
         WHERE run_id = %(run)s AND left_out IS NULL AND left_since IS NULL
           AND (SELECT expanded < chunks FROM run) AND contact >= (SELECT reached FROM run)
    ), mails AS MATERIALIZED (
        SELECT step, status, CASE WHEN status IN ('cancelled', 'refused') THEN reason_code::text END AS reason,
               count(*) AS n
          FROM effects
         WHERE event_id = %(run)s AND of_run
         GROUP BY 1, 2, 3
    )
    SELECT steps.step, run.matched,
           (SELECT coalesce(jsonb_object_agg(reason, n), '{}')
              FROM (SELECT left_out[steps.place] AS reason, sum(n) AS n
                      FROM people
                     WHERE left_out[steps.place] IS NOT NULL
                     GROUP BY 1) AS reasons) AS left_out,
           (SELECT coalesce(sum(n), 0)::bigint
              FROM people
             WHERE ahead AND left_out[steps.place] IS NULL) AS not_expanded,
           (SELECT coalesce(jsonb_object_agg(status, n), '{}')
              FROM (SELECT status, sum(n) AS n
                      FROM mails
                     WHERE mails.step = steps.step
                     GROUP BY 1) AS by_status) AS mails,
           (SELECT coalesce(jsonb_object_agg(coalesce(reason, 'legacy'), n), '{}')
              FROM mails
             WHERE mails.step = steps.step AND status = 'cancelled') AS cancelled,
           (SELECT coalesce(jsonb_object_agg(coalesce(reason, 'legacy'), n), '{}')
              FROM mails
             WHERE mails.step = steps.step AND status = 'refused') AS refused_for
      FROM run
     CROSS JOIN steps
     ORDER BY steps.place
"""


def run_totals(db: Database, run: UUID) -> list[StepTotals]:
    """Return where a run's people are, by step."""
    found = []
    for row in db.run(TOTALS, {"run": run}):
        mails = {status: int(n) for status, n in row["mails"].items()}
        found.append(
            StepTotals(
                step=row["step"],
                matched=row["matched"],
                left_out=row["left_out"],
                not_expanded=row["not_expanded"],
                waiting=mails.get("waiting", 0),
                in_flight=sum(mails.get(status, 0) for status in ("claimed", "sending", "unknown")),
                unknown=mails.get("unknown", 0),
                held=mails.get("held", 0),
                accepted=mails.get("accepted", 0),
                refused=mails.get("refused", 0),
                refused_for=row["refused_for"],
                cancelled=row["cancelled"],
            )
        )
    return found


# Those that go on, and those that ended lately.
COUNTABLE = """
    SELECT id, seq, state IN ('planned', 'awaiting_approval', 'expanding', 'running', 'paused') AS open
      FROM runs
     WHERE state IN ('planned', 'awaiting_approval', 'expanding', 'running', 'paused')
        OR (state IN ('finished', 'cancelled', 'missed') AND updated_at > drumbeat_now() - interval '1 hour')
     ORDER BY created_at DESC
     LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Countable:
    """A run whose people may be counted. One that has ended has the same people at the same `seq`, but for feedback."""

    id: UUID
    seq: int
    open: bool


def countable(db: Database) -> list[Countable]:
    """Return the newest runs that go on, and those that ended lately."""
    return [Countable(**row) for row in db.run(COUNTABLE)]


def unaccounted_of(db: Database, run: UUID) -> int:
    """Return how many people of a run are nowhere, or twice: 0, always. It reads all of the run."""
    return sum(abs(step.unaccounted) for step in run_totals(db, run))


OPEN_BY_STATE = """
    SELECT state, count(*) AS runs
      FROM runs
     WHERE state IN ('planned', 'awaiting_approval', 'expanding', 'running', 'paused')
     GROUP BY state
"""


def open_by_state(db: Database) -> dict[str, int]:
    """Count the runs that have not ended, by state."""
    return {row["state"]: row["runs"] for row in db.run(OPEN_BY_STATE)}
