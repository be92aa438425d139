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
# A run may be nearly all that a table holds: what there is of others is looked up all the same. Statements have OFFSET
# where Postgres would read a whole table for a chunk of which it expects too much.
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


# The next events, and how much each makes a chunk hold: one that is a run counts with all its recipients, which are
# read when its plan is compared.
EVENTS = """
    SELECT events.id,
           coalesce((SELECT octet_length(body) FROM payloads WHERE event_id = events.id), 0) AS bytes,
           coalesce((SELECT matched FROM run_progress WHERE run_id = events.id), 0) AS people
      FROM events
     WHERE events.id > %(after)s
     ORDER BY events.id
     LIMIT %(most)s
"""
# The next effects and recipients of runs, as far as a chunk may reach. (A statement of its own: how far is known when
# it is planned, so that it reads in the order of ids, and ends.)
ROWS = """
    (SELECT id FROM effects WHERE id > %(after)s AND id <= %(last)s AND of_run ORDER BY id LIMIT %(most)s)
     UNION ALL
    (SELECT encode(substring(contact || decode(repeat('00', 16), 'hex') FOR 16), 'hex')::uuid
       FROM recipients
      WHERE contact > %(low)s AND contact <= %(high)s
      ORDER BY contact
      LIMIT %(most)s)
"""
ROWS_OF_AN_EVENT = 2  # so many rows of a run are as much as an event


def span(db: Database, after: UUID, *, limit: int, bytes: int) -> Span:
    """Return the span of the next events, at most `limit`, that ends at `END` when there are no more.

    It ends as well after so many effects and recipients of runs, or when the events' bodies would fill the memory. What
    a run of a million sends is spread over the spans of its effects' own ids.
    """
    most = limit * ROWS_OF_AN_EVENT
    events = db.run(EVENTS, {"after": after, "most": limit + 1})
    last = events[-1]["id"] if len(events) > limit else END
    rows = db.run(ROWS, {"after": after, "last": last, "low": _end(after), "high": _end(last), "most": most + 1})
    upcoming = [(row["id"], ROWS_OF_AN_EVENT + row["people"], row["bytes"]) for row in events]
    upcoming += [(row["id"], 1, 0) for row in rows]
    upcoming.sort()
    rows_so_far, bytes_so_far = 0, 0
    for place, (_, size, body) in enumerate(upcoming):
        rows_so_far, bytes_so_far = rows_so_far + size, bytes_so_far + body
        if place and (rows_so_far > most or bytes_so_far > bytes):
            return Span(after, upcoming[place - 1][0])
    return Span(after, END)


def _end(id: UUID) -> bytes:
    """Return the last contact of which the first sixteen bytes are those of an id."""
    return id.bytes + b"\xff" * 48


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


def of_ids(columns: LiteralString, also: LiteralString = "") -> LiteralString:
    """Return a query for the effects that are named."""
    return f"SELECT {columns} FROM effects WHERE id = ANY (%(ids)s) {also}"  # noqa: S608 - put together from constants
