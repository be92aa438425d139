"""Who a person is, by the keys of an address, and whether they were erased: nothing else of them is read."""

from collections.abc import Sequence
from uuid import UUID

from drumbeat.ledger.database import Database

# By today's key before the one of the first reading of addresses, as where a person's story is told.
NAMED = """
    SELECT contacts.person
      FROM unnest(%(keys)s::bytea[]) WITH ORDINALITY AS wanted (key, place)
     CROSS JOIN LATERAL (SELECT person FROM contacts WHERE contacts.key = wanted.key OFFSET 0) AS contacts
     ORDER BY wanted.place
     LIMIT 1
"""

KEYS = "SELECT key FROM contacts WHERE person = %(id)s"

ERASED = "SELECT FROM contacts WHERE person = %(id)s AND erased_at IS NOT NULL"


def named(db: Database, keys: Sequence[bytes]) -> UUID | None:
    """Return the id of the person with these keys, today's first; None: nothing names them."""
    rows = db.run(NAMED, {"keys": list(keys)})
    return rows[0]["person"] if rows else None


def keys_of(db: Database, id: UUID) -> tuple[bytes, ...]:
    """Return the keys of a person; none: the id is no one's."""
    return tuple(row["key"] for row in db.run(KEYS, {"id": id}))


def is_erased(db: Database, id: UUID) -> bool:
    """Return whether a person was erased: then they are never mailed again."""
    return bool(db.run(ERASED, {"id": id}))
