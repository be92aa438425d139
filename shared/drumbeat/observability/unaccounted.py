"""How many people of runs are nowhere, or twice: 0, always. Counted seldom, for it reads all of a run.

A run that has ended is counted once. Of those that go on each is counted again after thirty times what it took, nearly
a minute at least: so counting costs the ledger no more than a thirtieth of its time.
"""

from collections.abc import Callable, Mapping
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.services import Services
from drumbeat.views.run_totals import Countable, countable, unaccounted_of

KEPT_SECONDS = 50.0  # the relay comes once a minute
SHARE = 30.0
ENDED_KEPT_SECONDS = 2 * 3600  # longer than a run that ended is looked at


def unaccounted(services: Services, has_time: Callable[[], bool] = lambda: True) -> Mapping[UUID, int]:
    """Count those of each run whose turn it is, as far as there is time.

    Where it cannot be noted that a run was counted, it is not counted either.
    """
    found: dict[UUID, int] = {}
    try:
        for run in countable(services.db):
            key = _key(run)
            if not has_time() or services.redis.get(key) is not None:
                continue
            begun = services.clock.elapsed()
            found[run.id] = unaccounted_of(services.db, run.id)
            took = services.clock.elapsed() - begun
            kept = max(KEPT_SECONDS, took * SHARE) if run.open else ENDED_KEPT_SECONDS
            services.redis.set(key, found[run.id], ex=int(kept))
    except (RedisError, OSError):
        return found
    return found


def _key(run: Countable) -> str:
    return f"{{run:{run.id}}}:unaccounted" + ("" if run.open else f":{run.seq}")
