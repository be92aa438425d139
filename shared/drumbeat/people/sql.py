"""Suppressions: the contact's row has the present state, under the lock that orders it against sending."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database

# Takes the contact's lock: an attempt that is being opened is either before it or sees it.
UPDATE_CONTACT = """
    INSERT INTO contacts AS c (key, suppressed_at, suppression_reason)
    SELECT %(key)s, drumbeat_now(), %(reason)s
     WHERE NOT %(lifted)s OR EXISTS (SELECT FROM contacts WHERE key = %(key)s)
        ON CONFLICT (key) DO UPDATE
       SET suppressed_at = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppressed_at END,
           suppression_reason = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppression_reason END
     WHERE (c.suppressed_at IS NOT NULL) = %(lifted)s
 RETURNING key
"""

# A statement of its own: under the lock it sees the row of the transaction that held the lock before.
APPEND = """
    INSERT INTO suppressions (contact, seq, reason, actor, lifted)
    SELECT %(key)s, coalesce(max(seq), 0) + 1, %(reason)s, %(actor)s, %(lifted)s
      FROM suppressions
     WHERE contact = %(key)s
"""


def change(db: Database, key: bytes, *, reason: str, actor: str, lifted: bool) -> bool:
    """Suppress a contact, or lift it, and append why; return False when it was so already."""
    parameters = {"key": key, "reason": reason, "actor": actor, "lifted": lifted}
    with db.transaction():
        changed = bool(db.run(UPDATE_CONTACT, parameters))
        if changed:
            db.run(APPEND, parameters)
    return changed


@dataclass(frozen=True, slots=True)
class SuppressionItem:
    """One suppressed contact. The address is not kept: `contact` is its keyed hash, `person` a random id."""

    person: UUID
    contact: bytes
    reason: str
    actor: str
    since: datetime


LIST = """
    SELECT c.person, c.key AS contact, c.suppression_reason AS reason, newest.actor, c.suppressed_at AS since
      FROM contacts c
      JOIN LATERAL (SELECT actor FROM suppressions s WHERE s.contact = c.key ORDER BY s.seq DESC LIMIT 1) AS newest
           ON true
     WHERE c.suppressed_at IS NOT NULL
       AND (%(after)s::bytea IS NULL OR c.key > %(after)s)
     ORDER BY c.key
     LIMIT %(limit)s
"""


def suppressed(db: Database, *, after: bytes | None, limit: int) -> list[SuppressionItem]:
    """List suppressed contacts in key order."""
    return [SuppressionItem(**row) for row in db.run(LIST, {"after": after, "limit": limit})]
