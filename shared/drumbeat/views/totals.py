"""Counts, for a status screen, a scrape and an alarm."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from drumbeat.ledger.stops import stopped
from drumbeat.ledger.unplanned import NO_PLAN, SEARCHED
from drumbeat.views.counts import COUNTED_EFFECTS, COUNTED_MINUTES
from drumbeat.views.derived import DERIVED, LASTING_CANDIDATES, REASON

WINDOW = timedelta(hours=24)
GROUPS_SHOWN = 500


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
    """The effects of one status, in groups, the largest first. A decision about them names `at`: what comes later is
    not part of it. `left_out`: how many groups there are beyond those; the total counts their effects, too.
    """

    at: datetime
    total: int
    groups: list[EffectGroup]
    left_out: int


# Nearly all events are done, so those are what is left of all when the others are counted; a delivery that was split is
# counted as its facts are. What went wrong is found by
# when it did: the effects of an event are planned after it was received, give or take the skew of a clock.
EVENTS_BY_STATUS = f"""
    WITH span AS MATERIALIZED (
        SELECT since, since - interval '1 hour' AS changed
          FROM (SELECT minute_of(drumbeat_now() - %(window)s::interval) AS since) AS start
    ), received AS (
        SELECT coalesce(sum(events), 0) AS n
          FROM ({COUNTED_MINUTES}) AS counted
         WHERE minute >= (SELECT since FROM span)
    ), split AS (
        SELECT count(*) AS n FROM deliveries WHERE received_at >= (SELECT since FROM span)
    ), wanting AS MATERIALIZED (
        SELECT events.id
          FROM (SELECT event_id FROM effects
                 WHERE status IN ('held', 'refused') AND updated_at >= (SELECT changed FROM span)
                 UNION
                {LASTING_CANDIDATES} AND outcomes.at >= (SELECT changed FROM span)) AS candidate
          JOIN events ON events.id = candidate.event_id
         CROSS JOIN LATERAL ({DERIVED}) AS derived
         WHERE events.received_at >= (SELECT since FROM span) AND derived.status = 'attention'
    ), unplanned AS MATERIALIZED (
        SELECT events.id
          FROM ({SEARCHED}) AS events
         WHERE events.received_at >= (SELECT since FROM span) AND {NO_PLAN}
           AND NOT EXISTS (SELECT FROM wanting WHERE wanting.id = events.id)
    ), of_runs AS MATERIALIZED (
        SELECT runs.id, runs.state IN ('expanding', 'running', 'paused') AS begun
          FROM runs
          JOIN events ON events.id = runs.id
          JOIN plans ON plans.event_id = runs.id
         WHERE runs.state IN ('planned', 'awaiting_approval', 'missed', 'expanding', 'running', 'paused')
           AND events.received_at >= (SELECT since FROM span)
           AND NOT EXISTS (SELECT FROM wanting WHERE wanting.id = runs.id)
    ), open AS MATERIALIZED (
        SELECT events.id,
               CASE WHEN bool_and(effects.status = 'waiting' AND effects.fence = 0) THEN count(*) END AS untouched
          FROM effects
          JOIN events ON events.id = effects.event_id
         WHERE effects.status IN ('waiting', 'claimed', 'sending', 'unknown')
           AND events.received_at >= (SELECT since FROM span)
           AND NOT EXISTS (SELECT FROM wanting WHERE wanting.id = events.id)
           AND NOT EXISTS (SELECT FROM of_runs WHERE of_runs.id = events.id)
         GROUP BY events.id
    ), judged AS MATERIALIZED (
        SELECT untouched IS NULL
               OR untouched < (SELECT count(*) FROM effects WHERE effects.event_id = open.id) AS begun
          FROM open
    ), counted AS (
        SELECT (SELECT count(*) FROM wanting) AS attention,
               (SELECT count(*) FROM unplanned) AS recorded,
               (SELECT count(*) FROM judged WHERE begun)
               + (SELECT count(*) FROM of_runs WHERE begun) AS in_progress,
               (SELECT count(*) FROM judged WHERE NOT begun)
               + (SELECT count(*) FROM of_runs WHERE NOT begun) AS planned
    )
    SELECT attention, recorded, in_progress, planned,
           greatest(received.n - split.n - attention - recorded - in_progress - planned, 0)::int AS done
      FROM counted, received, split
"""  # noqa: S608 - put together from constants


def events_by_status(db: Database, window: timedelta = WINDOW) -> dict[str, int]:
    """Count the events received within the window, which begins with a whole minute, by their derived status."""
    (counts,) = db.run(EVENTS_BY_STATUS, {"window": window})
    return {status: events for status, events in counts.items() if events}


# An effect is late from the moment it is due; one that is leased, being looked up, or of a paused account is not. What
# has ended is counted already; of what is open the little that does not wait is read.
EFFECTS_BY_ACCOUNT = f"""
    WITH counted AS MATERIALIZED (
        SELECT account, status, sum(n)::bigint AS effects FROM ({COUNTED_EFFECTS}) AS counts GROUP BY account, status
    ), not_waiting AS MATERIALIZED (
        SELECT account, status, count(*) AS effects FROM effects WHERE status IN ('held', 'unknown')
         GROUP BY account, status
         UNION ALL
        SELECT account, status, count(*) FROM effects WHERE lease_until IS NOT NULL AND status IN ('claimed', 'sending')
         GROUP BY account, status
    ), by_status AS (
        SELECT account, status, effects FROM counted WHERE status <> 'open'
         UNION ALL
        SELECT account, status, effects FROM not_waiting
         UNION ALL
        SELECT account, 'waiting',
               effects - coalesce((SELECT sum(other.effects)
                                     FROM not_waiting AS other
                                    WHERE other.account = counted.account), 0)::bigint
          FROM counted
         WHERE status = 'open'
    )
    SELECT account, status, effects,
           CASE WHEN status = 'waiting' THEN extract(epoch FROM drumbeat_now() - (
               SELECT min(first.due_at)
                 FROM (VALUES (false), (true)) AS kind (campaign)
                CROSS JOIN LATERAL (SELECT e.due_at
                                      FROM effects e
                                     WHERE e.lease_until IS NULL AND e.status IN ('waiting', 'unknown')
                                       AND NOT e.of_run
                                       AND e.status = 'waiting'
                                       AND e.account = by_status.account AND e.campaign = kind.campaign
                                       AND e.due_at <= drumbeat_now()
                                     ORDER BY e.due_at
                                     LIMIT 1) AS first
                WHERE by_status.account NOT IN (SELECT account FROM account_states
                                                 WHERE paused_until > drumbeat_now())
                  AND NOT {stopped("by_status.account")}))::float8 END AS oldest_due
      FROM by_status
     WHERE effects > 0
     ORDER BY account, status
"""  # noqa: S608 - put together from constants

UNPLANNED = f"""
    SELECT drumbeat_now() AS at, count(*) AS unplanned,
           extract(epoch FROM drumbeat_now() - min(recorded_at))::float8 AS oldest
      FROM ({SEARCHED}) AS events
     WHERE {NO_PLAN}
"""  # noqa: S608 - put together from constants


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


def totals(db: Database, window: timedelta = WINDOW, *, accounts: Sequence[AccountTotals] | None = None) -> Totals:
    """Count everything once, `accounts` where they are not given. Three statements; for a status screen, not a loop."""
    accounts = by_account(db) if accounts is None else accounts
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
           min(updated_at) AS since, min(id::text)::uuid AS example,
           sum(count(*)) OVER ()::bigint AS total, count(*) OVER () AS groups
      FROM (SELECT id, account, flow, step, updated_at, {REASON}
              FROM effects
             WHERE status = %(status)s
               AND (%(account)s::text IS NULL OR account = %(account)s)
               AND (%(event)s::uuid IS NULL OR event_id = %(event)s)
               AND (%(since)s::timestamptz IS NULL OR updated_at >= %(since)s)) AS chosen
     GROUP BY account, flow, step, reason_code, reason_detail
     ORDER BY effects DESC, account, flow, step, reason_code, reason_detail
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def groups(
    db: Database,
    status: Status,
    *,
    account: str | None = None,
    event: UUID | None = None,
    since: datetime | None = None,
) -> EffectGroups:
    """Summarise the effects of one status, for a person's decision; `since`: those that came to it then or later."""
    at = db.run(NOW)[0]["at"]  # before the count: what changes in between is not part of it
    rows = db.run(
        GROUPS, {"status": status.value, "account": account, "event": event, "since": since, "limit": GROUPS_SHOWN}
    )
    total, groups = (rows[0]["total"], rows[0]["groups"]) if rows else (0, 0)
    found = [
        EffectGroup(**{name: value for name, value in row.items() if name not in ("total", "groups")}) for row in rows
    ]
    return EffectGroups(at, total, found, groups - len(found))
