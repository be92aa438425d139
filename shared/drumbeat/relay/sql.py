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
from drumbeat.ledger.stops import stopped
from drumbeat.ledger.unplanned import NO_PLAN

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


# What no worker has taken. `effects_due` holds it by account: people's before campaigns', each in the order it is due.
_FREE = "e.lease_until IS NULL AND e.status IN ('waiting', 'unknown') AND NOT e.of_run"
_OF_ACCOUNT = f"""
    {_FREE} AND e.account = a.account AND e.campaign = kind.campaign AND e.due_at <= (SELECT until FROM now)
"""  # noqa: S608 - put together from constants

# A lease that still runs counts as due at its end: its worker may be dead, and the next sweep a minute away. Of an
# account that is paused one effect is due, at the end of the pause: the probe. What has expired meanwhile ends. Of an
# account that was stopped, what is unknown is due besides. Of each account no more is read than may be notified of,
# however much is due. What a run sends is taken by its turns, but for what may end its worker.
DUE = f"""
    WITH RECURSIVE now AS MATERIALIZED (
        SELECT at, at + %(ahead)s AS until FROM (SELECT drumbeat_now() AS at) AS clock
    ), names AS (
        (SELECT e.account FROM effects e WHERE {_FREE} ORDER BY e.account LIMIT 1)
         UNION ALL
        SELECT (SELECT e.account FROM effects e WHERE {_FREE} AND e.account > names.account ORDER BY e.account LIMIT 1)
          FROM names
         WHERE names.account IS NOT NULL
    ), accounts AS MATERIALIZED (
        SELECT names.account, state.paused_until, {stopped("names.account")} AS stopped,
               coalesce(allowed.most, %(otherwise)s) AS most
          FROM names
          LEFT JOIN account_states state ON state.account = names.account
          LEFT JOIN unnest(%(accounts)s::text[], %(allowances)s::int[]) AS allowed (account, most)
            ON allowed.account = names.account
         WHERE names.account IS NOT NULL
    ), kinds AS (
        SELECT * FROM (VALUES (false), (true)) AS kind (campaign)
    ), due AS (
        SELECT free.id, a.account, kind.campaign, false AS halted, free.due_at, free.due_at AS at
          FROM accounts a
         CROSS JOIN kinds kind
         CROSS JOIN LATERAL (SELECT e.id, e.due_at
                               FROM effects e
                              WHERE {_OF_ACCOUNT}
                                AND (a.paused_until IS NULL OR e.expires_at <= (SELECT at FROM now))
                                AND (NOT a.stopped OR e.status = 'unknown' OR e.expires_at <= (SELECT at FROM now))
                              ORDER BY e.due_at, e.id
                              LIMIT a.most) AS free
         UNION ALL
        SELECT probe.id, a.account, kind.campaign, true, probe.due_at, greatest(probe.due_at, a.paused_until)
          FROM accounts a
         CROSS JOIN kinds kind
         CROSS JOIN LATERAL (SELECT e.id, e.due_at
                               FROM effects e
                              WHERE {_OF_ACCOUNT}
                                AND (e.expires_at <= (SELECT at FROM now)) IS NOT TRUE
                                AND (NOT a.stopped OR e.status = 'unknown')
                              ORDER BY e.due_at, e.id
                              LIMIT 1) AS probe
         WHERE a.paused_until <= (SELECT until FROM now)
         UNION ALL
        SELECT e.id, e.account, e.campaign, false, e.due_at, greatest(e.due_at, e.lease_until)
          FROM effects e
         WHERE e.lease_until IS NOT NULL
           AND e.status IN ('claimed', 'sending', 'unknown')
           AND e.due_at <= (SELECT until FROM now)
         UNION ALL
        SELECT e.id, e.account, e.campaign, false, e.due_at, e.due_at
          FROM effects e
         WHERE e.of_run AND e.crashes > 0 AND e.lease_until IS NULL AND e.status IN ('waiting', 'unknown')
           AND e.due_at <= (SELECT until FROM now)
           AND (e.status = 'unknown' OR e.expires_at <= (SELECT at FROM now) OR NOT {stopped("e.account")})
    )
    SELECT placed.id, placed.account, placed.campaign,
           extract(epoch FROM placed.at - (SELECT at FROM now))::float8 AS due_in, placed.place
      FROM (SELECT due.*,
                   row_number() OVER (PARTITION BY account, halted ORDER BY campaign, due_at, id) AS place
              FROM due) AS placed
      LEFT JOIN unnest(%(accounts)s::text[], %(allowances)s::int[]) AS allowed (name, most) ON name = placed.account
     WHERE place <= CASE WHEN halted THEN 1 ELSE coalesce(allowed.most, %(otherwise)s) END
     ORDER BY campaign, place, account
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


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
FORGOTTEN = f"""
    SELECT events.id, events.campaign, events.recorded_at,
           extract(epoch FROM drumbeat_now() - events.recorded_at)::float8 AS age
      FROM (SELECT id, type = 'CAMPAIGN_TRIGGER' AS campaign, recorded_at
              FROM events
             WHERE id = ANY (%(named)s)
             UNION
            SELECT id, type = 'CAMPAIGN_TRIGGER', recorded_at
              FROM events
             WHERE recorded_at >= (SELECT least(searched_until, drumbeat_now() - %(back)s::interval) FROM relay_state)
               AND recorded_at <= drumbeat_now() - %(grace)s
             UNION
            SELECT id, type = 'CAMPAIGN_TRIGGER', events.recorded_at
              FROM unplanned
              JOIN events ON events.id = unplanned.event_id) AS events
     WHERE {NO_PLAN}
       AND EXISTS (SELECT FROM configs)
       AND (%(id)s::uuid IS NULL
            OR (events.campaign, events.recorded_at, events.id) > (%(campaign)s, %(recorded_at)s, %(id)s::uuid))
     ORDER BY events.campaign, events.recorded_at, events.id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


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


# A transaction that was slow to commit may still bring an event that is a little older than now: hence the margin. What
# has no plan yet when the search passes it is listed, so that one event which is never planned costs one look a sweep,
# and not a search of all that came after it.
ADVANCE = f"""
    WITH passed AS MATERIALIZED (
        SELECT drumbeat_now() - %(margin)s AS until,
               least(searched_until, drumbeat_now() - %(back)s::interval) AS begin
          FROM relay_state
    ), found AS MATERIALIZED (
        SELECT id, recorded_at
          FROM events
         WHERE recorded_at >= (SELECT begin FROM passed)
           AND recorded_at < (SELECT until FROM passed)
           AND {NO_PLAN}
         ORDER BY recorded_at
         LIMIT %(most)s
    ), listed AS (
        INSERT INTO unplanned (event_id, recorded_at) SELECT id, recorded_at FROM found ON CONFLICT DO NOTHING
    ), planned AS (
        DELETE FROM unplanned
         USING (SELECT plans.event_id FROM unplanned u JOIN plans ON plans.event_id = u.event_id
                 UNION
                SELECT runs.id FROM unplanned u JOIN runs ON runs.id = u.event_id AND runs.state = 'cancelled') AS ended
         WHERE ended.event_id = unplanned.event_id
     RETURNING unplanned.event_id
    ), left_over AS (
        SELECT recorded_at FROM found
         UNION ALL
        SELECT recorded_at
          FROM unplanned
         WHERE NOT EXISTS (SELECT FROM planned WHERE planned.event_id = unplanned.event_id)
    ), reached AS (
        SELECT CASE WHEN (SELECT count(*) FROM found) < %(most)s THEN until
                    ELSE (SELECT max(recorded_at) FROM found) END AS at
          FROM passed
    )
    UPDATE relay_state
       SET searched_until = reached.at,
           planned_until = least(reached.at, (SELECT min(recorded_at) FROM left_over))
      FROM reached
     WHERE reached.at > searched_until OR %(back)s::interval IS NOT NULL
"""  # noqa: S608 - put together from constants
EVENTS_PER_ADVANCE = 10_000  # without a plan


def advance(db: Database, *, margin: timedelta, back: timedelta | None) -> None:
    """Note up to when events were searched, so that the next search begins there; `back`: earlier, if need be.

    It only saves reading, so that it waits for no one: a row that is locked stays as it is.
    """
    with suppress(LockNotAvailable):
        db.run(ADVANCE, {"margin": margin, "back": back, "most": EVENTS_PER_ADVANCE})


# A flow that failed again leaves no trace, so it is only tried soon after an `apply`, and in a full sweep. A list's
# confirmation is a flow as well.
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
                    WHERE (configs.compiled -> 'flows' ? flow
                           OR starts_with(flow, 'confirm:')
                              AND configs.compiled #>> ARRAY['lists', substr(flow, 9), 'confirm'] IS NOT NULL)
                      AND NOT EXISTS (SELECT FROM replans
                                       WHERE replans.event_id = plans.event_id AND replans.flow = flow)
                      AND NOT EXISTS (SELECT FROM dismissals
                                       WHERE dismissals.event_id = plans.event_id AND flow = ANY (dismissals.flows)))
     ORDER BY plans.event_id
     LIMIT %(limit)s
"""


def replannable_events(db: Database, *, fresh: timedelta, full: bool, limit: int, after: UUID) -> list[UUID]:
    """List events with a flow that failed to plan and that a later configuration may plan, by their ids."""
    return [row["id"] for row in db.run(REPLANNABLE, {"fresh": fresh, "full": full, "limit": limit, "after": after})]


# What waits for its account's pause is due when that ends, if anything waits for it.
NEXT = f"""
    SELECT extract(epoch FROM min(due_at) - drumbeat_now())::float8 AS due_in
      FROM ((SELECT due_at
               FROM effects
              WHERE status IN ('waiting', 'claimed', 'sending', 'unknown')
                AND due_at > drumbeat_now()
                AND due_at < 'infinity'
                AND (due_at > drumbeat_now() + %(ahead)s OR lease_until > drumbeat_now())
                AND (lease_until > drumbeat_now()
                     OR account NOT IN (SELECT account FROM account_states WHERE paused_until > due_at))
                AND (lease_until > drumbeat_now() OR status = 'unknown' OR NOT {stopped("effects.account")})
              ORDER BY due_at
              LIMIT 1)
             UNION ALL
            (SELECT paused_until
               FROM account_states state
              WHERE paused_until > drumbeat_now() + %(ahead)s
                AND EXISTS (SELECT
                              FROM effects e
                             WHERE {_FREE}
                               AND e.account = state.account
                               AND e.campaign = ANY ('{{false,true}}')
                               AND e.due_at <= state.paused_until
                               AND (e.status = 'unknown' OR NOT {stopped("e.account")}))
              ORDER BY paused_until
              LIMIT 1)) AS first
"""  # noqa: S608 - put together from constants


def next_due(db: Database, *, ahead: timedelta) -> float | None:
    """Return in how many seconds the first effect is due that `due_effects` does not list yet; None: nothing is."""
    due_in: float | None = db.run(NEXT, {"ahead": ahead})[0]["due_in"]
    return due_in
