"""What a person decides about held effects. The version decided on is the lock; the journal keeps who and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.reasons import Reason
from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database, Row
from drumbeat.ledger.legacy import Cause


@dataclass(frozen=True, slots=True)
class DecidableEffect:
    """The state of an effect; `version` grows with each change, `dependents` wait for its end."""

    id: UUID
    account: str
    status: Status
    version: int
    dependents: tuple[UUID, ...]


DECIDABLE = "SELECT id, account, status, seq AS version, dependents FROM effects WHERE id = %(id)s"


def decidable(db: Database, id: UUID) -> DecidableEffect | None:
    """Read the state of one effect, None when no effect has that id."""
    rows = db.run(DECIDABLE, {"id": id})
    return _decidable(rows[0]) if rows else None


HELD = f"""
    SELECT id, account, status, seq AS version, dependents
      FROM effects
     WHERE status = 'held'
       AND (%(account)s::text IS NULL OR account = %(account)s)
       AND (%(code)s::text IS NULL
            OR coalesce(reason_code, 'legacy') = %(code)s AND (%(detail)s::text IS NULL OR reason_detail = %(detail)s)
            OR {legacy.HAS_SENTENCE})
       AND updated_at <= %(seen_at)s
     ORDER BY id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def held(
    db: Database, *, account: str | None, cause: Cause | None, seen_at: datetime, limit: int
) -> list[DecidableEffect]:
    """List effects that were held, and not changed, since `seen_at`. `cause` is the reason they are held for."""
    rows = db.run(
        HELD,
        {
            "account": account,
            "code": cause and cause.code.value,
            "detail": cause and cause.detail,
            "sentence": cause and cause.sentence,
            "seen_at": seen_at,
            "limit": limit,
        },
    )
    return [_decidable(row) for row in rows]


# A version that moved on matches no row. Sending again begins a new generation: new key, new tries, new bytes.
DECIDE = """
    WITH input AS MATERIALIZED (
        SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) AS i (id, version)
    ), mine AS MATERIALIZED (
        SELECT e.id
          FROM effects e
          JOIN input i ON i.id = e.id
         WHERE e.status = 'held'
           AND e.seq = i.version
         ORDER BY e.id
           FOR UPDATE OF e
    ), moved AS (
        UPDATE effects e
           SET status = %(to)s,
               seq = e.seq + 1,
               generation = e.generation + CASE %(to)s WHEN 'waiting' THEN 1 ELSE 0 END,
               tries = CASE %(to)s WHEN 'waiting' THEN 0 ELSE e.tries END,
               looks = CASE %(to)s WHEN 'waiting' THEN 0 ELSE e.looks END,
               crashes = 0,
               slot = NULL,
               due_at = CASE %(to)s WHEN 'waiting' THEN drumbeat_now() ELSE 'infinity' END,
               lease_until = NULL,
               reason = %(sentence)s,
               reason_code = %(code)s,
               reason_detail = %(detail)s,
               maybe_sent = false,
               updated_at = drumbeat_now()
          FROM mine
         WHERE e.id = mine.id
     RETURNING e.id, e.account, e.status, e.seq, e.fence, e.dependents
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, reason_detail,
                             maybe_sent, actor)
        SELECT id, seq, 'held', status, fence, %(sentence)s, %(code)s, %(detail)s, false, %(actor)s FROM moved
    )
    SELECT id, account, status, seq AS version, dependents FROM moved
"""


def decide(
    db: Database, decided_on: Sequence[DecidableEffect], *, to: Status, reason: Reason, actor: str
) -> list[DecidableEffect]:
    """Move those effects that still are as they were seen, and return them as they stand now."""
    rows = db.run(
        DECIDE,
        {
            "ids": [effect.id for effect in decided_on],
            "versions": [effect.version for effect in decided_on],
            "to": to.value,
            "sentence": reason.sentence,
            "code": reason.code.value,
            "detail": reason.detail,
            "actor": actor,
        },
    )
    return [_decidable(row) for row in rows]


def _decidable(row: Row) -> DecidableEffect:
    return DecidableEffect(row["id"], row["account"], Status(row["status"]), row["version"], tuple(row["dependents"]))
