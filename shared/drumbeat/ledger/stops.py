"""Stops: what may not be sent until a person lets it go on, be it an account or everything.

They stand in one row, `gate`, which every opening of an attempt locks. A stop is a person's own, or an invariant's that
was found broken: who lets the one go on leaves the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from drumbeat.ledger.database import Database

# Share locks of a row go past an update that waits: with many workers there is always one, and the update never comes.
# Openings and stops queue for this lock before they take the row's, and that queue is a fair one.
QUEUE: LiteralString = "hashtext('drumbeat gate')"


@dataclass(frozen=True, slots=True)
class Stop:
    """What is stopped, by whom, since when and why. `account` None: everything."""

    account: str | None
    invariant: str | None  # None: a person's own
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StopEntry:
    """One line of the journal: something was stopped, or goes on; the reason is None where none had to be given."""

    id: int
    account: str | None
    invariant: str | None
    stopped: bool
    reason: str | None
    actor: str
    at: datetime


def of_row(account: LiteralString) -> LiteralString:
    """Return a condition on a locked row `gate`: the account of this expression may not send."""
    everything: LiteralString = "gate.stops @> '[{\"account\": null}]'"
    one = "gate.stops @> jsonb_build_array(jsonb_build_object('account', " + account + "))"
    return "(gate.stops <> '[]' AND (" + everything + " OR " + one + "))"


# Neither names the row that is asked about, so each is read once for a statement, however many rows are.
_EVERYTHING: LiteralString = "(SELECT gate.stops @> '[{\"account\": null}]' FROM gate)"
_NAMED: LiteralString = (
    "ARRAY(SELECT stop ->> 'account' FROM gate, jsonb_array_elements(gate.stops) AS stop"
    " WHERE stop ->> 'account' IS NOT NULL)"
)


def stopped(account: LiteralString) -> LiteralString:
    """Return a condition, as of the statement's beginning: the account of this expression may not send."""
    return "(" + _EVERYTHING + " OR " + account + " = ANY (" + _NAMED + "))"


IN_FORCE = """
    SELECT stop ->> 'account' AS account, stop ->> 'invariant' AS invariant, stop ->> 'reason' AS reason,
           stop ->> 'actor' AS actor, (stop ->> 'at')::timestamptz AS at
      FROM gate
     CROSS JOIN LATERAL jsonb_array_elements(stops) AS stop
     ORDER BY at, account, invariant
"""


def in_force(db: Database) -> list[Stop]:
    """Return the stops in force, oldest first."""
    return [Stop(**row) for row in db.run(IN_FORCE)]


NOW = "SELECT drumbeat_now() AS at"


def now(db: Database) -> datetime:
    """Return the ledger's time, by which stops are dated."""
    at: datetime = db.run(NOW)[0]["at"]
    return at


# An update that waited for the row is worked out anew from what it finds, and its time is read after that: the journal
# is in the order in which openings saw it.
STOP = f"""
    WITH asked AS MATERIALIZED (
        SELECT jsonb_build_object('account', %(account)s::text, 'invariant', %(invariant)s::text) AS it
          FROM (SELECT pg_advisory_xact_lock({QUEUE})) AS queued
    ), placed AS (
        UPDATE gate
           SET stops = gate.stops || jsonb_build_array(
                   asked.it || jsonb_build_object('reason', %(reason)s::text, 'actor', %(actor)s::text,
                                                  'at', drumbeat_now()))
          FROM asked
         WHERE NOT gate.stops @> jsonb_build_array(asked.it)
     RETURNING 1
    )
    INSERT INTO stop_journal (account, invariant, stopped, reason, actor)
    SELECT %(account)s, %(invariant)s, true, %(reason)s, %(actor)s FROM placed
 RETURNING id
"""  # noqa: S608 - put together from constants


def stop(db: Database, account: str | None, *, reason: str, actor: str, invariant: str | None = None) -> bool:
    """Let no attempt be opened any more for an account, or for any (None); False: it was stopped so already."""
    return bool(db.run(STOP, {"account": account, "invariant": invariant, "reason": reason, "actor": actor}))


# One that is newer than what was seen stays. (What was seen may have come as JSON, which has milliseconds.)
LIFT = f"""
    WITH asked AS MATERIALIZED (
        SELECT jsonb_build_object('account', %(account)s::text, 'invariant', %(invariant)s::text) AS it,
               coalesce(%(seen)s::timestamptz + interval '1 millisecond', 'infinity') AS until
          FROM (SELECT pg_advisory_xact_lock({QUEUE})) AS queued
    ), lifted AS (
        UPDATE gate
           SET stops = coalesce((SELECT jsonb_agg(each) FROM jsonb_array_elements(gate.stops) AS each
                                  WHERE NOT each @> asked.it), '[]')
          FROM asked
         WHERE EXISTS (SELECT FROM jsonb_array_elements(gate.stops) AS each
                        WHERE each @> asked.it AND (each ->> 'at')::timestamptz < asked.until)
     RETURNING 1
    )
    INSERT INTO stop_journal (account, invariant, stopped, reason, actor)
    SELECT %(account)s, %(invariant)s, false, %(reason)s, %(actor)s FROM lifted
 RETURNING id
"""  # noqa: S608 - put together from constants


def lift(
    db: Database,
    account: str | None,
    *,
    reason: str | None,
    actor: str,
    invariant: str | None = None,
    seen: datetime | None = None,
) -> bool:
    """End a stop that was made until an instant, or whenever it was; False: there is none."""
    parameters = {"account": account, "invariant": invariant, "reason": reason, "actor": actor, "seen": seen}
    return bool(db.run(LIFT, parameters))


NOTE = """
    INSERT INTO stop_journal (account, stopped, reason, actor) VALUES (%(account)s, false, %(reason)s, %(actor)s)
"""


def note_resumed(db: Database, account: str, *, reason: str | None, actor: str) -> None:
    """Journal that a person ended the pause of an account that did not answer."""
    db.run(NOTE, {"account": account, "reason": reason, "actor": actor})


def holding(stops: Collection[Stop], account: str) -> list[Stop]:
    """Return those of the stops that hold an account's effects back."""
    return [each for each in stops if each.account in (None, account)]


JOURNAL = """
    SELECT id, account, invariant, stopped, reason, actor, at
      FROM stop_journal
     WHERE id < coalesce(%(before)s, 9223372036854775807)
     ORDER BY id DESC
     LIMIT %(limit)s
"""


def journal(db: Database, *, before: int | None, limit: int) -> list[StopEntry]:
    """Return lines of the journal, newest first, older than `before`."""
    parameters: dict[str, Any] = {"before": before, "limit": limit}
    return [StopEntry(**row) for row in db.run(JOURNAL, parameters)]
