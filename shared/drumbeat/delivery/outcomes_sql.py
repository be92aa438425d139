"""What earlier outcomes show about an account."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database

ACCEPTED_SINCE = """
    SELECT asked.id
      FROM unnest(%(ids)s::uuid[], %(identities)s::text[], %(sinces)s::timestamptz[]) AS asked (id, identity, since)
     WHERE EXISTS (SELECT
                     FROM outcomes o
                    WHERE o.identity = asked.identity AND o.at >= asked.since AND o.kind IN ('accepted', 'found'))
"""


def accepted_since(db: Database, asked: Sequence[tuple[UUID, str, datetime | None]]) -> Collection[UUID]:
    """Return those of (effect, identity, instant) whose login accepted something since."""
    parameters = {
        "ids": [id for id, _, _ in asked],
        "identities": [identity for _, identity, _ in asked],
        "sinces": [since for _, _, since in asked],
    }
    return {row["id"] for row in db.run(ACCEPTED_SINCE, parameters)}
