"""How many people of runs are nowhere, or twice: 0, always. Counted seldom, for it reads all of a run.

A run that has ended is counted once. Of those that go on the count is kept for thirty times what it took, a minute at
least; so a scraper costs the ledger no more than a thirtieth of its time, however often it comes.
"""

from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.services import Services
from drumbeat.views.run_totals import Countable, countable, unaccounted_of

KEPT_SECONDS = 60.0
SHARE = 30.0
ENDED_KEPT_SECONDS = 2 * 3600  # longer than a run that ended is looked at
KEY = "runs:unaccounted"


def unaccounted(services: Services) -> int | None:
    """Return the count, which may be some minutes old; None: it cannot be kept now, so it is not worked out either."""
    try:
        if (kept := services.redis.get(KEY)) is not None:
            return int(kept)
        begun = services.clock.elapsed()
        found = sum(_of(run, services) for run in countable(services.db))
        took = services.clock.elapsed() - begun
        services.redis.set(KEY, found, ex=int(max(KEPT_SECONDS, took * SHARE)))
    except (RedisError, OSError):
        return None
    return found


def _of(run: Countable, services: Services) -> int:
    if run.open:
        return unaccounted_of(services.db, run.id)
    key = _key(run.id, run.seq)
    if (kept := services.redis.get(key)) is not None:
        return int(kept)
    found = unaccounted_of(services.db, run.id)
    services.redis.set(key, found, ex=ENDED_KEPT_SECONDS)
    return found


def _key(run: UUID, seq: int) -> str:
    return f"{{run:{run}}}:unaccounted:{seq}"
