"""The flag in Redis that holds marketing mail back while what people asked for waits to be recorded.

It has another value each time it is raised, and is lowered only as long as it has the value that was read before the
queue of wishes was emptied: so one that came meanwhile keeps it up. It never expires: what waits may wait for days.
"""

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEY = "{relay}:wishes"
LOWER = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_LOG = logging.getLogger(__name__)


class WishesFlag:
    """The flag. Nothing here raises when Redis is unreachable: the return value says so."""

    def __init__(self, redis: "LeanRedis") -> None:
        self._redis = redis

    def hoist(self) -> bytes | None:
        """Let marketing wait; returns the flag's value, or None when Redis did not take it."""
        value = uuid4().hex
        try:
            self._redis.run("SET", KEY, value)
        except (RedisError, OSError) as error:
            _LOG.warning("wishes_flag_not_set", extra={"error": type(error).__name__})
            return None
        return value.encode()

    def lower(self, value: bytes) -> bool:
        """Let marketing go on, unless the flag was raised again since it had this value."""
        try:
            return bool(self._redis.run("EVAL", LOWER, 1, KEY, value))
        except (RedisError, OSError) as error:
            _LOG.warning("wishes_flag_not_lowered", extra={"error": type(error).__name__})
            return False
