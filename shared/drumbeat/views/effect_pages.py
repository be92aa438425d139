"""Lists of effects, a page at a time, in the order of their ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.views.counts import COUNTED_EFFECTS
from drumbeat.views.derived import REASON
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Page, one_of
from drumbeat.views.run_effects import page_of_run

ID_ORDER, NEWEST_ORDER = "id", "newest"


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
    changed_at: datetime  # when it came to this status
    recipient: str | None  # the address that it is for; None: for none, or not kept


@dataclass(frozen=True, slots=True)
class EffectFilter:
    """Which effects; None leaves a field open. `since`: that changed their status then or later. `cause`: the code of
    their reason.
    """

    id: UUID | None = None
    status: str | None = None
    account: str | None = None
    event: UUID | None = None
    since: datetime | None = None
    cause: str | None = None
    order: str = ID_ORDER

    def __post_init__(self) -> None:
        """Refuse what no effect can have: an empty answer would look like "there are none"."""
        one_of("status", self.status, tuple(Status))
        one_of("order", self.order, (ID_ORDER, NEWEST_ORDER))
        one_of("cause", self.cause, tuple(ReasonCode))
        if (self.since or self.cause) is not None and self.order != NEWEST_ORDER:
            raise Invalid(f"since and cause go with order={NEWEST_ORDER}")


EFFECT = f"""
    SELECT effects.id AS effect_id, effects.event_id, effects.flow, effects.step, effects.account, effects.action,
           effects.status, {REASON}, effects.seq AS version, effects.generation, effects.tries,
           (SELECT count(*) FROM attempts WHERE attempts.effect_id = effects.id) AS attempts,
           nullif(effects.due_at, 'infinity') AS due_at, effects.updated_at,
           coalesce((SELECT at FROM journal WHERE journal.effect_id = effects.id AND journal.seq = effects.seq),
                    effects.updated_at) AS changed_at,
           (SELECT leads.address ->> 'v' FROM leads WHERE leads.contact = effects.contact) AS recipient
      FROM effects
"""  # noqa: S608 - put together from constants

# In id order: stable while rows change their status and their time.
EFFECTS = f"""
    {EFFECT}
     WHERE (%(id)s::uuid IS NULL OR effects.id = %(id)s)
       AND (%(status)s::text IS NULL OR effects.status = %(status)s)
       AND (%(account)s::text IS NULL OR effects.account = %(account)s)
       AND (%(event)s::uuid IS NULL OR effects.event_id = %(event)s)
       AND (%(after)s::uuid IS NULL OR effects.id > %(after)s)
     ORDER BY effects.id
     LIMIT %(limit)s
"""

THESE = f"{EFFECT} WHERE effects.id = ANY (%(ids)s)"

# A page of each status and account that may be meant, of which the first are shown. Each index is of certain statuses.
_OF_STATUS = f"""
    (SELECT page.*
       FROM (SELECT DISTINCT account FROM ({COUNTED_EFFECTS}) AS counted
              WHERE %(account)s::text IS NULL OR account = %(account)s) AS accounts
      CROSS JOIN LATERAL (
            {EFFECT}
             WHERE effects.status = '{{status}}'
               AND {{indexed}}
               AND effects.account = accounts.account
               AND (%(after)s::uuid IS NULL OR effects.id > %(after)s)
             ORDER BY effects.id
             LIMIT %(limit)s) AS page)
"""  # noqa: S608 - put together from constants
INDEXED: Mapping[Status, LiteralString] = {
    **dict.fromkeys(Status, "true"),
    Status.CLAIMED: "effects.lease_until IS NOT NULL",
    Status.SENDING: "effects.lease_until IS NOT NULL",
}


def _of_statuses(statuses: Iterable[Status]) -> LiteralString:
    pages = "UNION ALL".join(_OF_STATUS.format(status=each, indexed=INDEXED[each]) for each in statuses)
    return f"SELECT * FROM ({pages}) AS pages ORDER BY effect_id LIMIT %(limit)s"  # noqa: S608 - constants


_BY_STATUS: Mapping[str | None, LiteralString] = {None: _of_statuses(Status)} | {
    status.value: _of_statuses([status]) for status in Status
}


def effects_statement(filter: EffectFilter) -> LiteralString:
    """Return the statement whose cost follows what this filter shows."""
    found_by_id = filter.id is not None or filter.event is not None
    return EFFECTS if found_by_id or filter.status is filter.account is None else _BY_STATUS[filter.status]


def effects(
    db: Database, filter: EffectFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EffectItem]:
    """List effects in id order, those of a run by its people. Raises Invalid for a cursor that is not valid."""
    if filter.event is not None and filter.id is None:
        found = page_of_run(db, filter.event, status=filter.status, account=filter.account, cursor=cursor, limit=limit)
        if found is not None:
            ids, following = found
            return Page(these(db, ids), following)
    rows = db.run(
        effects_statement(filter),
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


def these(db: Database, ids: Sequence[UUID]) -> list[EffectItem]:
    """Return these effects, in their order."""
    of = {row["effect_id"]: EffectItem(**row) for row in db.run(THESE, {"ids": list(ids)})} if ids else {}
    return [of[id] for id in ids]


def _read_effect_cursor(cursor: str | None) -> UUID | None:
    try:
        return UUID(cursor) if cursor is not None else None
    except ValueError:
        raise Invalid(INVALID_CURSOR) from None
