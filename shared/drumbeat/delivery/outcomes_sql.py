"""What earlier outcomes show about an account."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database

# Two accounts may have one login by different credentials, so the account has to be the same; and an attempt that was
# under way at that instant says nothing about what its credentials may do since.
ACCEPTED_SINCE = """
    SELECT asked.id
      FROM unnest(%(ids)s::uuid[], %(accounts)s::text[], %(identities)s::text[], %(sinces)s::timestamptz[])
        AS asked (id, account, identity, since)
     WHERE EXISTS (SELECT
                     FROM outcomes o
                     JOIN attempts a ON a.effect_id = o.effect_id AND a.n = o.n
                     JOIN effects e ON e.id = o.effect_id
                    WHERE o.identity = asked.identity AND o.at >= asked.since AND o.kind = 'accepted'
                      AND o.origin = 'answer'
                      AND a.opened_at >= asked.since
                      AND e.account = asked.account)
"""


@dataclass(frozen=True, slots=True)
class Denial:
    """An effect whose credentials were refused again, and when they were the time before."""

    effect: UUID
    account: str
    identity: str
    before: datetime


def accepted_since(db: Database, denials: Sequence[Denial]) -> Collection[UUID]:
    """Return the effects whose account accepted another, in an attempt that began after their denial before."""
    parameters = {
        "ids": [each.effect for each in denials],
        "accounts": [each.account for each in denials],
        "identities": [each.identity for each in denials],
        "sinces": [each.before for each in denials],
    }
    return {row["id"] for row in db.run(ACCEPTED_SINCE, parameters)}
