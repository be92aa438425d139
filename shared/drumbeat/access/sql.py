"""The api_keys table: who was given a key by whom, and who revoked it. Tokens are never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from drumbeat.access.keys import IN_ROW, ApiKey
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as its owner knows it. Who did it is null where an earlier release did it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str | None
    revoked_at: datetime | None
    revoked_by: str | None


ADD = """
    INSERT INTO api_keys (id, name, scopes, created_by) VALUES (%(id)s, %(name)s, %(scopes)s, %(actor)s)
        ON CONFLICT (id) DO NOTHING
"""

LISTED = """
    SELECT id, name, scopes, created_at, created_by, revoked_at, revoked_by
      FROM api_keys
     WHERE %(at)s::timestamptz IS NULL OR (created_at, id) > (%(at)s, %(id)s::text)
     ORDER BY created_at, id
     LIMIT %(limit)s
"""

# A trigger keeps what the first revocation wrote.
REVOKE = """
    UPDATE api_keys
       SET revoked_at = coalesce(revoked_at, drumbeat_now()),
           revoked_by = CASE WHEN revoked_at IS NULL THEN %(actor)s ELSE revoked_by END
     WHERE id = %(id)s
 RETURNING id
"""

REVOKED = "SELECT 1 FROM api_keys WHERE id = %(id)s AND revoked_at IS NOT NULL"

# A token that verifies proves only that its maker knew the secret. The row proves that the key was made here.
GOOD = "SELECT scopes FROM api_keys WHERE id = %(id)s AND revoked_at IS NULL AND scopes @> %(scopes)s"


def add(db: Database, id: str, name: str, scopes: Collection[str], *, actor: str) -> None:
    """Record a key; harmless to repeat."""
    db.run(ADD, {"id": id, "name": name, "scopes": sorted(set(scopes)), "actor": actor})


def listed(db: Database, *, after: tuple[datetime, str] | None = None, limit: int = 200) -> list[KeyRecord]:
    """Return keys, oldest first; `after`: when the one before them was made, and its id."""
    at, id = after or (None, None)
    rows = db.run(LISTED, {"at": at, "id": id, "limit": limit})
    return [KeyRecord(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]


def revoke(db: Database, id: str, *, actor: str) -> bool:
    """Revoke a key for good; False when no key has that id. The first time stays on record."""
    return bool(db.run(REVOKE, {"id": id, "actor": actor}))


def revoked(db: Database, id: str) -> bool:
    """Return whether a key was revoked."""
    return bool(db.run(REVOKED, {"id": id}))


def good(db: Database, key: ApiKey) -> ApiKey | None:
    """Return a verified key, with what its row alone says; None: revoked, or not made here with its scopes."""
    rows = db.run(GOOD, {"id": key.id, "scopes": sorted(key.scopes)})
    return ApiKey(key.id, key.scopes | (set(IN_ROW) & set(rows[0]["scopes"]))) if rows else None
