"""How many people of runs are nowhere, or twice: 0, always. Counted seldom, for it reads all of a run.

A run that has ended is counted once. Of those that go on each is counted again after thirty times what it took, nearly
a minute at least: so counting costs the ledger no more than a thirtieth of its time.
"""

from collections.abc import Callable, Iterator
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.services import Services
from drumbeat.views.run_totals import Countable, countable, unaccounted_of

KEPT_SECONDS = 50.0  # the relay comes once a minute
SHARE = 30.0
ENDED_KEPT_SECONDS = 2 * 3600  # longer than a run that ended is looked at


def unaccounted(services: Services, has_time: Callable[[], bool]) -> Iterator[tuple[UUID, int]]:
    """Yield each run whose turn it is with how many of its people do not add up, as far as there is time.

    That a run was counted is noted once the next is asked for: what was found of it has to be recorded before. Where
    that cannot be noted, no run is counted either.
    """
    try:
        for run in countable(services.db):
            key = _key(run)
            if not has_time() or services.redis.get(key) is not None:
                continue
            begun = services.clock.elapsed()
            people = unaccounted_of(services.db, run.id)
            took = services.clock.elapsed() - begun
            yield run.id, people
            kept = max(KEPT_SECONDS, took * SHARE) if run.open else ENDED_KEPT_SECONDS
            services.redis.set(key, people, ex=int(kept))
    except (RedisError, OSError):
        return


def _key(run: Countable) -> str:
    return f"{{run:{run.id}}}:unaccounted" + ("" if run.open else f":{run.seq}")
