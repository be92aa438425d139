"""The newest event of each source: whether what should come does come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.events import EventType
from drumbeat.ledger.database import Database

# Of each source and type the first entry of an index: as little is read of a source that sends much as of any other.
NEWEST = """
    SELECT DISTINCT ON (wanted.source) wanted.source, found.id AS event_id, found.type, found.received_at
      FROM unnest(%(sources)s::text[]) AS wanted (source)
     CROSS JOIN unnest(%(types)s::text[]) AS known (type)
     CROSS JOIN LATERAL (SELECT id, type, received_at
                           FROM events
                          WHERE events.source = wanted.source AND events.type = known.type
                          ORDER BY events.received_at DESC, events.id DESC
                          LIMIT 1) AS found
     ORDER BY wanted.source, found.received_at DESC, found.id DESC
"""


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The newest event of one source."""

    source: str
    event_id: UUID
    type: str
    received_at: datetime


def last_events(db: Database, sources: Sequence[str]) -> dict[str, LastEvent]:
    """Return the newest event of each of these sources that has one."""
    rows = db.run(NEWEST, {"sources": list(sources), "types": [each.value for each in EventType]})
    return {row["source"]: LastEvent(**row) for row in rows}
