"""Whether the database may have gone to sleep: a mark in Redis says that it was used a moment ago.

A database that suspends when it is idle costs for the time after each use: what may wait is not written while it
sleeps. To write what might have waited is no use that the mark stands for: else reports that come every few minutes
would keep awake what none of them may wake. So they prolong each use once, by less than `sleeps_after`.
"""

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEY = "{relay}:awake"
SAID_EVERY_SECONDS = 60  # by one process
LONGEST_WAIT_SECONDS = 55 * 60.0  # of reports: the relay comes once a minute, so they are recorded within the hour

_LOG = logging.getLogger(__name__)


class LedgerRest:
    """The mark. Nothing here raises when Redis is unreachable: then the database counts as awake."""

    def __init__(self, redis: "LeanRedis", clock: Clock, sleeps_after: float) -> None:
        """`sleeps_after`: seconds without use after which the database sleeps; 0: it never does."""
        self._redis = redis
        self._clock = clock
        self._lasts = int(sleeps_after) - SAID_EVERY_SECONDS
        self._said_at: float | None = None

    def used(self) -> None:
        """Say that the database was used just now."""
        now = self._clock.elapsed()
        if self._lasts <= 0 or (self._said_at is not None and now - self._said_at < SAID_EVERY_SECONDS):
            return
        self._said_at = now
        try:
            self._redis.set(KEY, "1", ex=self._lasts)
        except (RedisError, OSError) as error:
            _LOG.warning("use_not_said", extra={"error": type(error).__name__})

    def was_used(self, within: float) -> bool:
        """Return whether the database was used in the last so many seconds, or a minute more, or never sleeps.

        Without Redis: False.
        """
        if self._lasts <= 0:
            return True
        try:
            left: int = self._redis.run("PTTL", KEY)
        except (RedisError, OSError) as error:
            _LOG.warning("use_not_read", extra={"error": type(error).__name__})
            return False
        return left > max(0.0, self._lasts - within - SAID_EVERY_SECONDS) * 1000

    def sleeps(self) -> bool:
        """Return whether the database was not used for so long that it may sleep."""
        if self._lasts <= 0:
            return False
        try:
            return self._redis.get(KEY) is None
        except (RedisError, OSError) as error:
            _LOG.warning("use_not_read", extra={"error": type(error).__name__})
            return False
