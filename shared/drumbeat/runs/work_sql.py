"""What a run's turn has to know: what is due of it, and what keeps it from being sent."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class NextDue:
    """The effect of a run that is due first. `paused_for`: seconds until its account's pause ends; None: it has none."""

    id: UUID
    account: str
    due_in: float  # seconds; negative: it has been due for so long
    paused_for: float | None


# Of each account the first: one that is paused hides no other.
NEXT = """
    SELECT first.id, first.account, extract(epoch FROM first.due_at - drumbeat_now())::float8 AS due_in,
           extract(epoch FROM account_states.paused_until - drumbeat_now())::float8 AS paused_for
      FROM unnest(%(accounts)s::text[]) AS accounts (name)
     CROSS JOIN LATERAL (
        SELECT id, account, due_at
          FROM effects
         WHERE event_id = %(run)s AND of_run AND lease_until IS NULL AND status IN ('waiting', 'unknown')
           AND account = accounts.name AND crashes = 0 AND due_at < 'infinity'
         ORDER BY due_at, id
         LIMIT 1) AS first
      LEFT JOIN account_states ON account_states.account = first.account
"""


# What may end its worker is taken alone, so no turn claims it.
SUSPECT = """
    SELECT extract(epoch FROM min(due_at) - drumbeat_now())::float8 AS due_in
      FROM effects
     WHERE event_id = %(run)s AND of_run AND lease_until IS NULL AND status IN ('waiting', 'unknown')
       AND due_at < 'infinity'
"""


def suspect_due_in(db: Database, run: UUID) -> float | None:
    """Return in how many seconds the first effect is due of a run of which no other waits; None: there is none."""
    due_in: float | None = db.run(SUSPECT, {"run": run})[0]["due_in"]
    return due_in


def next_due(db: Database, run: UUID, accounts: list[str]) -> list[NextDue]:
    """Return the first effect of each account that waits in a run."""
    return [NextDue(**row) for row in db.run(NEXT, {"run": run, "accounts": accounts})]
