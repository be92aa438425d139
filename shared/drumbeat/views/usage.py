"""A month's use: events, effects, how long the database was awake for them, and its size."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat.ledger.database import Database
from drumbeat.views.counts import COUNTED_MINUTES

WINDOW = timedelta(days=30)
SLEEPS_AFTER = timedelta(minutes=5)  # without a query, where a database suspends itself


@dataclass(frozen=True, slots=True)
class Usage:
    """The window begins with the first event when the ledger is younger. `ledger_bytes` is the whole database."""

    since: datetime
    until: datetime
    events: int
    effects: int
    awake_seconds: float
    ledger_bytes: int


# The database is awake for some minutes after each query: the gaps between queries, each no longer than that. Within a
# minute in which anything happened it was awake from the first to the last of it.
USAGE = f"""
    SELECT coalesce(min(first_at) FILTER (WHERE events > 0), drumbeat_now()) AS since,
           drumbeat_now() AS until,
           coalesce(sum(events), 0)::int AS events,
           coalesce(sum(effects), 0)::int AS effects,
           coalesce(extract(epoch FROM sum(awake)), 0)::float8 AS awake_seconds,
           pg_database_size(current_database()) AS ledger_bytes
      FROM (SELECT first_at, events, effects,
                   last_at - first_at
                   + least(coalesce(lead(first_at) OVER (ORDER BY minute) - last_at, %(sleeps)s::interval),
                           %(sleeps)s::interval) AS awake
              FROM (SELECT minute, min(first_at) AS first_at, max(last_at) AS last_at, sum(events) AS events,
                           sum(effects) AS effects
                      FROM ({COUNTED_MINUTES}) AS counted
                     WHERE minute >= minute_of(drumbeat_now() - %(window)s::interval)
                     GROUP BY minute) AS recent) AS spans
"""  # noqa: S608 - put together from constants


def usage(db: Database, window: timedelta = WINDOW) -> Usage:
    """Measure the window that ends now; it begins with a whole minute."""
    return Usage(**db.run(USAGE, {"window": window, "sleeps": SLEEPS_AFTER})[0])
