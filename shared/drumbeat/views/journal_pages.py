"""The journal as it grows: each change of status is shown once, also one whose commit came late.

A cursor holds the snapshot of the ledger up to which everything was shown. What comes after are the rows that it does
not show and the present one does, whatever their instants are.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.errors import Invalid
from drumbeat.ledger import stops
from drumbeat.ledger.database import Database
from drumbeat.ledger.stops import Stop
from drumbeat.views.derived import REASON
from drumbeat.views.journal_cursors import Moment, Place, begun, read
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE

LOOKED_AT = 10_000  # changes of status, for one page


@dataclass(frozen=True, slots=True)
class JournalItem:
    """One change of status, and of what."""

    at: datetime
    effect_id: UUID
    event_id: UUID
    seq: int
    from_status: str | None
    to_status: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None  # the sentence of code and detail
    maybe_sent: bool | None
    actor: str
    flow: str
    step: str
    account: str
    action: str
    recipient: str | None  # the address that it is for; None: for none, or not kept


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which changes; None leaves a field open. `every`: also those that a worker makes on the way of each effect."""

    account: str | None = None
    event: UUID | None = None
    every: bool = False


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some changes, and the cursor after them. `behind`: there are more at once. `stops`: what may not be sent now."""

    items: list[JournalItem]
    next: str
    behind: bool
    stops: list[Stop]


# A snapshot ends with the newest transaction that has ended; a newer one that runs is known by its lock. Both give the
# lower half of a transaction's number: the nearest such number is meant.
MOMENT = """
    SELECT drumbeat_now() AS now, snapshot::text,
           (SELECT coalesce(max(newest + (transactionid::text::bigint - newest %% 4294967296 + 6442450944) %% 4294967296
                                - 2147483648), 0)
              FROM pg_locks
             WHERE locktype = 'transactionid') AS running
      FROM (SELECT snapshot, pg_snapshot_xmax(snapshot)::text::bigint AS newest
              FROM (SELECT pg_current_snapshot() AS snapshot) AS current) AS head
"""

# The pages of one look have one target, which may be older than the statement's own snapshot.
_LOOKED_AT = """
    SELECT journal.*
      FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS newest) AS head
     CROSS JOIN journal
     CROSS JOIN LATERAL (
           SELECT (newest - (newest - journal.xmin::text::bigint) %% 4294967296)::text::xid8 AS number) AS written
     WHERE at >= %(since)s::timestamptz
       AND (at, effect_id, seq) > (%(since)s::timestamptz, %(effect)s::uuid, %(seq)s::integer)
       AND (%(shown)s::pg_snapshot IS NULL OR NOT pg_visible_in_snapshot(number, %(shown)s::pg_snapshot))
       AND pg_visible_in_snapshot(number, %(target)s::pg_snapshot)
     ORDER BY at, effect_id, seq
"""

ENTRIES = f"""
    SELECT at, effect_id, event_id, seq, from_status, to_status, {REASON}, actor, flow, step, account, action, recipient
      FROM ({_LOOKED_AT} LIMIT %(looked_at)s) AS looked_at
     CROSS JOIN LATERAL (SELECT event_id, flow, step, account, action,
                                (SELECT leads.address ->> 'v' FROM leads WHERE leads.contact = effects.contact)
                                    AS recipient
                           FROM effects
                          WHERE effects.id = looked_at.effect_id
                            AND (%(account)s::text IS NULL OR effects.account = %(account)s)
                            AND (%(event)s::uuid IS NULL OR effects.event_id = %(event)s)
                         OFFSET 0) AS effects
     WHERE %(every)s
        OR NOT (to_status IN ('claimed', 'sending')
                OR (from_status IS NOT DISTINCT FROM 'claimed' AND to_status = 'waiting'))
     ORDER BY at, effect_id, seq
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants
REACHED = f"SELECT at, effect_id, seq FROM ({_LOOKED_AT} OFFSET %(looked_at)s - 1 LIMIT 1) AS reached"  # noqa: S608


def journal(
    db: Database,
    filter: JournalFilter,
    *,
    after: str | None = None,
    since: datetime | None = None,
    limit: int = PAGE_SIZE,
) -> JournalPage:
    """Return what came after a cursor, in the order of time; without one, from an instant on, or from now on: nothing.

    Raises Invalid for a cursor that is not valid.
    """
    moment = Moment(**db.run(MOMENT, {})[0])
    cursor = read(after) if after is not None else begun(moment, since)
    look = cursor.looking(moment)
    if look is None or look.target is None:
        raise Invalid(INVALID_CURSOR)
    scope = {
        "since": look.place.at,
        "effect": look.place.effect,
        "seq": look.place.seq,
        "shown": look.shown,
        "target": look.target.snapshot,
        "account": filter.account,
        "event": filter.event,
        "every": filter.every,
        "looked_at": LOOKED_AT,
        "limit": limit + 1,
    }
    rows = db.run(ENTRIES, scope)
    items = [JournalItem(**row) for row in rows[:limit]]
    reached = None
    if len(rows) > limit:
        last = items[-1]
        reached = Place(last.at, last.effect_id, last.seq)
    elif found := db.run(REACHED, scope):
        reached = Place(found[0]["at"], found[0]["effect_id"], found[0]["seq"])
    following = look.after() if reached is None else look.at(reached)
    return JournalPage(items, str(following), reached is not None, stops.in_force(db))
