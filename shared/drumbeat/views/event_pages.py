"""Lists of events, a page at a time, newest first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.core.events import EventType
from drumbeat.ledger.database import Database
from drumbeat.ledger.unplanned import NO_PLAN, SEARCHED
from drumbeat.views.derived import CANDIDATES_FOR_ATTENTION, DERIVED, EVENT_STATUSES
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Page, one_of

_ID_BEGINS = re.compile("[0-9a-fA-F]{8,32}")


@dataclass(frozen=True, slots=True)
class EventItem:
    """One event in a list. The status is derived from its plan and effects."""

    event_id: UUID
    source: str
    idempotency_key: str
    type: str
    door: str
    status: str
    effects: int  # of a run: its people, for each of its steps
    received_at: datetime
    scheduled_at: datetime | None
    delivery: UUID | None  # of which it is one fact
    recipient: str | None  # an address that its effects are for; None: for none, for many, or not kept


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None leaves a field open.

    `q` finds by the beginning of an id, at least eight digits of it, and by the whole key where `keys` may be seen.
    `contacts`: the keys of a person, whose events are found beside.
    """

    type: str | None = None
    source: str | None = None
    status: str | None = None
    since: datetime | None = None
    q: str | None = None
    keys: bool = True
    contacts: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values that no event can have: an empty answer would look like "there are none"."""
        one_of("status", self.status, EVENT_STATUSES)
        one_of("type", self.type, tuple(EventType))


# One of the addresses that an event's effects are for. (OFFSET makes Postgres look each up.)
_RECIPIENT = """
    SELECT min(leads.address ->> 'v')
      FROM (SELECT contact FROM effects WHERE effects.event_id = events.id AND contact IS NOT NULL OFFSET 0) AS meant
     CROSS JOIN LATERAL (SELECT address FROM leads WHERE leads.contact = meant.contact OFFSET 0) AS leads
"""


def _judged(found: LiteralString) -> LiteralString:
    """Return a page of these events. The status is judged last, one event after another, until the page is full.

    A delivery that was split is no event of a list, as its facts are, unless it needs attention itself. (OFFSET makes
    Postgres look each one up, instead of reading all deliveries there are.)
    """
    return f"""
    SELECT events.id AS event_id, events.source, events.key AS idempotency_key, events.type, events.door,
           derived.status, derived.effects, events.received_at, events.scheduled_at, events.delivery,
           CASE WHEN events.type <> 'CAMPAIGN_TRIGGER' THEN ({_RECIPIENT}) END AS recipient
      FROM ({found}) AS events
     CROSS JOIN LATERAL ({DERIVED}) AS derived
     WHERE (%(status)s::text IS NULL OR derived.status = %(status)s)
       AND (derived.status <> 'done'
            OR NOT EXISTS (SELECT FROM deliveries WHERE deliveries.event_id = events.id OFFSET 0))
     ORDER BY events.received_at DESC, events.id DESC
     LIMIT %(limit)s
    """  # noqa: S608 - put together from constants


def _one_by_one(where: LiteralString) -> LiteralString:
    """Return a page of the events of which this holds."""
    return _judged(f"""
            SELECT *
              FROM events
             WHERE (%(since)s::timestamptz IS NULL OR events.received_at >= %(since)s)
               AND (%(at)s::timestamptz IS NULL OR (events.received_at, events.id) < (%(at)s, %(id)s::uuid))
               AND {where}
             ORDER BY events.received_at DESC, events.id DESC
    """)  # noqa: S608 - put together from constants


_OPEN_EFFECTS = "FROM effects WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')"
_OF_KIND = """
    (%(type)s::text IS NULL OR events.type = %(type)s) AND (%(source)s::text IS NULL OR events.source = %(source)s)
"""
# The rare statuses are searched among their candidates only: not a million events are judged to find three.
# Of the events with effects that are not final, those of whose effects none has begun; the index knows enough.
_UNTOUCHED = """
    CASE WHEN bool_and(effects.status = 'waiting' AND effects.fence = 0)
         THEN count(*) = (SELECT count(*) FROM effects AS every WHERE every.event_id = effects.event_id)
         ELSE false END
"""
_RECORDED = f"SELECT events.id FROM ({SEARCHED}) AS events WHERE {NO_PLAN}"  # noqa: S608 - constants
_PLANNED = f"""
    SELECT event_id {_OPEN_EFFECTS} GROUP BY event_id HAVING {_UNTOUCHED}
     UNION
    SELECT id FROM runs WHERE state IN ('planned', 'awaiting_approval', 'missed')
"""  # noqa: S608 - put together from constants
_IN_PROGRESS = f"""
    SELECT event_id {_OPEN_EFFECTS} GROUP BY event_id HAVING NOT {_UNTOUCHED}
     UNION
    SELECT id FROM runs WHERE state IN ('expanding', 'running', 'paused')
"""  # noqa: S608 - put together from constants
_AMONG: Mapping[str, LiteralString] = {
    "recorded": f"{_OF_KIND} AND events.id = ANY (ARRAY({_RECORDED}))",
    "planned": f"{_OF_KIND} AND events.id = ANY (ARRAY({_PLANNED}))",
    "in_progress": f"{_OF_KIND} AND events.id = ANY (ARRAY({_IN_PROGRESS}))",
    "attention": f"{_OF_KIND} AND events.id = ANY (ARRAY({CANDIDATES_FOR_ATTENTION}))",
}
_CANDIDATES: Mapping[str, LiteralString] = {status: _one_by_one(among) for status, among in _AMONG.items()}

# All, or those that are done: what is under way is left out before it is judged.
_NEWEST = _one_by_one(
    f"(%(status)s IS DISTINCT FROM 'done' OR NOT EXISTS (SELECT {_OPEN_EFFECTS} AND event_id = events.id))"
)

# The sources that there are, each once, by an index.
_SOURCES = """
    sources AS (
        (SELECT source FROM events WHERE %(source)s::text IS NULL ORDER BY source LIMIT 1)
         UNION ALL
        SELECT (SELECT events.source FROM events WHERE events.source > sources.source ORDER BY events.source LIMIT 1)
          FROM sources
         WHERE sources.source IS NOT NULL
    )
"""

# A page of each source and type, of which the newest are shown.
_OF_KINDS = f"""
    WITH RECURSIVE {_SOURCES}, kinds AS (
        SELECT source, type
          FROM (SELECT source FROM sources WHERE source IS NOT NULL
                 UNION ALL
                SELECT %(source)s::text WHERE %(source)s::text IS NOT NULL) AS wanted
         CROSS JOIN unnest(%(types)s::text[]) AS named (type)
    )
    SELECT page.*
      FROM kinds
     CROSS JOIN LATERAL (
        {_one_by_one("events.source = kinds.source AND events.type = kinds.type")}) AS page
     ORDER BY page.received_at DESC, page.event_id DESC
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants

# The events of a person under one key, by an index in the page's order: it costs the same, however many there are.
_OF_PERSON = _judged(f"""
            SELECT named.event_id AS id, named.received_at, events.source, events.key, events.type, events.door,
                   events.scheduled_at, events.delivery
              FROM event_contacts AS named
             CROSS JOIN LATERAL (SELECT * FROM events WHERE events.id = named.event_id OFFSET 0) AS events
             WHERE named.contact = person.contact
               AND named.received_at >= coalesce(%(since)s::timestamptz, '-infinity')
               AND (named.received_at, named.event_id)
                   < (coalesce(%(at)s::timestamptz, 'infinity'),
                      coalesce(%(id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
               AND {_OF_KIND}
             ORDER BY named.received_at DESC, named.event_id DESC
""")  # noqa: S608 - put together from constants

# Few events, found by indexes: those whose id begins so, and the one of each source with that key, for its id follows
# from both.
_LIKE = _one_by_one(
    f"""
    {_OF_KIND}
    AND events.id = ANY (ARRAY(
        SELECT named.id FROM events AS named WHERE named.id >= %(first)s::uuid AND named.id <= %(last)s::uuid
         UNION
        (WITH RECURSIVE {_SOURCES}
         SELECT drumbeat_id(source, %(key)s::text) FROM sources WHERE source IS NOT NULL
          UNION
         SELECT drumbeat_id(%(source)s::text, %(key)s::text))))
    """  # noqa: S608 - put together from constants
)

# A page of each key of the person, and of what has that text as id or key; an event is shown once.
_NAMED = f"""
    SELECT *
      FROM (SELECT page.*
              FROM unnest(%(contacts)s::bytea[]) AS person (contact)
             CROSS JOIN LATERAL ({_OF_PERSON}) AS page
             UNION
            SELECT page.* FROM ({_LIKE}) AS page) AS pages
     ORDER BY received_at DESC, event_id DESC
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants

THESE = _one_by_one("events.id = ANY (%(ids)s::uuid[])")


def events_statement(filter: EventFilter) -> LiteralString:
    """Return the statement whose cost follows what this filter shows."""
    if filter.q or filter.contacts:
        return _NAMED
    if filter.status is not None and filter.status in _CANDIDATES:
        return _CANDIDATES[filter.status]
    return _NEWEST if filter.type is filter.source is None else _OF_KINDS


def events(db: Database, filter: EventFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[EventItem]:
    """List events, newest first. A cursor stays valid while events arrive. Raises Invalid for another text."""
    at, id = _read_event_cursor(cursor)
    first, last = _ids_from(filter.q or "")
    rows = db.run(
        events_statement(filter),
        {
            "type": filter.type,
            "types": [filter.type] if filter.type else list(EventType),
            "source": filter.source,
            "status": filter.status,
            "since": filter.since,
            "contacts": list(filter.contacts),
            "first": first,
            "last": last,
            "key": filter.q if filter.keys else None,
            "at": at,
            "id": id,
            "limit": limit + 1,
        },
    )
    items = [EventItem(**row) for row in rows[:limit]]
    return Page(items, _event_cursor(items[-1]) if len(rows) > limit else None)


def these(db: Database, ids: Sequence[UUID]) -> dict[UUID, EventItem]:
    """Return those of these events that a list may show, by id."""
    unlimited = dict.fromkeys(("since", "at", "id", "status"))
    rows = db.run(THESE, {**unlimited, "ids": list(ids), "limit": len(ids)})
    return {row["event_id"]: EventItem(**row) for row in rows}


def _ids_from(text: str) -> tuple[UUID | None, UUID | None]:
    """Return the first and the last id that begin with a text; it has enough digits to mean few of them."""
    digits = text.replace("-", "")
    if not _ID_BEGINS.fullmatch(digits):
        return None, None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _event_cursor(item: EventItem) -> str:
    return f"{microseconds(item.received_at)}-{item.event_id.hex}"


def _read_event_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    try:
        received_at, _, id = cursor.partition("-")
        return from_microseconds(int(received_at)), UUID(id)
    except (ValueError, OverflowError):
        raise Invalid(INVALID_CURSOR) from None
