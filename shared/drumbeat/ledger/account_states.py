"""Accounts that do not answer: what failed since they last did, until when they are paused, and who may probe.

An effect of a paused account stays as it is: it is not claimed, so it costs no journal row and no call. Once the pause
is over, one effect is claimed as a probe; what its call shows ends the pause or doubles it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.ledger.database import Database

FAILURES_THAT_PAUSE = 3  # different effects in a row without an answer between: one bad message pauses no account
FIRST_PAUSE_SECONDS = 5.0
MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What a batch of calls showed of one account.

    `failed` names effects whose calls the account did not answer. `at_once`: one of them says that the whole account
    has to wait (429), for `pause` seconds where it says how long. `probe`: one of the calls was the probe.
    """

    account: str
    answered: bool
    failed: Sequence[UUID] = ()
    at_once: bool = False
    pause: float | None = None
    probe: bool = False
    reason: Reason | None = None
    longest: float = 900.0  # seconds that a pause of our own may last
    jitter: float = 1.0  # of that length


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account that does not answer."""

    account: str
    since: datetime
    paused_until: datetime | None  # in the past: a probe is awaited
    paused_for: float | None  # seconds from now; negative: over for so long
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Consequences:
    """What reports led to: accounts that go on again, and those whose pause began or grew, with its seconds.

    `stopped` are those that begin to be paused because calls failed, not because they asked for a little time.
    """

    stopped: Collection[str] = ()
    resumed: Collection[str] = ()
    paused: Mapping[str, float] = field(default_factory=dict)


# An answer forgets everything, unless the account said that it has to wait; during a pause only the probe's does, as a
# call that was under way when it began says nothing about it. A pause begins at once when the account asked for it,
# else when enough different effects have failed; only the probe makes it longer, for the same reason. The lock of the
# row orders the reports of two workers.
REPORT = """
    WITH told AS MATERIALIZED (
        SELECT account, answered, failed::uuid[] AS failed, at_once, asked, probe, code, detail, longest, jitter
          FROM unnest(%(accounts)s::text[], %(answered)s::bool[], %(failed)s::text[], %(at_once)s::bool[],
                      %(asked)s::float8[], %(probes)s::bool[], %(codes)s::text[], %(details)s::text[],
                      %(longest)s::float8[], %(jitters)s::float8[])
                   AS i (account, answered, failed, at_once, asked, probe, code, detail, longest, jitter)
         ORDER BY account
    ), before AS MATERIALIZED (
        SELECT account, pauses FROM account_states WHERE account IN (SELECT account FROM told)
    ), resumed AS (
        DELETE FROM account_states a
         USING told
         WHERE a.account = told.account AND told.answered AND NOT told.at_once
           AND (told.probe OR a.paused_until IS NULL OR a.paused_until <= drumbeat_now())
     RETURNING a.account, a.paused_until IS NOT NULL AS was_paused
    ), failing AS (
        INSERT INTO account_states AS a (account, failed, pauses, paused_until, reason_code, reason_detail)
        SELECT account, failed,
               CASE WHEN stops THEN 1 ELSE 0 END,
               CASE WHEN stops THEN drumbeat_now()
                                    + make_interval(secs => coalesce(asked, least(longest, %(first)s) * jitter)) END,
               code, detail
          FROM told
         CROSS JOIN LATERAL (SELECT at_once OR cardinality(failed) >= %(enough)s AS stops) AS judged
         WHERE at_once OR NOT answered
            ON CONFLICT (account) DO UPDATE
           SET (failed, pauses, paused_until, reason_code, reason_detail) = (
               SELECT seen.failed[1:%(enough)s],
                      a.pauses + CASE WHEN longer THEN 1 ELSE 0 END,
                      CASE WHEN longer
                           THEN drumbeat_now() + make_interval(secs => greatest(
                                    told.asked,
                                    CASE WHEN told.asked IS NULL OR a.pauses > 0
                                         THEN least(told.longest, %(first)s * 2.0 ^ least(a.pauses, %(doublings)s))
                                              * told.jitter END))
                           WHEN told.asked IS NOT NULL
                           THEN greatest(a.paused_until, drumbeat_now() + make_interval(secs => told.asked))
                           ELSE a.paused_until END,
                      told.code, told.detail
                 FROM told
                CROSS JOIN LATERAL (SELECT array_agg(DISTINCT one) AS failed
                                      FROM unnest(a.failed || told.failed) AS one) AS seen
                CROSS JOIN LATERAL (SELECT told.probe
                                           OR (a.paused_until IS NULL
                                               AND (told.at_once OR cardinality(seen.failed) >= %(enough)s))
                                           AS longer) AS judged
                WHERE told.account = a.account)
     RETURNING a.account, a.pauses, a.paused_until
    )
    SELECT account, was_paused AS resumed, false AS stopped, NULL::float8 AS paused_for FROM resumed
     UNION ALL
    SELECT failing.account, false,
           failing.pauses = 1 AND coalesce(before.pauses, 0) = 0 AND NOT told.at_once,
           CASE WHEN failing.pauses > coalesce(before.pauses, 0) OR told.asked IS NOT NULL
                THEN extract(epoch FROM failing.paused_until - drumbeat_now())::float8 END
      FROM failing
      JOIN told USING (account)
      LEFT JOIN before USING (account)
"""


def report(db: Database, reports: Sequence[Report]) -> Consequences:
    """Keep what calls showed of their accounts, and pause those that do not answer."""
    rows = db.run(
        REPORT,
        {
            "accounts": [each.account for each in reports],
            "answered": [each.answered for each in reports],
            "failed": ["{" + ",".join(map(str, each.failed[:FAILURES_THAT_PAUSE])) + "}" for each in reports],
            "at_once": [each.at_once for each in reports],
            "asked": [each.pause for each in reports],
            "probes": [each.probe for each in reports],
            "codes": [each.reason and each.reason.code.value for each in reports],
            "details": [each.reason and each.reason.detail for each in reports],
            "longest": [each.longest for each in reports],
            "jitters": [each.jitter for each in reports],
            "first": FIRST_PAUSE_SECONDS,
            "enough": FAILURES_THAT_PAUSE,
            "doublings": MAX_DOUBLINGS,
        },
    )
    return Consequences(
        stopped=[row["account"] for row in rows if row["stopped"]],
        resumed=[row["account"] for row in rows if row["resumed"]],
        paused={row["account"]: row["paused_for"] for row in rows if row["paused_for"] is not None},
    )


# Taking the probe prolongs the pause by a lease: whatever becomes of the one that took it, another may try after that.
PROBE = """
    UPDATE account_states
       SET paused_until = drumbeat_now() + %(lease)s
     WHERE account = ANY (%(accounts)s) AND paused_until <= drumbeat_now()
 RETURNING account
"""


def take_probes(db: Database, accounts: Iterable[str], *, lease: timedelta) -> list[str]:
    """Return those of the accounts whose pause is over, each for one caller only: it may claim one effect."""
    return [row["account"] for row in db.run(PROBE, {"accounts": list(accounts), "lease": lease})]


RETURN_PROBE = """
    UPDATE account_states
       SET paused_until = drumbeat_now()
     WHERE account = ANY (%(accounts)s) AND paused_until <= drumbeat_now() + %(lease)s
"""


def return_probes(db: Database, accounts: Iterable[str], *, lease: timedelta) -> None:
    """Let another effect probe at once: the one that was to do it took no call. A longer pause has begun meanwhile."""
    db.run(RETURN_PROBE, {"accounts": list(accounts), "lease": lease})


RESUME = "DELETE FROM account_states WHERE account = %(account)s RETURNING paused_until IS NOT NULL AS was_paused"


def resume(db: Database, account: str) -> bool:
    """End the account's pause, and forget what failed; return whether it was paused."""
    return any(row["was_paused"] for row in db.run(RESUME, {"account": account}))


STATES = """
    SELECT account, since, paused_until, reason_code, reason_detail,
           extract(epoch FROM paused_until - drumbeat_now())::float8 AS paused_for
      FROM account_states
     ORDER BY account
"""


def states(db: Database) -> dict[str, AccountState]:
    """Return the accounts that do not answer; all others do."""
    return {
        row["account"]: AccountState(
            account=row["account"],
            since=row["since"],
            paused_until=row["paused_until"],
            paused_for=row["paused_for"],
            reason=Reason(ReasonCode(row["reason_code"]), row["reason_detail"]) if row["reason_code"] else None,
        )
        for row in db.run(STATES)
    }


# What an account that answers again owes: people first, then campaigns, each the oldest first. Runs have turns.
OWED = """
    SELECT e.id
      FROM effects e
      JOIN events ON events.id = e.event_id
     WHERE e.account = ANY (%(accounts)s)
       AND e.status IN ('waiting', 'unknown')
       AND e.due_at <= drumbeat_now()
       AND NOT e.of_run
       AND (e.lease_until IS NULL OR e.lease_until <= drumbeat_now())
     ORDER BY events.type = 'CAMPAIGN_TRIGGER', e.due_at, e.id
     LIMIT %(limit)s
"""


def owed(db: Database, accounts: Collection[str], *, limit: int) -> list[UUID]:
    """List effects of these accounts that are due."""
    return [row["id"] for row in db.run(OWED, {"accounts": list(accounts), "limit": limit})]
