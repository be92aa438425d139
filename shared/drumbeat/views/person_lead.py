"""What is known of one person, as the texts of mails see it: the lead alone, without what happened."""

from collections.abc import Sequence
from uuid import UUID

from drumbeat.core.leads import Lead, lead_of
from drumbeat.ledger.database import Database

LEAD = """
    SELECT leads.address ->> 'v' AS address, leads.attributes
      FROM unnest(%(keys)s::bytea[] || ARRAY(SELECT key FROM contacts WHERE person = %(id)s::uuid)) AS wanted (key)
     CROSS JOIN LATERAL (SELECT address, attributes FROM leads WHERE leads.contact = wanted.key OFFSET 0) AS leads
     LIMIT 1
"""


def lead(db: Database, *, keys: Sequence[bytes] = (), id: UUID | None = None) -> Lead | None:
    """Return the lead of an address, by its keys, or of a person's id; None: there is none."""
    rows = db.run(LEAD, {"keys": list(keys), "id": id})
    return lead_of(rows[0]["address"], rows[0]["attributes"]) if rows else None
