"""How the effects of a run end all at once, and which of those that ended without a mail go out all the same."""

from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import FREE, RUN, WAITS
from drumbeat.ledger.unresolved import UNRESOLVED

EFFECTS_PER_STATEMENT = 5_000

# What a worker has claimed ends when its attempt would be opened; what is unknown is looked into.
CANCEL = f"""
    WITH free AS MATERIALIZED (
        SELECT effects.id,
               EXISTS (SELECT FROM attempts a
                        WHERE a.effect_id = effects.id AND a.generation = effects.generation
                          AND {UNRESOLVED}) AS maybe
          FROM effects
         WHERE {RUN} = %(run)s AND {FREE} AND {WAITS} AND status <> 'unknown'
           AND EXISTS (SELECT FROM runs WHERE runs.id = %(run)s AND runs.state = 'cancelled')
         ORDER BY due_at, effects.id
         LIMIT %(limit)s
           FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE effects
           SET status = 'cancelled',
               seq = seq + 1,
               reason = CASE WHEN free.maybe THEN %(late)s ELSE %(sentence)s END,
               reason_code = %(code)s,
               reason_detail = NULL,
               maybe_sent = free.maybe,
               slot = NULL,
               due_at = 'infinity',
               updated_at = drumbeat_now()
          FROM free
         WHERE effects.id = free.id
     RETURNING effects.id, effects.seq, effects.fence, effects.reason, effects.reason_code, effects.maybe_sent
    ), journaled AS (
        INSERT INTO journal (effect_id, seq, from_status, to_status, fence, reason, reason_code, maybe_sent, actor)
        SELECT id, seq, 'waiting', 'cancelled', fence, reason, reason_code, maybe_sent, 'worker' FROM moved
    )
    SELECT count(*) AS effects FROM moved
"""  # noqa: S608 - put together from constants


def cancel_effects(db: Database, run: UUID) -> int:
    """End some effects of a cancelled run that wait; return how many: 0 when none is left but what is on its way."""
    reason = Reason(ReasonCode.RUN_CANCELLED)
    parameters = {
        "run": run,
        "limit": EFFECTS_PER_STATEMENT,
        "code": reason.code.value,
        "sentence": reason.sentence,
        "late": Reason(ReasonCode.RUN_CANCELLED, maybe_sent=True).sentence,
    }
    ended: int = db.run(CANCEL, parameters)[0]["effects"]
    return ended
