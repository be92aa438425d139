"""The events table: recording what arrived, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core.events import Arrival
from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger's result for an arrival."""

    inserted: bool
    fingerprint: bytes  # of the body recorded under its key: the arrival's own, or the one that was first


class Revoked(Exception):
    """The caller's API key was revoked; nothing was recorded."""


# The primary key is the lock: of fifty copies at once one inserts and the others wait for its commit. The last
# column reads the snapshot from before, so that a later repeat needs no second statement.
RECORD = """
    WITH revoked AS (
        SELECT 1 FROM api_keys WHERE id = %(caller)s AND revoked_at IS NOT NULL
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at)
        SELECT %(id)s, %(source)s, %(key)s, %(type)s, %(door)s, %(fingerprint)s, %(scheduled_at)s, %(received_at)s
         WHERE NOT EXISTS (SELECT FROM revoked)
            ON CONFLICT (id) DO NOTHING
     RETURNING id
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, %(body)s FROM inserted
    )
    SELECT %(id)s AS id,
           EXISTS (SELECT FROM revoked) AS revoked,
           EXISTS (SELECT FROM inserted) AS inserted,
           (SELECT fingerprint FROM events WHERE id = %(id)s) AS fingerprint
"""

# As RECORD, for many. In the order of ids, so that two batches that share events cannot wait for each other.
RECORD_ALL = """
    WITH revoked AS (
        SELECT 1 FROM api_keys WHERE id = %(caller)s AND revoked_at IS NOT NULL
    ), arriving AS (
        SELECT *
          FROM unnest(%(ids)s::uuid[], %(sources)s::text[], %(keys)s::text[], %(types)s::text[], %(doors)s::text[],
                      %(fingerprints)s::bytea[], %(scheduled_ats)s::timestamptz[], %(received_ats)s::timestamptz[],
                      %(bodies)s::bytea[])
            AS arriving (id, source, key, type, door, fingerprint, scheduled_at, received_at, body)
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at)
        SELECT id, source, key, type, door, fingerprint, scheduled_at, received_at
          FROM arriving
         WHERE NOT EXISTS (SELECT FROM revoked)
         ORDER BY id
            ON CONFLICT (id) DO NOTHING
     RETURNING id
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, body FROM arriving JOIN inserted USING (id)
    )
    SELECT arriving.id,
           EXISTS (SELECT FROM revoked) AS revoked,
           inserted.id IS NOT NULL AS inserted,
           events.fingerprint
      FROM arriving
      LEFT JOIN inserted ON inserted.id = arriving.id
      LEFT JOIN events ON events.id = arriving.id
"""

FINGERPRINTS = "SELECT id, fingerprint FROM events WHERE id = ANY (%(ids)s)"

KEEP = """
    INSERT INTO conflicts (event_id, fingerprint, body, received_at)
    SELECT * FROM unnest(%(ids)s::uuid[], %(fingerprints)s::bytea[], %(bodies)s::bytea[],
                         %(received_ats)s::timestamptz[])
        ON CONFLICT (event_id, fingerprint) DO NOTHING
 RETURNING event_id
"""


def record(db: Database, arrival: Arrival, *, caller: str | None = None) -> Recorded:
    """Record an event with its body in one commit, unless its key was used before.

    Raises:
        Revoked: the API key `caller` was revoked.
        psycopg.OperationalError: Postgres is unreachable; whether the event was recorded is then unknown.
    """
    rows = db.run(
        RECORD,
        {
            "caller": caller,
            "id": arrival.id,
            "source": arrival.source,
            "key": arrival.key,
            "type": arrival.type,
            "door": arrival.door,
            "fingerprint": arrival.fingerprint,
            "scheduled_at": arrival.scheduled_at,
            "received_at": arrival.received_at,
            "body": arrival.body,
        },
    )
    return _recorded(db, [arrival], rows)[arrival.id]


def record_all(db: Database, arrivals: Sequence[Arrival], *, caller: str | None = None) -> dict[UUID, Recorded]:
    """Record events of different ids in one statement and commit; raises as `record` does."""
    if not arrivals:
        return {}
    rows = db.run(
        RECORD_ALL,
        {
            "caller": caller,
            "ids": [arrival.id for arrival in arrivals],
            "sources": [arrival.source for arrival in arrivals],
            "keys": [arrival.key for arrival in arrivals],
            "types": [arrival.type for arrival in arrivals],
            "doors": [arrival.door for arrival in arrivals],
            "fingerprints": [arrival.fingerprint for arrival in arrivals],
            "scheduled_ats": [arrival.scheduled_at for arrival in arrivals],
            "received_ats": [arrival.received_at for arrival in arrivals],
            "bodies": [arrival.body for arrival in arrivals],
        },
    )
    return _recorded(db, arrivals, rows)


def keep_conflicts(db: Database, arrivals: Sequence[Arrival]) -> int:
    """Keep the bodies that came too late for their keys, each once; returns how many are new."""
    if not arrivals:
        return 0
    return len(
        db.run(
            KEEP,
            {
                "ids": [arrival.id for arrival in arrivals],
                "fingerprints": [arrival.fingerprint for arrival in arrivals],
                "bodies": [arrival.body for arrival in arrivals],
                "received_ats": [arrival.received_at for arrival in arrivals],
            },
        )
    )


def _recorded(db: Database, arrivals: Sequence[Arrival], rows: Sequence[Row]) -> dict[UUID, Recorded]:
    if any(row["revoked"] for row in rows):
        raise Revoked
    first = {row["id"]: row["fingerprint"] for row in rows}
    inserted = {row["id"] for row in rows if row["inserted"]}
    # A copy that was committed while our statement waited for it is not in our snapshot, but in the next one.
    unseen = [id for id, fingerprint in first.items() if fingerprint is None and id not in inserted]
    if unseen:
        first |= {row["id"]: row["fingerprint"] for row in db.run(FINGERPRINTS, {"ids": unseen})}
    return {
        arrival.id: Recorded(
            inserted=arrival.id in inserted,
            fingerprint=arrival.fingerprint if arrival.id in inserted else first[arrival.id],
        )
        for arrival in arrivals
    }
