"""After a restore: which effects may have been carried out already, and what the provider's own log says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.reasons import Reason
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class AtRisk:
    """An open effect whose time has come; `provider_key` is what it was sent under, if it was."""

    provider_key: str
    effect_id: UUID
    account: str
    flow: str
    step: str
    status: str
    due_at: datetime


AT_RISK = """
    SELECT id || '-' || generation AS provider_key, id AS effect_id, account, flow, step, status, due_at
      FROM effects
     WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')
       AND due_at < drumbeat_now()
       AND (%(account)s::text IS NULL OR account = %(account)s)
       AND (%(after)s::uuid IS NULL OR id > %(after)s)
     ORDER BY id
     LIMIT %(limit)s
"""


def at_risk(db: Database, *, account: str | None, after: UUID | None, limit: int) -> list[AtRisk]:
    """List them in id order."""
    return [AtRisk(**row) for row in db.run(AT_RISK, {"account": account, "after": after, "limit": limit})]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An entry of the provider's log: it accepted this generation of this effect, under the id `reference`."""

    effect_id: UUID
    generation: int
    reference: str | None


# Outcomes of attempts that this ledger lost; `drumbeat verify` reports them as such.
RECORD = """
    WITH given AS MATERIALIZED (
        SELECT *
          FROM unnest(%(ids)s::uuid[], %(generations)s::int[], %(references)s::text[]) AS g (id, generation, reference)
    ), written AS (
        INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind, reference, reason_code, detail)
        SELECT e.id, e.fence, e.generation, e.account, 'person', 'accepted', g.reference, %(code)s, %(detail)s
          FROM given g
          JOIN effects e ON e.id = g.id AND e.generation = g.generation
         WHERE e.account = %(account)s
           AND e.status IN ('waiting', 'claimed', 'sending', 'unknown')
           AND NOT EXISTS (SELECT FROM outcomes o
                            WHERE o.effect_id = e.id AND o.generation = e.generation AND o.kind = 'accepted')
     RETURNING effect_id
    )
    SELECT g.id,
           CASE WHEN written.effect_id IS NOT NULL THEN 'recorded'
                WHEN e.id IS NOT NULL THEN 'known'
                ELSE 'unknown' END AS outcome
      FROM given g
      LEFT JOIN effects e ON e.id = g.id AND e.generation = g.generation AND e.account = %(account)s
      LEFT JOIN written ON written.effect_id = g.id
"""


def record(db: Database, found: Sequence[Acceptance], *, account: str, why: Reason) -> dict[UUID, str]:
    """Record what the provider accepted; returns for each effect: recorded, known before, or unknown here."""
    rows = db.run(
        RECORD,
        {
            "ids": [each.effect_id for each in found],
            "generations": [each.generation for each in found],
            "references": [each.reference for each in found],
            "account": account,
            "code": why.code.value,
            "detail": why.detail,
        },
    )
    return {row["id"]: row["outcome"] for row in rows}
