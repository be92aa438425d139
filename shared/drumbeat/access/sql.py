"""The api_keys table: who was given a key, and whether it was revoked. Tokens are never stored."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as its owner knows it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


ADD = """
    INSERT INTO api_keys (id, name, scopes) VALUES (%(id)s, %(name)s, %(scopes)s)
        ON CONFLICT (id) DO NOTHING
"""

ALL = "SELECT id, name, scopes, created_at, revoked_at FROM api_keys ORDER BY created_at, id"

REVOKE = """
    UPDATE api_keys
       SET revoked_at = coalesce(revoked_at, drumbeat_now())
     WHERE id = %(id)s
 RETURNING id
"""

REVOKED = "SELECT 1 FROM api_keys WHERE id = %(id)s AND revoked_at IS NOT NULL"


def add(db: Database, id: str, name: str, scopes: Collection[str]) -> None:
    """Record a key; harmless to repeat."""
    db.run(ADD, {"id": id, "name": name, "scopes": sorted(scopes)})


def all(db: Database) -> list[KeyRecord]:
    """Return every key, oldest first."""
    return [KeyRecord(**{**row, "scopes": tuple(row["scopes"])}) for row in db.run(ALL)]


def revoke(db: Database, id: str) -> bool:
    """Revoke a key for good; False when no key has that id. The first time stays on record."""
    return bool(db.run(REVOKE, {"id": id}))


def revoked(db: Database, id: str) -> bool:
    """Return whether a key was revoked."""
    return bool(db.run(REVOKED, {"id": id}))
