"""Lists of events and effects, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from drumbeat.core.errors import Invalid
from drumbeat.core.events import EventType
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.views.derived import CANDIDATES_FOR_ATTENTION, DERIVED, EVENT_STATUSES, REASON

PAGE_SIZE = 50
INVALID_CURSOR = "the cursor is not valid; start again without it"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Some items and where the next ones begin; None: that was all."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class EventItem:
    """One event in a list. The status is derived from its plan and effects."""

    event_id: UUID
    source: str
    idempotency_key: str
    type: str
    door: str
    status: str
    effects: int
    received_at: datetime
    scheduled_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None leaves a field open. `q` matches the id, the key or the source."""

    type: str | None = None
    source: str | None = None
    status: str | None = None
    since: datetime | None = None
    q: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no event can have: an empty answer would look like "there are none"."""
        _one_of("status", self.status, EVENT_STATUSES)
        _one_of("type", self.type, tuple(EventType))


@dataclass(frozen=True, slots=True)
class EffectItem:
    """One effect in a list. `version` is what a decision about it names; `due_at` is None when nothing is due."""

    effect_id: UUID
    event_id: UUID
    flow: str
    step: str
    account: str
    action: str
    status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # the sentence of code and detail
    maybe_sent: bool | None  # it ended, although an earlier attempt may have been carried out; None: not known
    version: int
    generation: int
    tries: int
    attempts: int
    due_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EffectFilter:
    """Which effects; None leaves a field open."""

    id: UUID | None = None
    status: str | None = None
    account: str | None = None
    event: UUID | None = None

    def __post_init__(self) -> None:
        """Refuse a status that no effect can have."""
        _one_of("status", self.status, tuple(Status))


EVENTS = f"""
    SELECT events.id AS event_id, events.source, events.key AS idempotency_key, events.type, events.door,
           derived.status, derived.effects, events.received_at, events.scheduled_at
      FROM events
     CROSS JOIN LATERAL ({DERIVED}) AS derived
     WHERE (%(type)s::text IS NULL OR events.type = %(type)s)
       AND (%(source)s::text IS NULL OR events.source = %(source)s)
       AND (%(since)s::timestamptz IS NULL OR events.received_at >= %(since)s)
       AND (%(q)s::text IS NULL
            OR starts_with(events.id::text, lower(%(q)s))
            OR strpos(lower(events.key), lower(%(q)s)) > 0
            OR strpos(lower(events.source), lower(%(q)s)) > 0)
       AND (%(status)s::text IS NULL OR derived.status = %(status)s)
       -- The rare statuses are searched among their candidates only: not a million events are judged to find three.
       AND (%(status)s IS DISTINCT FROM 'attention' OR events.id IN ({CANDIDATES_FOR_ATTENTION}))
       AND (%(status)s IS DISTINCT FROM 'recorded'
            OR events.recorded_at >= (SELECT planned_until FROM relay_state))
       AND (%(status)s::text IS NULL OR %(status)s NOT IN ('planned', 'in_progress')
            OR events.id IN (SELECT event_id FROM effects WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')))
       AND (%(at)s::timestamptz IS NULL OR (events.received_at, events.id) < (%(at)s, %(id)s::uuid))
     ORDER BY events.received_at DESC, events.id DESC
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def events(db: Database, filter: EventFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[EventItem]:
    """List events, newest first. A cursor stays valid while events arrive. Raises Invalid for another text."""
    at, id = _read_event_cursor(cursor)
    rows = db.run(
        EVENTS,
        {
            "type": filter.type,
            "source": filter.source,
            "status": filter.status,
            "since": filter.since,
            "q": filter.q or None,
            "at": at,
            "id": id,
            "limit": limit + 1,
        },
    )
    items = [EventItem(**row) for row in rows[:limit]]
    return Page(items, _event_cursor(items[-1]) if len(rows) > limit else None)


# In id order: stable while rows change their status and their time.
EFFECTS = f"""
    SELECT effects.id AS effect_id, effects.event_id, effects.flow, effects.step, effects.account, effects.action,
           effects.status, {REASON}, effects.seq AS version, effects.generation, effects.tries,
           (SELECT count(*) FROM attempts WHERE attempts.effect_id = effects.id) AS attempts,
           nullif(effects.due_at, 'infinity') AS due_at, effects.updated_at
      FROM effects
     WHERE (%(id)s::uuid IS NULL OR effects.id = %(id)s)
       AND (%(status)s::text IS NULL OR effects.status = %(status)s)
       AND (%(account)s::text IS NULL OR effects.account = %(account)s)
       AND (%(event)s::uuid IS NULL OR effects.event_id = %(event)s)
       AND (%(after)s::uuid IS NULL OR effects.id > %(after)s)
     ORDER BY effects.id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def effects(
    db: Database, filter: EffectFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EffectItem]:
    """List effects in id order. Raises Invalid for a cursor that is not valid."""
    rows = db.run(
        EFFECTS,
        {
            "id": filter.id,
            "status": filter.status,
            "account": filter.account,
            "event": filter.event,
            "after": _read_effect_cursor(cursor),
            "limit": limit + 1,
        },
    )
    items = [EffectItem(**row) for row in rows[:limit]]
    return Page(items, items[-1].effect_id.hex if len(rows) > limit else None)


def _one_of(name: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise Invalid(f"{name} {value!r} does not exist; use one of {', '.join(allowed)}")


def _event_cursor(item: EventItem) -> str:
    microseconds = (item.received_at - EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}-{item.event_id.hex}"


def _read_event_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    try:
        microseconds, _, id = cursor.partition("-")
        return EPOCH + timedelta(microseconds=int(microseconds)), UUID(id)
    except (ValueError, OverflowError):
        raise Invalid(INVALID_CURSOR) from None


def _read_effect_cursor(cursor: str | None) -> UUID | None:
    try:
        return UUID(cursor) if cursor is not None else None
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
