"""Whether a person has left a list since an event: how consent stands in their contact's row."""

from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database

# As `consent_state`, of the same two facts. It reads without the row's lock: what is recorded under the key that names
# the withdrawal is later than that one, whatever is recorded meanwhile.
WITHDRAWAL = """
    SELECT (newest.fact ->> 2)::uuid AS event
      FROM events e
      JOIN contacts c ON c.key = %(contact)s
     CROSS JOIN LATERAL (
        SELECT fact
          FROM (VALUES (c.consents #> ARRAY[%(list)s::text, 'd']), (c.consents #> '{*,d}')) AS facts (fact)
         WHERE fact IS NOT NULL
         ORDER BY (fact ->> 0)::bigint DESC, fact ->> 1 = 'withdrawn' DESC
         LIMIT 1) AS newest
     WHERE e.id = %(id)s
       AND newest.fact ->> 1 = 'withdrawn'
       AND (newest.fact ->> 0)::bigint >= microseconds(e.received_at)
       AND (newest.fact ->> 0)::bigint < microseconds(%(before)s)
"""


def withdrawal(db: Database, event: UUID, *, contact: bytes, list: str, before: datetime) -> UUID | None:
    """Return the event by which a person left a list, after another event and before an instant; None: they have not.

    None as well where they came back since, by whatever means.
    """
    rows = db.run(WITHDRAWAL, {"id": event, "contact": contact, "list": list, "before": before})
    return rows[0]["event"] if rows else None
