"""What the relay reads from the ledger: what is due, what is unplanned, what comes next.

Each is one statement and one commit: nothing is locked while workers are notified.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.errors import LockNotAvailable

from drumbeat.core.compatibility import known
from drumbeat.core.configuration import Limit
from drumbeat.ledger.database import Database

LIMITS = """
    SELECT account.key AS account, account.value -> 'limits' AS limits
      FROM configs
     CROSS JOIN LATERAL jsonb_each(compiled -> 'accounts') AS account
     WHERE version = (SELECT max(version) FROM configs)
"""


def limits(db: Database) -> dict[str, tuple[Limit, ...]]:
    """Return the rate limits of the accounts of the configuration in force."""
    return {row["account"]: tuple(known(Limit, limit) for limit in row["limits"]) for row in db.run(LIMITS)}


@dataclass(frozen=True, slots=True)
class DueEffect:
    """An effect that is due soon, or whose lease ends; `place` counts its account's from one, as they are notified."""

    id: UUID
    account: str
    campaign: bool
    due_in: float  # seconds; negative when overdue
    place: int


# A lease that still runs counts as due at its end: its worker may be dead, and the next sweep a minute away. Of an
# account that is paused one effect is due, at the end of the pause: the probe. What has expired meanwhile ends.
DUE = """
    SELECT id, account, campaign, due_in, place
      FROM (SELECT e.id, e.account, halted, events.type = 'CAMPAIGN_TRIGGER' AS campaign,
                   extract(epoch FROM greatest(e.due_at, e.lease_until, CASE WHEN halted THEN state.paused_until END)
                                      - drumbeat_now())::float8 AS due_in,
                   row_number() OVER (PARTITION BY e.account, halted
                                          ORDER BY events.type = 'CAMPAIGN_TRIGGER', e.due_at, e.id) AS place
              FROM effects e
              JOIN events ON events.id = e.event_id
              LEFT JOIN account_states state ON state.account = e.account
             CROSS JOIN LATERAL (SELECT state.paused_until IS NOT NULL
                                        AND e.lease_until IS NULL
                                        AND (e.expires_at <= drumbeat_now()) IS NOT TRUE AS halted) AS judged
             WHERE e.status IN ('waiting', 'claimed', 'sending', 'unknown')
               AND e.due_at <= drumbeat_now() + %(ahead)s
               AND (NOT halted OR state.paused_until <= drumbeat_now() + %(ahead)s)) AS due
      LEFT JOIN unnest(%(accounts)s::text[], %(allowances)s::int[]) AS allowed (name, most) ON name = account
     WHERE place <= CASE WHEN halted THEN 1 ELSE coalesce(most, %(otherwise)s) END
     ORDER BY campaign, place, account
     LIMIT %(limit)s
"""


def due_effects(
    db: Database, *, ahead: timedelta, allowances: Mapping[str, int], otherwise: int, limit: int
) -> list[DueEffect]:
    """List what is due, or leased until some time, within `ahead`: at most its allowance for each account.

    What people caused themselves comes before what campaigns send, and the accounts take turns.
    """
    rows = db.run(
        DUE,
        {
            "ahead": ahead,
            "accounts": list(allowances),
            "allowances": list(allowances.values()),
            "otherwise": otherwise,
            "limit": limit,
        },
    )
    return [DueEffect(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class ForgottenEvent:
    """A recorded event without a plan, and for how long, in seconds."""

    id: UUID
    campaign: bool
    recorded_at: datetime
    age: float


# Without any configuration there is nothing to plan by; the events stay, and are found after the first one. Where the
# search begins is only an instant of the ledger's clock, which may have been set back since: an event with a due entry
# is found whenever it was recorded, and a search that goes `back` begins so much before now at the latest.
FORGOTTEN = """
    SELECT e.id, e.type = 'CAMPAIGN_TRIGGER' AS campaign, e.recorded_at,
           extract(epoch FROM drumbeat_now() - e.recorded_at)::float8 AS age
      FROM events e
     WHERE (e.id = ANY (%(named)s)
            OR (e.recorded_at >= (SELECT least(planned_until, drumbeat_now() - %(back)s::interval) FROM relay_state)
                AND e.recorded_at <= drumbeat_now() - %(grace)s))
       AND NOT EXISTS (SELECT FROM plans WHERE plans.event_id = e.id)
       AND EXISTS (SELECT FROM configs)
       AND (%(id)s::uuid IS NULL
            OR (e.type = 'CAMPAIGN_TRIGGER', e.recorded_at, e.id) > (%(campaign)s, %(recorded_at)s, %(id)s::uuid))
     ORDER BY campaign, e.recorded_at, e.id
     LIMIT %(limit)s
"""


def forgotten_events(
    db: Database,
    *,
    grace: timedelta,
    named: Sequence[UUID],
    back: timedelta | None,
    limit: int,
    after: ForgottenEvent | None = None,
) -> list[ForgottenEvent]:
    """List events without a plan that are older than `grace` or among the named ones, those of campaigns last.

    The list goes on `after` the last event of the one before.
    """
    begin = {
        "id": after and after.id,
        "campaign": after and after.campaign,
        "recorded_at": after and after.recorded_at,
    }
    rows = db.run(FORGOTTEN, {"grace": grace, "named": list(named), "back": back, "limit": limit, **begin})
    return [ForgottenEvent(**row) for row in rows]


# A transaction that was slow to commit may still bring an event that is a little older than now: hence the margin.
ADVANCE = """
    UPDATE relay_state
       SET planned_until = reached.at
      FROM (SELECT least(drumbeat_now() - %(margin)s,
                         (SELECT min(e.recorded_at)
                            FROM events e
                           WHERE e.recorded_at >= (SELECT least(planned_until, drumbeat_now() - %(back)s::interval)
                                                     FROM relay_state)
                             AND NOT EXISTS (SELECT FROM plans WHERE plans.event_id = e.id))) AS at) AS reached
     WHERE reached.at > planned_until OR %(back)s::interval IS NOT NULL
"""


def advance(db: Database, *, margin: timedelta, back: timedelta | None) -> None:
    """Note up to when every event is planned, so that the next search begins there; `back`: earlier, if need be.

    It only saves reading, so that it waits for no one: a row that is locked stays as it is.
    """
    with suppress(LockNotAvailable):
        db.run(ADVANCE, {"margin": margin, "back": back})


# A flow that failed again leaves no trace, so it is only tried soon after an `apply`, and in a full sweep.
REPLANNABLE = """
    SELECT plans.event_id AS id
      FROM plans
      JOIN configs ON configs.version = (SELECT max(version) FROM configs)
     WHERE plans.failed <> '{}'
       AND plans.version < configs.version
       AND (configs.applied_at > drumbeat_now() - %(fresh)s OR %(full)s)
       AND plans.event_id > %(after)s
       AND EXISTS (SELECT
                     FROM jsonb_object_keys(plans.failed) AS flow
                    WHERE configs.compiled -> 'flows' ? flow
                      AND NOT EXISTS (SELECT FROM replans
                                       WHERE replans.event_id = plans.event_id AND replans.flow = flow))
     ORDER BY plans.event_id
     LIMIT %(limit)s
"""


def replannable_events(db: Database, *, fresh: timedelta, full: bool, limit: int, after: UUID) -> list[UUID]:
    """List events with a flow that failed to plan and that a later configuration may plan, by their ids."""
    return [row["id"] for row in db.run(REPLANNABLE, {"fresh": fresh, "full": full, "limit": limit, "after": after})]


# What waits for its account's pause is due when that ends, if anything waits for it.
NEXT = """
    SELECT extract(epoch FROM min(due_at) - drumbeat_now())::float8 AS due_in
      FROM ((SELECT due_at
               FROM effects
              WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')
                AND due_at > drumbeat_now()
                AND due_at < 'infinity'
                AND (due_at > drumbeat_now() + %(ahead)s OR lease_until > drumbeat_now())
                AND (lease_until > drumbeat_now()
                     OR account NOT IN (SELECT account FROM account_states WHERE paused_until > due_at))
              ORDER BY due_at
              LIMIT 1)
             UNION ALL
            (SELECT paused_until
               FROM account_states state
              WHERE paused_until > drumbeat_now() + %(ahead)s
                AND EXISTS (SELECT
                              FROM effects e
                             WHERE e.account = state.account
                               AND e.status IN ('waiting', 'unknown')
                               AND e.due_at <= state.paused_until)
              ORDER BY paused_until
              LIMIT 1)) AS first
"""


def next_due(db: Database, *, ahead: timedelta) -> float | None:
    """Return in how many seconds the first effect is due that `due_effects` does not list yet; None: nothing is."""
    due_in: float | None = db.run(NEXT, {"ahead": ahead})[0]["due_in"]
    return due_in
