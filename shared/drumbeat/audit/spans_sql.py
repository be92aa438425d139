"""Spans: the ledger in chunks of ids, each of which is read as it was at one instant."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from drumbeat.ledger.database import Database

START = UUID(int=0)
END = UUID(int=2**128 - 1)

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# A run may be nearly all that a table holds: what its other events have is looked up all the same.
LOOK_UP = "SET LOCAL enable_seqscan = off"


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Run all statements inside on the ledger as it was at the first of them; nothing is locked."""
    with db.transaction():
        db.run(SNAPSHOT)
        db.run(LOOK_UP)
        yield


@dataclass(frozen=True, slots=True)
class Span:
    """The ids after `after` up to and including `last`. Spans follow each other without a gap over all ids there are.

    Ids are hashes, so a span of event ids stands for as large a part of any other kind of id. Contacts belong to the
    span of their first sixteen bytes.
    """

    after: UUID
    last: UUID

    @property
    def bounds(self) -> Mapping[str, UUID]:
        """The parameters of statements over a span."""
        return {"after": self.after, "last": self.last}


# A chunk ends after so many events, and effects and recipients of runs, or when the bodies would fill the memory. An
# event that is a run counts with all its recipients: they are read when its plan is compared. What a run of a million
# sends is spread over the spans of its effects' own ids.
BOUNDS = """
    WITH upcoming AS MATERIALIZED (
        SELECT events.id, coalesce(octet_length(payloads.body), 0) AS size,
               %(event)s + coalesce(progress.matched, 0) AS rows
          FROM events
          LEFT JOIN payloads ON payloads.event_id = events.id
          LEFT JOIN run_progress progress ON progress.run_id = events.id
         WHERE events.id > %(after)s
         ORDER BY events.id
         LIMIT %(most)s / %(event)s + 1
    ), reach AS MATERIALIZED (
        SELECT CASE WHEN (SELECT count(*) FROM upcoming) > %(most)s / %(event)s
                    THEN (SELECT id FROM upcoming ORDER BY id DESC LIMIT 1) ELSE %(end)s END AS last
    ), found AS (
        SELECT id, size, rows FROM upcoming
         UNION ALL
        (SELECT id, 0, 1
           FROM effects
          WHERE id > %(after)s AND id <= (SELECT last FROM reach) AND of_run
          ORDER BY id
          LIMIT %(most)s + 1)
         UNION ALL
        (SELECT encode(substring(contact || decode(repeat('00', 16), 'hex') FOR 16), 'hex')::uuid, 0, 1
           FROM recipients
          WHERE contact > uuid_send(%(after)s) || decode(repeat('ff', 48), 'hex')
            AND contact <= (SELECT uuid_send(last) || decode(repeat('ff', 48), 'hex') FROM reach)
          ORDER BY contact
          LIMIT %(most)s + 1)
    )
    SELECT id, sum(size) OVER so_far - size < %(bytes)s AND sum(rows) OVER so_far - rows < %(most)s AS fits
      FROM found
    WINDOW so_far AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
     ORDER BY id, fits DESC
"""
ROWS_OF_AN_EVENT = 2  # so many rows of a run are as much as an event


def span(db: Database, after: UUID, *, limit: int, bytes: int) -> Span:
    """Return the span of the next events, at most `limit`, that ends at `END` when there are no more."""
    most = limit * ROWS_OF_AN_EVENT
    rows = db.run(BOUNDS, {"after": after, "end": END, "event": ROWS_OF_AN_EVENT, "most": most, "bytes": bytes})
    taken = [row["id"] for row in rows if row["fits"]]
    return Span(after, taken[-1] if len(taken) < len(rows) else END)


# Which contacts are of a span.
CONTACTS: LiteralString = """
    contact > uuid_send(%(after)s) || decode(repeat('ff', 48), 'hex')
    AND contact <= uuid_send(%(last)s) || decode(repeat('ff', 48), 'hex')
"""


def effects_of_events(columns: LiteralString, also: LiteralString = "") -> LiteralString:
    """Return a query for what events of a span have that are no runs."""
    return f"""
        SELECT found.*
          FROM (SELECT id
                  FROM events
                 WHERE id > %(after)s AND id <= %(last)s AND NOT EXISTS (SELECT FROM runs WHERE runs.id = events.id)
                OFFSET 0) AS spanned
         CROSS JOIN LATERAL (SELECT {columns} FROM effects WHERE event_id = spanned.id {also} OFFSET 0) AS found
    """  # noqa: S608 - put together from constants


def effects_of_runs(columns: LiteralString, also: LiteralString = "") -> LiteralString:
    """Return a query for effects of runs: each is in the span of its own id."""
    return f"""
        SELECT {columns}
          FROM effects
         WHERE id > %(after)s AND id <= %(last)s AND EXISTS (SELECT FROM runs WHERE runs.id = effects.event_id) {also}
    """  # noqa: S608 - put together from constants


def effects_of_span(columns: LiteralString, also: LiteralString = "") -> LiteralString:
    """Return a query for all effects of a span; each effect there is belongs to one."""
    return f"{effects_of_events(columns, also)} UNION ALL {effects_of_runs(columns, also)}"
