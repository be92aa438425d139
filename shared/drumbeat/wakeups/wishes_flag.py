"""The flag in Redis that lets marketing wait while what people asked for waits to be recorded.

It has another value each time it is set, and is cleared only while it has the value that was read before the queue of
wishes was emptied: one that came meanwhile keeps it. It never expires: wishes may wait for days.
"""

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEY = "{relay}:wishes"
CLEAR = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"

_LOG = logging.getLogger(__name__)


class WishesFlag:
    """The flag. Nothing here raises when Redis is unreachable: the return value says so."""

    def __init__(self, redis: "LeanRedis") -> None:
        self._redis = redis

    def set(self) -> bytes | None:
        """Let marketing wait; returns the flag's value, or None when Redis did not take it."""
        value = uuid4().hex
        try:
            self._redis.run("SET", KEY, value)
        except (RedisError, OSError) as error:
            _LOG.warning("wishes_flag_not_set", extra={"error": type(error).__name__})
            return None
        return value.encode()

    def is_set(self) -> bool:
        """Return whether wishes may wait: also where Redis does not say."""
        try:
            return self._redis.run("GET", KEY) is not None
        except (RedisError, OSError) as error:
            _LOG.warning("wishes_flag_not_read", extra={"error": type(error).__name__})
            return True

    def clear(self, value: bytes) -> bool:
        """Let marketing go on, unless the flag was set again since it had this value; returns whether it does."""
        try:
            return bool(self._redis.run("EVAL", CLEAR, 1, KEY, value))
        except (RedisError, OSError) as error:
            _LOG.warning("wishes_flag_not_cleared", extra={"error": type(error).__name__})
            return False
