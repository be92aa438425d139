"""The events table: recording what arrived, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from drumbeat.access.keys import ApiKey
from drumbeat.core import ids
from drumbeat.core.events import Arrival
from drumbeat.ledger.database import Database, Row


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger's result for an arrival."""

    event: UUID  # the arrival's own id, or that of the event which the release before recorded for the same delivery
    inserted: bool
    fingerprint: bytes  # of the body recorded under its key: the arrival's own, or the one that was first


class Revoked(Exception):
    """The caller's API key was revoked, or never made here; nothing was recorded."""


# The primary key is the lock: of fifty copies at once one inserts and the others wait for its commit. The last
# column reads the snapshot from before, so that a later repeat needs no second statement.
# Nothing is received after it is recorded: a process whose clock is ahead makes nothing newer than what comes next.
RECORD = """
    WITH revoked AS (
        SELECT
         WHERE %(caller)s::text IS NOT NULL
           AND NOT EXISTS (SELECT FROM api_keys
                            WHERE id = %(caller)s AND revoked_at IS NULL AND scopes @> %(scopes)s::text[])
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at, trace)
        SELECT %(id)s, %(source)s, %(key)s, %(type)s, %(door)s, %(fingerprint)s, %(scheduled_at)s,
               least(%(received_at)s, drumbeat_now()), %(trace)s
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

# As RECORD, for many. In the order of ids, so that two batches that share events cannot wait for each other. They
# stay as far apart as they came, also where their clock was ahead.
_RECORDING = """
    WITH revoked AS (
        SELECT
         WHERE %(caller)s::text IS NOT NULL
           AND NOT EXISTS (SELECT FROM api_keys
                            WHERE id = %(caller)s AND revoked_at IS NULL AND scopes @> %(scopes)s::text[])
    ), arriving AS (
        SELECT id, source, key, type, door, fingerprint, scheduled_at,
               received_at - greatest(max(received_at) OVER () - (SELECT drumbeat_now()), interval '0') AS received_at,
               body, trace
          FROM unnest(%(ids)s::uuid[], %(sources)s::text[], %(keys)s::text[], %(types)s::text[], %(doors)s::text[],
                      %(fingerprints)s::bytea[], %(scheduled_ats)s::timestamptz[], %(received_ats)s::timestamptz[],
                      %(bodies)s::bytea[], %(traces)s::bytea[])
            AS arriving (id, source, key, type, door, fingerprint, scheduled_at, received_at, body, trace)
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at, trace)
        SELECT id, source, key, type, door, fingerprint, scheduled_at, received_at, trace
          FROM arriving
         WHERE NOT EXISTS (SELECT FROM revoked)
         ORDER BY id
            ON CONFLICT (id) DO NOTHING
     RETURNING id
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, body FROM arriving JOIN inserted USING (id)
    )
"""
_RESULTS = """
    SELECT arriving.id,
           EXISTS (SELECT FROM revoked) AS revoked,
           inserted.id IS NOT NULL AS inserted,
           events.fingerprint
      FROM arriving
      LEFT JOIN inserted ON inserted.id = arriving.id
      LEFT JOIN events ON events.id = arriving.id
"""
RECORD_ALL = f"{_RECORDING}{_RESULTS}"

# As RECORD, for a delivery that the release before knows by another id: an event that was recorded under that id, with
# the same fingerprint, is this one. `event_known_as` locks the id until the commit, so that the release before cannot
# record it meanwhile; afterwards it finds the alias.
RECORD_DELIVERY = """
    WITH earlier AS MATERIALIZED (
        SELECT event_known_as(%(former_id)s, %(fingerprint)s) AS id
    ), inserted AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, scheduled_at, received_at, trace)
        SELECT %(id)s, %(source)s, %(key)s, %(type)s, %(door)s, %(fingerprint)s, %(scheduled_at)s,
               least(%(received_at)s, drumbeat_now()), %(trace)s
          FROM earlier
         WHERE earlier.id IS NULL
            ON CONFLICT (id) DO NOTHING
     RETURNING id
    ), kept AS (
        INSERT INTO payloads (event_id, body) SELECT id, %(body)s FROM inserted
    ), aliased AS (
        INSERT INTO event_aliases (id, event_id) SELECT %(former_id)s, id FROM inserted
    )
    SELECT %(id)s AS id,
           coalesce(earlier.id, %(id)s) AS event,
           false AS revoked,
           EXISTS (SELECT FROM inserted) AS inserted,
           CASE WHEN earlier.id IS NULL THEN (SELECT fingerprint FROM events WHERE id = %(id)s)
                ELSE %(fingerprint)s END AS fingerprint
      FROM earlier
"""

# The events that have these ids, and those that have them as aliases and hold the same body.
KNOWN = """
    SELECT asked.id, known.event, false AS inserted, known.fingerprint
      FROM unnest(%(ids)s::uuid[], %(fingerprints)s::bytea[]) AS asked (id, fingerprint)
     CROSS JOIN LATERAL (
        SELECT id AS event, fingerprint FROM events WHERE id = asked.id
         UNION ALL
        SELECT events.id, events.fingerprint
          FROM event_aliases JOIN events ON events.id = event_aliases.event_id
         WHERE event_aliases.id = asked.id AND events.fingerprint = asked.fingerprint
     ) AS known
"""

KEEP = """
    INSERT INTO conflicts (event_id, fingerprint, body, received_at)
    SELECT * FROM unnest(%(ids)s::uuid[], %(fingerprints)s::bytea[], %(bodies)s::bytea[],
                         %(received_ats)s::timestamptz[])
        ON CONFLICT (event_id, fingerprint) DO NOTHING
 RETURNING event_id
"""


def record(db: Database, arrival: Arrival, *, caller: ApiKey | None = None) -> Recorded:
    """Record an event with its body in one commit, unless its key was used before.

    Raises:
        Revoked: the API key `caller` was revoked, or never made here with these scopes.
        psycopg.OperationalError: Postgres is unreachable; whether the event was recorded is then unknown.
    """
    values: dict[str, Any] = {
        "id": arrival.id,
        "source": arrival.source,
        "key": arrival.key,
        "type": arrival.type,
        "door": arrival.door,
        "fingerprint": arrival.fingerprint,
        "scheduled_at": arrival.scheduled_at,
        "received_at": arrival.received_at,
        "body": arrival.body,
        "trace": arrival.trace,
    }
    if arrival.former_key is None:
        rows = db.run(RECORD, values | _caller(caller))
    else:  # a webhook: no API key calls
        rows = db.run(RECORD_DELIVERY, values | {"former_id": ids.event_id(arrival.source, arrival.former_key)})
    return _recorded(db, [arrival], rows)[arrival.id]


def record_all(
    db: Database,
    arrivals: Sequence[Arrival],
    *,
    caller: ApiKey | None = None,
    statement: LiteralString = RECORD_ALL,
    values: Mapping[str, Any] | None = None,
) -> dict[UUID, Recorded]:
    """Record events of different ids and one key each in one statement and commit; raises as `record` does.

    Another `statement` is one that `recording_with` made, and takes more `values`.
    """
    if not arrivals:
        return {}
    return _recorded(db, arrivals, db.run(statement, {**columns(arrivals), **_caller(caller), **(values or {})}))


def recording_with(changes: LiteralString) -> LiteralString:
    """Return the statement that records many events and, in the same commit, changes what else they change.

    The changes are parts of its WITH, each after a comma; `inserted` has the ids that are new, `arriving` all columns.
    """
    return f"{_RECORDING}{changes}{_RESULTS}"


def columns(arrivals: Sequence[Arrival]) -> dict[str, Any]:
    """Return arrivals as the arrays that a statement takes, a column each."""
    return {
        "ids": [arrival.id for arrival in arrivals],
        "sources": [arrival.source for arrival in arrivals],
        "keys": [arrival.key for arrival in arrivals],
        "types": [arrival.type for arrival in arrivals],
        "doors": [arrival.door for arrival in arrivals],
        "fingerprints": [arrival.fingerprint for arrival in arrivals],
        "scheduled_ats": [arrival.scheduled_at for arrival in arrivals],
        "received_ats": [arrival.received_at for arrival in arrivals],
        "bodies": [arrival.body for arrival in arrivals],
        "traces": [arrival.trace for arrival in arrivals],
    }


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


def _caller(key: ApiKey | None) -> dict[str, Any]:
    return {"caller": key and key.id, "scopes": sorted(key.scopes) if key else []}


def _recorded(db: Database, arrivals: Sequence[Arrival], rows: Sequence[Row]) -> dict[UUID, Recorded]:
    if any(row["revoked"] for row in rows):
        raise Revoked
    read = {row["id"]: row for row in rows}
    # What was committed while our statement waited for it is not in our snapshot, but in the next one; what has this id
    # as an alias is found by it alone.
    unseen = [one for one in arrivals if not read[one.id]["inserted"] and read[one.id]["fingerprint"] is None]
    if unseen:
        asked = {"ids": [one.id for one in unseen], "fingerprints": [one.fingerprint for one in unseen]}
        read |= {row["id"]: row for row in db.run(KNOWN, asked)}
    return {one.id: _result(one, read[one.id]) for one in arrivals}


def _result(arrival: Arrival, row: Row) -> Recorded:
    fingerprint = arrival.fingerprint if row["inserted"] else row["fingerprint"]
    return Recorded(row.get("event", arrival.id), row["inserted"], fingerprint)
