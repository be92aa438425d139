"""Suppressions: the contact's row has the present state, under the lock that orders it against sending."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.errors import UniqueViolation

from drumbeat.core.address import Keys
from drumbeat.ledger.database import Database

# What a provider's bounces did is not in this log: it follows from its reports. A person's word takes their place, and
# lifting it lifts them too, and what followed from complaints: what was reported before counts no more.
# Takes the contact's lock: an attempt that is being opened is either before it or sees it. One statement, so that no
# process can be frozen with the lock in its hands. The two keys are locked in key order, as where attempts are opened.
CHANGE = """
    WITH moment AS MATERIALIZED (
        SELECT drumbeat_now() AS now
    ), changed AS (
        INSERT INTO contacts AS c (key, former, suppressed_at, suppression_reason, suppression_kind, reported)
        SELECT i.key, i.former, now, %(reason)s, 'manual',
               CASE WHEN %(lifted)s THEN jsonb_build_object('l', microseconds(now)) ELSE '{}' END
          FROM moment
         CROSS JOIN unnest(%(keys)s::bytea[], %(formers)s::bytea[]) AS i (key, former)
         WHERE NOT %(lifted)s OR EXISTS (SELECT FROM contacts WHERE contacts.key = i.key)
         ORDER BY i.key
            ON CONFLICT (key) DO UPDATE
           SET former = coalesce(c.former, excluded.former),
               suppressed_at = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppressed_at END,
               suppression_reason = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppression_reason END,
               suppression_kind = CASE WHEN %(lifted)s THEN NULL ELSE excluded.suppression_kind END,
               complained_at = CASE WHEN %(lifted)s THEN NULL ELSE c.complained_at END,
               reported = reported_merged(c.reported, excluded.reported)
         WHERE CASE WHEN %(lifted)s THEN (c.suppressed_at IS NOT NULL OR c.complained_at IS NOT NULL)
                                         AND c.suppression_kind IS DISTINCT FROM 'erased'
                    ELSE c.suppressed_at IS NULL OR c.suppression_kind = 'bounce' END
     RETURNING c.key
    ), appended AS (
        INSERT INTO suppressions (contact, seq, reason, actor, lifted, created_at)
        SELECT key, 1 + coalesce((SELECT max(seq) FROM suppressions s WHERE s.contact = changed.key), 0),
               %(reason)s, %(actor)s, %(lifted)s, now
          FROM changed CROSS JOIN moment
    )
    SELECT key FROM changed
"""
CHANGE_RUNS = 5  # for a contact that others change again and again


def change(db: Database, keys: Keys, *, reason: str, actor: str, lifted: bool) -> bool:
    """Suppress a contact, or lift it, and append why; return False when it was so already, or was erased.

    The same is written under the former key, where there is one, for the release before looks at no other.

    Raises psycopg.errors.UniqueViolation when others never stopped changing it.
    """
    parameters = {
        "keys": list(keys.known),
        "formers": [keys.former],  # of the first; the other has none
        "reason": reason,
        "actor": actor,
        "lifted": lifted,
    }
    return bool(appending(lambda: db.run(CHANGE, parameters)))


def appending[T](run: Callable[[], T]) -> T:
    """Run a statement that appends why contacts changed, again where the number of what it appends was taken.

    Raises psycopg.errors.UniqueViolation when others never stopped changing them.
    """
    for _ in range(CHANGE_RUNS - 1):
        # Another may have appended while this one waited for a contact's lock: then nothing was done.
        with suppress(UniqueViolation):
            return run()
    return run()


@dataclass(frozen=True, slots=True)
class SuppressionItem:
    """One suppressed contact. The address is not kept: `contact` is its keyed hash, `person` a random id.

    `since`: where providers reported it, of the newest report. `marketing_only`: they complained, and get other mail.
    """

    person: UUID
    contact: bytes
    reason: str
    actor: str
    since: datetime
    marketing_only: bool


_SUPPRESSED = """
    SELECT c.person, c.key AS contact, coalesce(c.suppressed_at, c.complained_at) AS since,
           concat_ws('; ', c.suppression_reason, CASE WHEN c.complained_at IS NOT NULL THEN 'complaint' END) AS reason,
           c.suppressed_at IS NULL AS marketing_only,
           CASE WHEN c.suppression_kind = 'bounce' OR c.suppressed_at IS NULL THEN 'provider'
                ELSE (SELECT actor FROM suppressions s WHERE s.contact = c.key ORDER BY s.seq DESC LIMIT 1) END AS actor
      FROM contacts c
     WHERE (c.suppressed_at IS NOT NULL OR c.complained_at IS NOT NULL)
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
