"""Suppressions: the contact's row has the present state, under the lock that orders it against sending."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.ledger.database import Database

# Takes the contact's lock: an attempt that is being opened is either before it or sees it.
UPDATE_CONTACT = """
    INSERT INTO contacts AS c (key, former, suppressed_at, suppression_reason)
    SELECT %(key)s, %(former)s, drumbeat_now(), %(reason)s
     WHERE NOT %(lifted)s OR EXISTS (SELECT FROM contacts WHERE key = %(key)s)
        ON CONFLICT (key) DO UPDATE
       SET former = coalesce(c.former, excluded.former),
           suppressed_at = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppressed_at END,
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


def change(db: Database, key: bytes, former: bytes | None, *, reason: str, actor: str, lifted: bool) -> bool:
    """Suppress a contact, or lift it, and append why; return False when it was so already.

    The same is written under the former key, where there is one, for the release before looks at no other. The two are
    locked in key order, as where attempts are opened.
    """
    changed = False
    with db.transaction():
        for each in sorted(one for one in (key, former) if one is not None):
            parameters = {"key": each, "former": former if each == key else None, "reason": reason, "lifted": lifted}
            if db.run(UPDATE_CONTACT, parameters):
                db.run(APPEND, {"key": each, "reason": reason, "actor": actor, "lifted": lifted})
                changed = True
    return changed


@dataclass(frozen=True, slots=True)
class SuppressionItem:
    """One suppressed contact. The address is not kept: `contact` is its keyed hash, `person` a random id."""

    person: UUID
    contact: bytes
    reason: str
    actor: str
    since: datetime


_SUPPRESSED = """
    SELECT c.person, c.key AS contact, c.suppression_reason AS reason, newest.actor, c.suppressed_at AS since
      FROM contacts c
      JOIN LATERAL (SELECT actor FROM suppressions s WHERE s.contact = c.key ORDER BY s.seq DESC LIMIT 1) AS newest
           ON true
     WHERE c.suppressed_at IS NOT NULL
"""
_NEXT_PAGE = "AND (%(after)s::bytea IS NULL OR c.key > %(after)s) ORDER BY c.key LIMIT %(limit)s"
LIST = f"{_SUPPRESSED} {_NEXT_PAGE}"


def suppressed(db: Database, *, after: bytes | None, limit: int) -> list[SuppressionItem]:
    """List suppressed contacts in key order."""
    return [SuppressionItem(**row) for row in db.run(LIST, {"after": after, "limit": limit})]


# No index leads from a contact to its effects, since nothing else asks: this reads every effect once.
UNMATCHED = f"""
    {_SUPPRESSED}
       AND NOT EXISTS (SELECT FROM effects WHERE effects.contact = c.key)
       AND NOT EXISTS (SELECT FROM contacts later WHERE later.former = c.key)
    {_NEXT_PAGE}
"""  # noqa: S608 - put together from constants


def unmatched(db: Database, *, after: bytes | None, limit: int) -> list[SuppressionItem]:
    """List, in key order, suppressed contacts that no effect was ever planned for, under no reading of the address."""
    return [SuppressionItem(**row) for row in db.run(UNMATCHED, {"after": after, "limit": limit})]


FIND = f"{_SUPPRESSED} AND c.key = ANY (%(keys)s)"


def find(db: Database, keys: Collection[bytes]) -> dict[bytes, SuppressionItem]:
    """Return those of these contacts that are suppressed, by key."""
    return {row["contact"]: SuppressionItem(**row) for row in db.run(FIND, {"keys": list(keys)})}
