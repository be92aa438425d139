"""The parked table: what a revoked caller had buffered, and what a person decided about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumbeat.core.events import Arrival
from drumbeat.ingest.sql import columns
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Choice:
    """Which undecided events are meant: these, those of one API key, or all."""

    events: tuple[UUID, ...] | None = None
    caller: str | None = None


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """One event as a list shows it, without its body."""

    event_id: UUID
    source: str
    key: str
    type: str
    received_at: datetime
    parked_at: datetime
    caller: str


PARK = """
    INSERT INTO parked (event_id, source, key, type, door, fingerprint, scheduled_at, received_at, body, caller)
    SELECT arriving.*, %(caller)s
      FROM unnest(%(ids)s::uuid[], %(sources)s::text[], %(keys)s::text[], %(types)s::text[], %(doors)s::text[],
                  %(fingerprints)s::bytea[], %(scheduled_ats)s::timestamptz[], %(received_ats)s::timestamptz[],
                  %(bodies)s::bytea[])
        AS arriving (id, source, key, type, door, fingerprint, scheduled_at, received_at, body)
     WHERE NOT EXISTS (SELECT FROM events WHERE events.id = arriving.id AND events.fingerprint = arriving.fingerprint)
     ORDER BY arriving.id, arriving.fingerprint
        ON CONFLICT (event_id, fingerprint) DO NOTHING
 RETURNING event_id
"""

_CHOSEN = """
    decision IS NULL
       AND (%(events)s::uuid[] IS NULL OR event_id = ANY (%(events)s))
       AND (%(caller)s::text IS NULL OR caller = %(caller)s)
"""

COUNT = f"SELECT count(*) AS parked FROM parked WHERE {_CHOSEN}"  # noqa: S608 - put together from constants

UNDECIDED_IDS = f"""
    SELECT DISTINCT event_id FROM parked WHERE {_CHOSEN} ORDER BY event_id LIMIT %(limit)s
"""  # noqa: S608

LISTED = """
    SELECT DISTINCT ON (event_id) event_id, source, key, type, received_at, parked_at, caller
      FROM parked
     WHERE decision IS NULL AND (%(after)s::uuid IS NULL OR event_id > %(after)s)
     ORDER BY event_id, fingerprint
     LIMIT %(limit)s
"""

# Decision and events are one commit. A body whose key another body has by now is a conflict of that event.
RELEASE = """
    WITH released AS (
        UPDATE parked
           SET decision = 'released', decided_at = drumbeat_now(), decided_by = %(actor)s, reason = %(reason)s
         WHERE event_id = ANY (%(ids)s) AND decision IS NULL
     RETURNING *
    ), first AS (
        SELECT DISTINCT ON (event_id) * FROM released ORDER BY event_id, received_at, fingerprint
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at)
        SELECT event_id, source, key, type, door, fingerprint, scheduled_at, least(received_at, drumbeat_now())
          FROM first
         ORDER BY event_id
            ON CONFLICT (id) DO NOTHING
     RETURNING id, fingerprint
    ), kept AS (
        INSERT INTO payloads (event_id, body)
        SELECT first.event_id, first.body FROM first JOIN inserted ON inserted.id = first.event_id
    ), apart AS (
        INSERT INTO conflicts (event_id, fingerprint, body, received_at)
        SELECT released.event_id, released.fingerprint, released.body, released.received_at
          FROM released
          LEFT JOIN inserted ON inserted.id = released.event_id
          LEFT JOIN events ON events.id = released.event_id
         WHERE coalesce(inserted.fingerprint, events.fingerprint) <> released.fingerprint
            ON CONFLICT (event_id, fingerprint) DO NOTHING
    )
    SELECT id FROM inserted
"""

DISCARD = f"""
    UPDATE parked
       SET decision = 'discarded', decided_at = drumbeat_now(), decided_by = %(actor)s, reason = %(reason)s
     WHERE {_CHOSEN}
 RETURNING event_id
"""  # noqa: S608


def park(db: Database, arrivals: Sequence[Arrival], *, caller: str) -> int:
    """Keep events under the API key that sent them, each body once; returns how many are new."""
    return len(db.run(PARK, columns(arrivals) | {"caller": caller}))


def count(db: Database, choice: Choice | None = None) -> int:
    """Count what waits for a decision."""
    parked: int = db.run(COUNT, _values(choice or Choice()))[0]["parked"]
    return parked


def undecided_ids(db: Database, choice: Choice, *, limit: int) -> list[UUID]:
    """List the ids of chosen events that wait for a decision."""
    return [row["event_id"] for row in db.run(UNDECIDED_IDS, _values(choice) | {"limit": limit})]


def listed(db: Database, *, after: UUID | None, limit: int) -> list[ParkedEvent]:
    """List what waits for a decision, in the order of ids."""
    return [ParkedEvent(**row) for row in db.run(LISTED, {"after": after, "limit": limit})]


def release(db: Database, ids: Sequence[UUID], *, reason: str, actor: str) -> list[UUID]:
    """Record parked events with their bodies and the decision, in one commit; returns which events are new."""
    return [row["id"] for row in db.run(RELEASE, {"ids": list(ids), "reason": reason, "actor": actor})]


def discard(db: Database, choice: Choice, *, reason: str, actor: str) -> int:
    """Decide that parked events stay out; returns how many."""
    return len(db.run(DISCARD, _values(choice) | {"reason": reason, "actor": actor}))


def _values(choice: Choice) -> dict[str, Any]:
    return {"events": None if choice.events is None else list(choice.events), "caller": choice.caller}
