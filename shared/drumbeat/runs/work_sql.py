"""What a run's turn has to know: what is due of it, and what keeps it from being sent."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database
from drumbeat.ledger.effects_of_runs import FREE, PLACED, RUN, WAITS
from drumbeat.ledger.stops import stopped


@dataclass(frozen=True, slots=True)
class NextDue:
    """The effect of a run that is due first. `paused_for`: seconds until its account's pause ends; None: none."""

    id: UUID
    account: str
    due_in: float  # seconds; negative: it has been due for so long
    suspect: bool  # it may end its worker, so no turn takes it
    paused_for: float | None


# Of each account the first: one that is paused hides no other. Of a run that is paused or was cancelled, and of an
# account that was stopped, only what is unknown goes on.
NEXT = f"""
    SELECT first.id, first.account, extract(epoch FROM first.due_at - drumbeat_now())::float8 AS due_in,
           first.crashes > 0 AS suspect,
           extract(epoch FROM account_states.paused_until - drumbeat_now())::float8 AS paused_for
      FROM unnest(%(accounts)s::text[]) AS accounts (name)
     CROSS JOIN LATERAL (
        SELECT id, account, due_at, crashes
          FROM effects
         WHERE {RUN} = %(run)s AND {FREE} AND {WAITS} AND account = accounts.name
           AND (status = 'unknown' OR NOT (%(halted)s OR {stopped("accounts.name")}))
         ORDER BY due_at, id
         LIMIT 1) AS first
      LEFT JOIN account_states ON account_states.account = first.account
"""  # noqa: S608 - put together from constants


def next_due(db: Database, run: UUID, accounts: list[str], *, halted: bool) -> list[NextDue]:
    """Return the first effect of each account that waits in a run, or of a halted one is looked into."""
    return [NextDue(**row) for row in db.run(NEXT, {"run": run, "accounts": accounts, "halted": halted})]


# By the leases, which are few, however many mails wait.
UNDER_WAY = f"""
    SELECT EXISTS (SELECT FROM effects WHERE lease_until IS NOT NULL AND {RUN} = %(run)s) AS is_under_way
"""  # noqa: S608 - put together from constants


def is_under_way(db: Database, run: UUID) -> bool:
    """Return whether an effect of a run is under a lease: it may come back to wait."""
    found: bool = db.run(UNDER_WAY, {"run": run})[0]["is_under_way"]
    return found


# What has a place in the queue of a rate limit, and when its turn is.
NEXT_PLACED = f"""
    SELECT extract(epoch FROM min(due_at) - drumbeat_now())::float8 AS due_in
      FROM effects
     WHERE {PLACED} = %(run)s AND {FREE} AND slot IS NOT NULL AND {WAITS}
"""  # noqa: S608 - put together from constants


def next_placed(db: Database, run: UUID) -> float | None:
    """Return in how many seconds the first effect of a run is due that has a place; None: none has."""
    due_in: float | None = db.run(NEXT_PLACED, {"run": run})[0]["due_in"]
    return due_in
