"""Leases that ended without a result: what they held is freed, by the relay or by a worker that is asked about it.

A lease is judged by the database's clock alone. An attempt that is open under it may have been carried out: its effect
is `unknown`. Without one nothing was sent: it is `waiting` again.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import RUN

# Found by their leases' ends, however much else is due, and whatever the statistics say: `effects_of_runs` says why.
RECOVER = """
    WITH dead AS MATERIALIZED (
        SELECT id, status
          FROM effects
         WHERE CASE WHEN status IN ('claimed', 'sending', 'unknown') THEN true ELSE false END
           AND lease_until <= drumbeat_now()
         ORDER BY id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE effects e
           SET status = CASE dead.status WHEN 'claimed' THEN 'waiting' ELSE 'unknown' END,
               seq = e.seq + CASE dead.status WHEN 'unknown' THEN 0 ELSE 1 END,
               crashes = e.crashes + 1,
               tries = e.tries + CASE dead.status WHEN 'sending' THEN 1 ELSE 0 END,
               looks = CASE dead.status WHEN 'sending' THEN 0 ELSE e.looks END,
               reason = CASE dead.status WHEN 'claimed' THEN %(lease_ended)s
                                         WHEN 'sending' THEN %(lease_ended_sending)s
                                         ELSE e.reason END,
               reason_code = CASE dead.status WHEN 'claimed' THEN 'lease_ended'
                                              WHEN 'sending' THEN 'lease_ended_sending'
                                              ELSE e.reason_code END,
               reason_detail = CASE dead.status WHEN 'unknown' THEN e.reason_detail END,
               maybe_sent = CASE dead.status WHEN 'unknown' THEN e.maybe_sent ELSE false END,
               due_at = drumbeat_now(),
               lease_until = NULL,
               updated_at = drumbeat_now()
          FROM dead
         WHERE e.id = dead.id
     RETURNING e.id, dead.status AS before, e.status, e.seq, e.fence, e.reason, e.reason_code, e.maybe_sent
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, maybe_sent, actor)
        SELECT id, seq, before, status, fence, reason, reason_code, maybe_sent, %(actor)s
          FROM moved
         WHERE before <> status
    )
    SELECT id FROM moved
"""
RECOVER_NAMED = RECOVER.replace("         ORDER BY id\n", "           AND id = ANY (%(ids)s)\n         ORDER BY id\n")
RECOVER_OF_RUN = RECOVER.replace("         ORDER BY id\n", f"           AND {RUN} = %(run)s\n         ORDER BY id\n")


def recover(db: Database, *, limit: int) -> list[UUID]:
    """Free effects whose lease ended without a result: `claimed` waits again, `sending` is unknown; both due now."""
    return _freed(db, RECOVER, "relay", {"limit": limit})


def recover_named(db: Database, ids: Sequence[UUID]) -> list[UUID]:
    """Free those of these effects whose lease ended without a result, as `recover` does; return which."""
    return _freed(db, RECOVER_NAMED, "worker", {"limit": len(ids), "ids": list(ids)})


def recover_of_run(db: Database, run: UUID, *, limit: int) -> list[UUID]:
    """Free those effects of a run whose lease ended without a result, as `recover` does; return which."""
    return _freed(db, RECOVER_OF_RUN, "worker", {"limit": limit, "run": run})


def _freed(
    db: Database, statement: str, actor: Literal["relay", "worker"], parameters: dict[str, object]
) -> list[UUID]:
    sentences = {code.value: Reason(code).sentence for code in (ReasonCode.LEASE_ENDED, ReasonCode.LEASE_ENDED_SENDING)}
    return [row["id"] for row in db.run(statement, {**parameters, **sentences, "actor": actor})]
