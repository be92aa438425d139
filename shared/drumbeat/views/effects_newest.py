"""Lists of effects, a page at a time: those first that changed their status last."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.errors import Invalid
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database, Row
from drumbeat.views.counts import COUNTED_EFFECTS
from drumbeat.views.effect_pages import INDEXED, EffectFilter, EffectItem, these
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Page
from drumbeat.views.run_effects import page_of_run

FEW = 2_000  # effects, that are all looked up to find the newest
LOOKED_AT = 10_000  # changes of status, for one page

_CURSOR = re.compile("([0-9]{1,17})-([0-9a-f]{32})", re.ASCII)

# Some effects of a status, account by account: as many as there are, or more than are few. Each index is of certain
# statuses.
_OF_STATUS = f"""
    (SELECT found.id
       FROM (SELECT DISTINCT account FROM ({COUNTED_EFFECTS}) AS counted
              WHERE %(account)s::text IS NULL OR account = %(account)s) AS accounts
      CROSS JOIN LATERAL (SELECT id
                            FROM effects
                           WHERE status = '{{status}}' AND {{indexed}} AND effects.account = accounts.account
                           ORDER BY id
                           LIMIT %(more)s) AS found)
"""  # noqa: S608 - put together from constants


def _some(statuses: Iterable[Status]) -> LiteralString:
    found = "UNION ALL".join(_OF_STATUS.format(status=each, indexed=INDEXED[each]) for each in statuses)
    return f"SELECT id FROM ({found}) AS found LIMIT %(more)s"  # noqa: S608 - put together from constants


SOME: Mapping[str | None, LiteralString] = {None: _some(Status)} | {each.value: _some([each]) for each in Status}
SOME_OF_EVENT = "SELECT id FROM effects WHERE event_id = %(event)s LIMIT %(more)s"

_MEANT = """
    (%(status)s::text IS NULL OR effects.status = %(status)s)
    AND (%(account)s::text IS NULL OR effects.account = %(account)s)
    AND (%(event)s::uuid IS NULL OR effects.event_id = %(event)s)
    AND (%(id)s::uuid IS NULL OR effects.id = %(id)s)
    AND (%(cause)s::text IS NULL
         OR coalesce(effects.reason_code, CASE WHEN effects.reason IS NOT NULL THEN 'legacy' END) = %(cause)s)
"""
_FOLLOWING = """
    at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND at <= coalesce(%(at)s::timestamptz, 'infinity')
    AND (at, effect_id) < (coalesce(%(at)s::timestamptz, 'infinity'),
                           coalesce(%(after)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
"""

# Of few effects all are looked up. (OFFSET keeps Postgres from reading all there are instead.)
OF_FEW = f"""
    SELECT effects.id, changed.at
      FROM unnest(%(ids)s::uuid[]) AS wanted (id)
     CROSS JOIN LATERAL (SELECT * FROM effects WHERE effects.id = wanted.id OFFSET 0) AS effects
     CROSS JOIN LATERAL (SELECT effect_id, at
                           FROM journal
                          WHERE journal.effect_id = effects.id AND journal.seq = effects.seq
                         OFFSET 0) AS changed
     WHERE {_MEANT} AND {_FOLLOWING}
     ORDER BY changed.at DESC, effects.id DESC
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants

# Of many, the journal is read from its end: the change by which an effect came to its status is its last one.
_LOOKED_AT = f"""
    SELECT effect_id, seq, at
      FROM journal
     WHERE {_FOLLOWING}
     ORDER BY at DESC, effect_id DESC
"""  # noqa: S608 - put together from constants
OF_MANY = f"""
    SELECT looked_at.effect_id AS id, looked_at.at
      FROM ({_LOOKED_AT} LIMIT %(looked_at)s) AS looked_at
     CROSS JOIN LATERAL (SELECT
                           FROM effects
                          WHERE effects.id = looked_at.effect_id AND effects.seq = looked_at.seq AND {_MEANT}
                         OFFSET 0) AS effects
     ORDER BY looked_at.at DESC, looked_at.effect_id DESC
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants
REACHED = f"SELECT effect_id AS id, at FROM ({_LOOKED_AT} OFFSET %(looked_at)s - 1 LIMIT 1) AS reached"  # noqa: S608


def newest_effects(
    db: Database, filter: EffectFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EffectItem]:
    """List effects, those that changed last first; of a run by its people. A page may be short while there are more.

    One that changes while pages are read comes first anew. Raises Invalid for a cursor that is not valid.
    """
    if filter.event is not None and filter.id is None:
        found = page_of_run(db, filter.event, status=filter.status, account=filter.account, cursor=cursor, limit=limit)
        if found is not None:
            return Page(these(db, found[0]), found[1])
    at, after = _read(cursor)
    wanted = {
        "id": filter.id,
        "status": filter.status,
        "account": filter.account,
        "event": filter.event,
        "since": filter.since,
        "cause": filter.cause,
        "at": at,
        "after": after,
    }
    few = _few(db, filter)
    if few is not None:
        rows = db.run(OF_FEW, {**wanted, "ids": few, "limit": limit + 1})
    else:
        rows = db.run(OF_MANY, {**wanted, "looked_at": LOOKED_AT, "limit": limit + 1})
    shown = these(db, [row["id"] for row in rows[:limit]])
    items = [each for each in shown if filter.status in (None, each.status)]  # it may have changed since it was found
    if len(rows) > limit:
        return Page(items, _cursor(rows[limit - 1]))
    reached = [] if few is not None else db.run(REACHED, {**wanted, "looked_at": LOOKED_AT})
    return Page(items, _cursor(reached[0]) if reached else None)


def _few(db: Database, filter: EffectFilter) -> list[UUID] | None:
    """Return the ids of all that may be meant; None: they are many."""
    scope: dict[str, Any] = {"account": filter.account, "event": filter.event, "more": FEW + 1}
    if filter.id is not None:
        return [filter.id]
    if filter.event is not None:
        rows = db.run(SOME_OF_EVENT, scope)
    elif filter.status is filter.account is None:
        return None
    else:
        rows = db.run(SOME[filter.status], scope)
    return [row["id"] for row in rows] if len(rows) <= FEW else None


def _cursor(row: Row) -> str:
    return f"{microseconds(row['at'])}-{row['id'].hex}"


def _read(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise Invalid(INVALID_CURSOR)
    return from_microseconds(int(found[1])), UUID(found[2])
