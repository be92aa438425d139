"""How many people complained of the mails of a run, and how many it was delivered to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.feedback import Kind
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database

CLOCKS = timedelta(days=1)  # a provider's clock may be so far behind
ARRIVED = (Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.COMPLAINED, Kind.UNSUBSCRIBED)
RETURNED = (Kind.BOUNCED, Kind.SOFT_BOUNCED, Kind.BLOCKED, Kind.REFUSED)

RUNS = """
    SELECT DISTINCT effects.event_id AS run
      FROM feedback
      JOIN effects ON effects.id = feedback.effect_id
     WHERE feedback.event_id = ANY (%(events)s) AND feedback.kind = 'complained' AND effects.of_run
     ORDER BY run
"""


def runs_of(db: Database, events: Sequence[UUID]) -> list[UUID]:
    """Return the runs of whose mails these events report complaints."""
    return [row["run"] for row in db.run(RUNS, {"events": list(events)})]


@dataclass(frozen=True, slots=True)
class Judged:
    """A run that people complained of. `delivered`: how many are known to be, from the last time they were counted."""

    run: UUID
    state: RunState
    created_at: datetime
    complaints: int
    delivered: int
    paused_before: bool


# Complaints since the run began are few, whatever else was reported.
COMPLAINTS = """
    SELECT runs.id AS run, runs.state, runs.created_at, progress.delivered,
           (SELECT count(DISTINCT feedback.effect_id)
              FROM feedback
              JOIN effects ON effects.id = feedback.effect_id
             WHERE feedback.kind = 'complained'
               AND feedback.at >= runs.created_at - %(clocks)s
               AND effects.event_id = runs.id) AS complaints,
           EXISTS (SELECT
                     FROM run_journal
                    WHERE run_journal.run_id = runs.id AND to_state = 'paused'
                      AND reason_code = 'complaints') AS paused_before
      FROM runs
      JOIN run_progress progress ON progress.run_id = runs.id
     WHERE runs.id = %(run)s
"""


def complaints(db: Database, run: UUID) -> Judged:
    """Count the people who complained of a run."""
    (row,) = db.run(COMPLAINTS, {"run": run, "clocks": CLOCKS})
    return Judged(**{**row, "state": RunState(row["state"])})


# Where deliveries are reported they are counted; else what was accepted and did not come back.
DELIVERED = """
    WITH reported AS MATERIALIZED (
        SELECT EXISTS (SELECT
                         FROM feedback
                        WHERE feedback.kind = 'delivered'
                          AND feedback.at >= %(since)s - %(clocks)s
                          AND feedback.account IN (SELECT DISTINCT account
                                                     FROM effects
                                                    WHERE effects.id IN (SELECT effect_id
                                                                           FROM feedback
                                                                          WHERE kind = 'complained'
                                                                            AND at >= %(since)s - %(clocks)s)
                                                      AND effects.event_id = %(run)s)) AS so
    ), counted AS (
        SELECT count(*) AS n
          FROM (SELECT
                  FROM effects
                 CROSS JOIN reported
                 WHERE effects.event_id = %(run)s
                   AND CASE WHEN reported.so
                            THEN EXISTS (SELECT FROM feedback
                                          WHERE feedback.effect_id = effects.id AND kind = ANY (%(arrived)s))
                            ELSE effects.status = 'accepted'
                                 AND NOT EXISTS (SELECT FROM feedback
                                                  WHERE feedback.effect_id = effects.id AND kind = ANY (%(returned)s))
                       END
                 LIMIT %(most)s) AS first
    )
    UPDATE run_progress
       SET delivered = greatest(delivered, counted.n)
      FROM counted
     WHERE run_id = %(run)s
 RETURNING counted.n
"""


def count_delivered(db: Database, judged: Judged, *, most: int) -> int:
    """Count the mails of a run that were delivered, up to so many, and note how many that are at least."""
    rows = db.run(
        DELIVERED,
        {
            "run": judged.run,
            "since": judged.created_at,
            "clocks": CLOCKS,
            "arrived": [kind.value for kind in ARRIVED],
            "returned": [kind.value for kind in RETURNED],
            "most": most,
        },
    )
    found: int = rows[0]["n"]
    return found
