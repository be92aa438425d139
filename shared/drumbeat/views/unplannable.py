"""Flows that could not be planned, by cause."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.ledger.database import Database
from drumbeat.views.totals import WINDOW

MOST_CAUSES = 20

# Of the few plans in which a flow failed: what no later version planned, and no person dismissed.
CAUSES = """
    SELECT failed.flow, failed.reason, count(*) AS events, min(events.received_at) AS since,
           min(events.id::text)::uuid AS example
      FROM plans
      JOIN events ON events.id = plans.event_id
     CROSS JOIN LATERAL jsonb_each_text(plans.failed) AS failed (flow, reason)
     WHERE plans.failed <> '{}'
       AND events.received_at >= minute_of(drumbeat_now() - %(window)s::interval)
       AND NOT EXISTS (SELECT
                         FROM replans
                        WHERE replans.event_id = plans.event_id AND replans.flow = failed.flow)
       AND NOT EXISTS (SELECT
                         FROM dismissals
                        WHERE dismissals.event_id = plans.event_id AND failed.flow = ANY (dismissals.flows))
     GROUP BY failed.flow, failed.reason
     ORDER BY events DESC, failed.flow, failed.reason
     LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class UnplannableFlow:
    """Events whose part of a flow could not be planned for the same reason, so that nothing of it was sent."""

    flow: str
    reason: str  # without anything of the payload
    events: int
    since: datetime  # when the oldest of them was received
    example: UUID


def unplannable(db: Database, window: timedelta = WINDOW) -> list[UnplannableFlow]:
    """Summarise what could not be planned of the events received within the window, the commonest cause first."""
    return [UnplannableFlow(**row) for row in db.run(CAUSES, {"window": window, "limit": MOST_CAUSES})]
