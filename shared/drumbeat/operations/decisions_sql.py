"""What a person decides about effects. The version decided on is the lock; the journal keeps who and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.reasons import Reason
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database, Row
from drumbeat.ledger.legacy import Cause
from drumbeat.ledger.unresolved import EVER_TAKEN


@dataclass(frozen=True, slots=True)
class DecidableEffect:
    """The state of an effect, with all that a decision about it depends on; `version` grows with each change."""

    id: UUID
    account: str
    status: Status
    version: int
    due_in: float  # seconds until it is due at the earliest, were it sent again
    maybe_sent: bool  # an attempt of any generation was carried out, or may have been
    erased: bool  # its event's body is gone
    suppressed: str | None  # why its person must not be mailed
    after: UUID | None
    predecessor: Status | None  # of the effect it comes after
    dependents: tuple[UUID, ...]  # the effects that come after it
    cancelled_dependents: tuple[UUID, ...]  # those of them that have ended without being carried out


@dataclass(frozen=True, slots=True)
class Selection:
    """Which effects a decision about many takes: with one of these statuses, unchanged since they were seen. `since`:
    those that came to it then or later.
    """

    statuses: Collection[Status]
    seen_at: datetime
    account: str | None = None
    event: UUID | None = None
    cause: Cause | None = None
    since: datetime | None = None


# About one row `e` of `effects`. With `earlier`, the effect it comes after: what would only end again, or could be done
# twice, is not sent again.
_REDRIVABLE = f"""
    (EXISTS (SELECT FROM payloads p WHERE p.event_id = e.event_id)
     AND (earlier.status IS NULL OR earlier.status NOT IN ('refused', 'cancelled'))
     AND (%(even_if_sent)s OR NOT {EVER_TAKEN}))
"""

_STATE = f"""
    SELECT e.id, e.account, e.status, e.seq AS version, e.dependents, e.after, earlier.status AS predecessor,
           greatest(extract(epoch FROM e.base_due_at - drumbeat_now()), 0)::float8 AS due_in,
           {EVER_TAKEN} AS maybe_sent,
           NOT EXISTS (SELECT FROM payloads p WHERE p.event_id = e.event_id) AS erased,
           (SELECT c.suppression_reason FROM contacts c
             WHERE c.key = e.contact AND c.suppressed_at IS NOT NULL) AS suppressed,
           ARRAY(SELECT later.id FROM effects later
                  WHERE later.id = ANY (e.dependents) AND later.status = 'cancelled'
                  ORDER BY later.id) AS cancelled_dependents
      FROM effects e
      LEFT JOIN effects earlier ON earlier.id = e.after
"""  # noqa: S608 - put together from constants

DECIDABLE = f"{_STATE} WHERE e.id = %(id)s"


def decidable(db: Database, id: UUID) -> DecidableEffect | None:
    """Read the state of one effect, None when no effect has that id."""
    rows = db.run(DECIDABLE, {"id": id})
    return _decidable(rows[0]) if rows else None


SELECTED = f"""
    {_STATE}
     WHERE e.status = ANY (%(statuses)s)
       AND (%(account)s::text IS NULL OR e.account = %(account)s)
       AND (%(event)s::uuid IS NULL OR e.event_id = %(event)s)
       AND (%(code)s::text IS NULL
            OR coalesce(e.reason_code, 'legacy') = %(code)s
               AND (%(detail)s::text IS NULL OR e.reason_detail = %(detail)s)
            OR {legacy.HAS_SENTENCE})
       AND e.updated_at <= %(seen_at)s
       AND (%(since)s::timestamptz IS NULL OR e.updated_at >= %(since)s)
       AND (NOT %(redrive)s OR {_REDRIVABLE})
     ORDER BY e.id
     LIMIT %(limit)s
"""


def selected(
    db: Database, selection: Selection, *, limit: int, redrive: bool = False, even_if_sent: bool = False
) -> list[DecidableEffect]:
    """List effects that have not changed since they were seen; with `redrive` only those that may be sent again."""
    cause = selection.cause
    rows = db.run(
        SELECTED,
        {
            "statuses": [status.value for status in selection.statuses],
            "account": selection.account,
            "event": selection.event,
            "code": cause and cause.code.value,
            "detail": cause and cause.detail,
            "sentence": cause and cause.sentence,
            "seen_at": selection.seen_at,
            "since": selection.since,
            "redrive": redrive,
            "even_if_sent": even_if_sent,
            "limit": limit,
        },
    )
    return [_decidable(row) for row in rows]


# An address beside the effects of others would be out of reach once its person is erased.
FOR_MANY = "SELECT without_addresses(%(reason)s) AS reason"


def for_many(db: Database, reason: str) -> str:
    """Return a reason as it is kept with many effects: without addresses."""
    kept: str = db.run(FOR_MANY, {"reason": reason})[0]["reason"]
    return kept


# A version that moved on matches no row. Sending again begins a new generation: new key, new tries, new bytes.
# What the effect comes after is locked with it: one that ends meanwhile would release it before it waits, and it would
# wait for ever. For the same reason those that come after it and still wait go on waiting for its end, not for a time.
DECIDE = f"""
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) AS i (id, version)
    ), locked AS MATERIALIZED (
        SELECT e.id, e.event_id, e.after, e.status, e.seq
          FROM effects e
         WHERE e.id IN (SELECT id FROM input
                         UNION
                        SELECT after FROM effects JOIN input USING (id) WHERE %(to)s = 'waiting')
         ORDER BY e.id
           FOR UPDATE OF e
    ), mine AS MATERIALIZED (
        SELECT e.id, e.status AS before, %(to)s = 'cancelled' AND {EVER_TAKEN} AS maybe,
               earlier.status NOT IN ('accepted', 'refused', 'cancelled') IS TRUE AS comes_later
          FROM locked e
          JOIN input i ON i.id = e.id AND i.version = e.seq
          LEFT JOIN locked earlier ON earlier.id = e.after
         WHERE e.status = ANY (%(takes)s)
           AND (NOT %(redrive)s OR {_REDRIVABLE})
    ), moved AS (
        UPDATE effects e
           SET status = %(to)s,
               seq = e.seq + 1,
               generation = e.generation + CASE %(to)s WHEN 'waiting' THEN 1 ELSE 0 END,
               tries = CASE %(to)s WHEN 'waiting' THEN 0 ELSE e.tries END,
               looks = CASE %(to)s WHEN 'waiting' THEN 0 ELSE e.looks END,
               crashes = 0,
               slot = NULL,
               due_at = CASE WHEN %(to)s = 'waiting' AND NOT m.comes_later
                             THEN greatest(e.base_due_at, drumbeat_now()) ELSE 'infinity' END,
               expires_at = CASE %(to)s WHEN 'waiting'
                                        THEN greatest(e.base_due_at, drumbeat_now())
                                             + coalesce(e.lasts, interval '7 days')
                                        ELSE e.expires_at END,
               lease_until = NULL,
               reason = CASE WHEN m.maybe THEN %(sentence_if_sent)s ELSE %(sentence)s END,
               reason_code = %(code)s,
               reason_detail = %(detail)s,
               maybe_sent = m.maybe,
               updated_at = drumbeat_now()
          FROM mine m
         WHERE e.id = m.id
     RETURNING e.id, m.before, e.status, e.seq, e.fence, e.reason, e.maybe_sent, e.dependents
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor)
        SELECT id, seq, before, status, fence, reason, %(code)s, %(detail)s, maybe_sent, %(actor)s FROM moved
    ), later AS (
        UPDATE effects e
           SET due_at = 'infinity'
          FROM moved
         WHERE moved.status = 'waiting'
           AND e.id = ANY (moved.dependents)
           AND e.status = 'waiting'
    )
    SELECT id, status, seq AS version FROM moved
"""  # noqa: S608 - put together from constants


@dataclass(frozen=True, slots=True)
class Decided:
    """Where an effect stands since the decision."""

    id: UUID
    status: Status
    version: int


def decide(
    db: Database,
    decided_on: Sequence[DecidableEffect],
    *,
    takes: Collection[Status],
    to: Status,
    reason: Reason,
    actor: str,
    redrive: bool = False,
    even_if_sent: bool = False,
) -> list[Decided]:
    """Move those effects that still are as they were seen, from a status that it takes, and return them as they stand.

    With `redrive`, those that may be sent again only.
    """
    rows = db.run(
        DECIDE,
        {
            "ids": [effect.id for effect in decided_on],
            "versions": [effect.version for effect in decided_on],
            "takes": [status.value for status in takes],
            "to": to.value,
            "sentence": reason.sentence,
            "sentence_if_sent": Reason(reason.code, reason.detail, maybe_sent=True).sentence,
            "code": reason.code.value,
            "detail": reason.detail,
            "redrive": redrive,
            "even_if_sent": even_if_sent,
            "actor": actor,
        },
    )
    return [Decided(row["id"], Status(row["status"]), row["version"]) for row in rows]


def _decidable(row: Row) -> DecidableEffect:
    return DecidableEffect(
        **row
        | {
            "status": Status(row["status"]),
            "predecessor": row["predecessor"] and Status(row["predecessor"]),
            "dependents": tuple(row["dependents"]),
            "cancelled_dependents": tuple(row["cancelled_dependents"]),
        }
    )
