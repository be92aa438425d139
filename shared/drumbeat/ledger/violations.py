"""Violations of the invariants: found once, standing until a person resumes from them, never found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from drumbeat.core.invariants import Invariant
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Found:
    """A violation, as it is kept. `mark` tells it from others of the same kind that its subject may have."""

    invariant: Invariant
    kind: str
    subject: UUID
    mark: str = ""
    facts: Any = None
    n: int = 1


# What is known already stays as it is. It stops the account of its effect, or its run; where there is none, everything.
RECORD = """
    INSERT INTO violations (invariant, kind, subject, mark, facts, n, account, run_id)
    SELECT found.invariant, found.kind, found.subject, found.mark, found.facts, found.n,
           CASE WHEN found.invariant = ANY (%(of_accounts)s) THEN effects.account END,
           CASE WHEN found.invariant = ANY (%(of_runs)s) THEN coalesce(effects.event_id, found.subject) END
      FROM unnest(%(invariants)s::text[], %(kinds)s::text[], %(subjects)s::uuid[], %(marks)s::text[],
                  %(facts)s::jsonb[], %(ns)s::bigint[]) AS found (invariant, kind, subject, mark, facts, n)
      LEFT JOIN effects ON effects.id = found.subject
        ON CONFLICT DO NOTHING
"""
OF_ACCOUNTS = (Invariant.DUPLICATES, Invariant.UNKNOWN_OVERDUE)
OF_RUNS = (Invariant.UNACCOUNTED_RECIPIENTS, Invariant.PLAN_DEVIATION)


def record(db: Database, found: Sequence[Found]) -> None:
    """Keep violations; harmless to repeat."""
    if not found:
        return
    parameters: dict[str, Any] = {
        f"{name}s": [getattr(each, name) for each in found] for name in ("invariant", "kind", "subject", "mark", "n")
    }
    parameters["facts"] = [Jsonb(each.facts or {}) for each in found]
    db.run(RECORD, {**parameters, "of_accounts": list(OF_ACCOUNTS), "of_runs": list(OF_RUNS)})


@dataclass(frozen=True, slots=True)
class Standing:
    """A violation from which no person has resumed. Neither account nor run: it stops everything."""

    id: int
    invariant: Invariant
    kind: str
    subject: UUID
    facts: dict[str, Any]
    account: str | None
    run_id: UUID | None
    told: bool


STANDING = """
    SELECT id, invariant, kind, subject, facts, account, run_id, told_at IS NOT NULL AS told
      FROM violations
     WHERE resumed_at IS NULL
     ORDER BY id
"""


def standing(db: Database) -> list[Standing]:
    """Return the violations from which no person has resumed."""
    return [Standing(**{**row, "invariant": Invariant(row["invariant"])}) for row in db.run(STANDING)]


TOLD = "UPDATE violations SET told_at = drumbeat_now() WHERE id = ANY (%(ids)s) AND told_at IS NULL"


def told(db: Database, ids: Sequence[int]) -> None:
    """Note that the owner was told of these."""
    db.run(TOLD, {"ids": list(ids)})


RESUME = """
    UPDATE violations
       SET resumed_at = drumbeat_now(), resumed_by = %(actor)s, resume_reason = %(reason)s
     WHERE invariant = %(invariant)s AND resumed_at IS NULL
       AND found_at < coalesce(%(seen)s::timestamptz + interval '1 millisecond', 'infinity')
 RETURNING id
"""


def resume(db: Database, invariant: Invariant, *, actor: str, reason: str, seen: datetime | None = None) -> int:
    """Let a person resume from the violations of an invariant that were found until then; return how many those are."""
    parameters = {"invariant": invariant.value, "actor": actor, "reason": reason, "seen": seen}
    return len(db.run(RESUME, parameters))


# Runs that the monitors have paused, of which no violation stands any more.
RUNS_TO_RESUME = """
    SELECT id
      FROM runs
     WHERE state = 'paused' AND reason_code = 'invariant'
       AND NOT EXISTS (SELECT FROM violations WHERE violations.run_id = runs.id AND resumed_at IS NULL)
     ORDER BY id
"""


def runs_to_resume(db: Database) -> list[UUID]:
    """Return the runs that stand still for no violation any more."""
    return [row["id"] for row in db.run(RUNS_TO_RESUME)]
