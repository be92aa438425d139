"""Counts, for a status screen, a scrape and an alarm."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.views.derived import DERIVED, REASON

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """Effects of one account by status, and how long its oldest due one has been due; seconds."""

    account: str
    effects: Mapping[str, int]
    oldest_due: float | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The ledger in numbers. `oldest_due` is the age in seconds of the effect that is due longest."""

    at: datetime
    events: Mapping[str, int]  # by derived status, received within the window
    effects: Mapping[str, int]  # by status, all there are
    oldest_due: float | None
    unplanned: int
    oldest_unplanned: float | None


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """Effects of one status that wait for the same decision."""

    account: str
    flow: str
    step: str
    reason_code: str | None
    reason_detail: str | None
    reason: str | None
    effects: int
    since: datetime  # the oldest of them
    example: UUID


@dataclass(frozen=True, slots=True)
class EffectGroups:
    """The effects of one status, in groups. A decision about them names `at`: what comes later is not part of it."""

    at: datetime
    total: int
    groups: list[EffectGroup]


EVENTS_BY_STATUS = f"""
    SELECT derived.status, count(*) AS events
      FROM events
     CROSS JOIN LATERAL ({DERIVED}) AS derived
     WHERE events.received_at >= drumbeat_now() - %(window)s::interval
     GROUP BY derived.status
"""  # noqa: S608 - put together from constants


def events_by_status(db: Database, window: timedelta = WINDOW) -> dict[str, int]:
    """Count the events received within the window by their derived status."""
    return {row["status"]: row["events"] for row in db.run(EVENTS_BY_STATUS, {"window": window})}


# An effect is late from the moment it is due; one that is leased, being looked up, or of a paused account is not.
EFFECTS_BY_ACCOUNT = """
    SELECT account, status, count(*) AS effects,
           extract(epoch FROM drumbeat_now() - min(due_at) FILTER (
               WHERE status = 'waiting' AND due_at <= drumbeat_now()
                 AND account NOT IN (SELECT account FROM account_states
                                      WHERE paused_until > drumbeat_now())))::float8 AS oldest_due
      FROM effects
     GROUP BY account, status
     ORDER BY account, status
"""

UNPLANNED = """
    SELECT drumbeat_now() AS at, count(*) AS unplanned,
           extract(epoch FROM drumbeat_now() - min(recorded_at))::float8 AS oldest
      FROM events
     WHERE recorded_at >= (SELECT planned_until FROM relay_state)
       AND NOT EXISTS (SELECT FROM plans WHERE plans.event_id = events.id)
"""


def by_account(db: Database) -> list[AccountTotals]:
    """Count all effects by account and status."""
    accounts: dict[str, AccountTotals] = {}
    for row in db.run(EFFECTS_BY_ACCOUNT):
        before = accounts.get(row["account"])
        accounts[row["account"]] = AccountTotals(
            account=row["account"],
            effects={**(before.effects if before else {}), row["status"]: row["effects"]},
            oldest_due=row["oldest_due"] if before is None or before.oldest_due is None else before.oldest_due,
        )
    return list(accounts.values())


def totals(db: Database, window: timedelta = WINDOW) -> Totals:
    """Count everything once. Three statements; for a status screen or a scrape, not for a loop."""
    accounts = by_account(db)
    effects: Counter[str] = Counter()
    for account in accounts:
        effects.update(account.effects)
    unplanned = db.run(UNPLANNED)[0]
    return Totals(
        at=unplanned["at"],
        events=events_by_status(db, window),
        effects=effects,
        oldest_due=max((each.oldest_due for each in accounts if each.oldest_due is not None), default=None),
        unplanned=unplanned["unplanned"],
        oldest_unplanned=unplanned["oldest"],
    )


NOW = "SELECT drumbeat_now() AS at"

GROUPS = f"""
    SELECT account, flow, step, reason_code, reason_detail, min(reason) AS reason, count(*) AS effects,
           min(updated_at) AS since, (array_agg(id ORDER BY updated_at))[1] AS example
      FROM (SELECT id, account, flow, step, updated_at, {REASON}
              FROM effects
             WHERE status = %(status)s
               AND (%(account)s::text IS NULL OR account = %(account)s)
               AND (%(event)s::uuid IS NULL OR event_id = %(event)s)) AS chosen
     GROUP BY account, flow, step, reason_code, reason_detail
     ORDER BY count(*) DESC, account, flow, step, reason_code, reason_detail
"""  # noqa: S608 - put together from constants


def groups(db: Database, status: Status, *, account: str | None = None, event: UUID | None = None) -> EffectGroups:
    """Summarise the effects of one status, for a person's decision about them."""
    at = db.run(NOW)[0]["at"]  # before the count: what changes in between is not part of it
    rows = db.run(GROUPS, {"status": status.value, "account": account, "event": event})
    found = [EffectGroup(**row) for row in rows]
    return EffectGroups(at, sum(group.effects for group in found), found)
