"""Dismissals: what of an event needed attention when a person had looked at it, who that was, and why it is left so."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database
from drumbeat.views.derived import DERIVED


@dataclass(frozen=True, slots=True)
class Judged:
    """How an event stood, and what of it is dismissed."""

    status: str
    held: int  # effects that wait for a decision: such an event is not dismissed
    dismissed: bool
    conflicts: int
    flows: Sequence[str]  # that could not be planned
    refused: int


# One statement, so that it covers exactly what there was: trouble that is committed later is not part of it. What was
# dismissed before is covered again.
DISMISS = f"""
    WITH judged AS MATERIALIZED (
        SELECT events.id, derived.status,
               (SELECT count(*) FROM effects WHERE effects.event_id = events.id AND effects.status = 'held') AS held,
               (SELECT count(*) FROM conflicts WHERE conflicts.event_id = events.id) AS conflicts,
               ARRAY(SELECT flow
                       FROM plans
                      CROSS JOIN LATERAL jsonb_object_keys(plans.failed) AS flow
                      WHERE plans.event_id = events.id
                     EXCEPT
                     SELECT flow FROM replans WHERE replans.event_id = events.id
                      ORDER BY flow) AS flows,
               (SELECT coalesce(max(outcomes.id), 0)
                  FROM effects
                  JOIN outcomes ON outcomes.effect_id = effects.id
                 WHERE effects.event_id = events.id) AS outcome,
               (SELECT coalesce(max(n), 0) FROM dismissals WHERE dismissals.event_id = events.id) AS n
          FROM events
         CROSS JOIN LATERAL ({DERIVED}) AS derived
         WHERE events.id = %(id)s
    ), written AS (
        INSERT INTO dismissals (event_id, n, actor, reason, conflicts, flows, outcome)
        SELECT id, n + 1, %(actor)s, %(reason)s, conflicts, flows, outcome
          FROM judged
         WHERE status = 'attention' AND held = 0
            ON CONFLICT DO NOTHING
     RETURNING event_id
    ), covered AS (
        INSERT INTO dismissed_effects (effect_id, seq)
        SELECT effects.id, effects.seq
          FROM effects
          JOIN written ON written.event_id = effects.event_id
         WHERE effects.status = 'refused'
            ON CONFLICT DO NOTHING
    )
    SELECT status, held, EXISTS (SELECT FROM written) AS dismissed, conflicts, flows,
           (SELECT count(*) FROM effects WHERE effects.event_id = judged.id AND effects.status = 'refused') AS refused
      FROM judged
"""  # noqa: S608 - put together from constants


def dismiss(db: Database, id: UUID, *, reason: str, actor: str) -> Judged | None:
    """Dismiss an event that needs attention and has nothing held; return how it stood, None when there is none."""
    rows = db.run(DISMISS, {"id": id, "reason": reason, "actor": actor})
    return Judged(**rows[0]) if rows else None
