"""A month's use: events, effects, how long the database was awake for them, and its size."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat.ledger.database import Database

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


# The database is awake for some minutes after each query: the gaps between queries, each no longer than that.
USAGE = """
    WITH recent AS (
        SELECT id, received_at
          FROM events
         WHERE received_at >= drumbeat_now() - %(window)s::interval
    ), queried AS (
        SELECT received_at AS at FROM recent
         UNION ALL
        SELECT updated_at FROM effects WHERE updated_at >= drumbeat_now() - %(window)s::interval
    ), gaps AS (
        SELECT least(coalesce(lead(at) OVER (ORDER BY at) - at, %(sleeps)s::interval), %(sleeps)s::interval) AS gap
          FROM queried
    )
    SELECT coalesce((SELECT min(received_at) FROM recent), drumbeat_now()) AS since,
           drumbeat_now() AS until,
           (SELECT count(*) FROM recent) AS events,
           (SELECT count(*) FROM effects JOIN recent ON recent.id = effects.event_id) AS effects,
           coalesce((SELECT extract(epoch FROM sum(gap)) FROM gaps), 0)::float8 AS awake_seconds,
           pg_database_size(current_database()) AS ledger_bytes
"""


def usage(db: Database, window: timedelta = WINDOW) -> Usage:
    """Measure the window that ends now. Reads all of it: for one request, not for a loop."""
    return Usage(**db.run(USAGE, {"window": window, "sleeps": SLEEPS_AFTER})[0])
