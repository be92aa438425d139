"""The pace of a run: how many of its mails may be taken now, so that no more leave than its campaign says."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock
from drumbeat.core.steps import Limit

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEPT_SECONDS = 7 * 86_400
SKEW_SECONDS = 60.0  # by which the clocks of workers may differ
AHEAD_SECONDS = 1.0  # of the pace, that may be taken at once: a run is looked at about once a second


class RunPace:
    """The next moment at which each run is free, in Redis. A run with a pace has one turn at a time: there is no race.

    Raises nothing: without Redis a process goes on by what it remembers itself.
    """

    def __init__(self, redis: "LeanRedis", clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._free_at: dict[UUID, float] = {}

    def allowed(self, run: UUID, pace: Limit) -> int:
        """Return how many mails of a run may be taken now; the others have to wait for the next second."""
        now = self._clock.now().timestamp()
        each = pace.period / pace.count
        free_at = max(self._read(run, now + each), now - max(AHEAD_SECONDS - each, 0.0))
        return max(math.floor((now - free_at) / each) + 1, 0) if free_at <= now else 0

    def wait(self, run: UUID, pace: Limit) -> float:
        """Return in how many seconds the next mail of a run may be taken."""
        now = self._clock.now().timestamp()
        return max(self._read(run, now + pace.period / pace.count) - now, 0.0)

    def taken(self, run: UUID, pace: Limit, mails: int) -> None:
        """Note how many were taken."""
        now = self._clock.now().timestamp()
        each = pace.period / pace.count
        free_at = max(self._read(run, now + each), now - max(AHEAD_SECONDS - each, 0.0)) + mails * each
        self._free_at[run] = free_at
        with suppress(RedisError, OSError):
            self._redis.set(key_of(run), repr(free_at), ex=KEPT_SECONDS)

    def _read(self, run: UUID, latest: float) -> float:
        """Return when a run is free; what is far later than the latest was kept before a clock was set back."""
        free_at = self._free_at.get(run, 0.0)
        with suppress(RedisError, OSError, ValueError):
            kept = self._redis.get(key_of(run))
            free_at = float(kept) if kept else free_at
        return free_at if free_at <= latest + SKEW_SECONDS else 0.0


def key_of(run: UUID) -> str:
    """Name the moment at which a run is free."""
    return f"{{run:{run}}}:pace"
