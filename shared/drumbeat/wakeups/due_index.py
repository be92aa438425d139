"""The relay's memory of when somebody must look, so that a sleeping database need not be asked.

One sorted set in Redis: member -> unix time at which its work is overdue if nothing happened. A mark is set before the
commit that makes the work, and cleared by whoever settled that very work. Losing marks loses no work: the sentinel is
lost with them, and without it everything is looked at.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEY = "drumbeat:{relay}:due"
SENTINEL = "sentinel"
FULL = "full"  # its time: when to look at everything again, marks or no marks
MOST = 5_000  # members read at once
MINUTE = 60
LEAVE_ALONE = 1.0  # seconds for which a Redis that failed is not asked again

# A member that somebody has set anew since it was read stands for new work, and stays.
FORGET = """
    for i = 2, #ARGV do
        local due = redis.call('ZSCORE', KEYS[1], ARGV[i])
        if due and tonumber(due) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
    end
"""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The members whose time has come. `missing`: the marks were lost or cannot be read, so anything may be due."""

    members: frozenset[str]
    missing: bool

    def ids(self, kind: str) -> list[UUID]:
        """Return the ids among the members of one kind: `event` or `effect`."""
        return sorted(_ids(self.members, f"{kind}:"))


class DueIndex:
    """The marks. Nothing here raises when Redis is away: the answer says so."""

    def __init__(self, redis: "LeanRedis", clock: Clock) -> None:
        self._redis = redis
        self._elapsed = clock.elapsed
        self._away_until: float | None = None

    def set(self, due_index: Mapping[str, float]) -> bool:
        """Have the relay look at each member at its unix time; a member's latest time counts.

        Returns False when Redis did not take it: ring the queue late as a second memory.
        """
        if not due_index:
            return True
        scored = [part for member, when in due_index.items() for part in (when, member)]
        return self._try(lambda: self._redis.run("ZADD", KEY, *scored)) is not None

    def clear(self, members: Collection[str]) -> bool:
        """Forget members whose work is settled; False when Redis did not take it, which costs one needless look."""
        if not members:
            return True
        return self._try(lambda: self._redis.run("ZREM", KEY, *members)) is not None

    def due(self, now: float) -> Due:
        """Read which members' time has come, in one round trip."""
        asked = [("ZRANGE", KEY, "-inf", now, "BYSCORE", "LIMIT", 0, MOST), ("ZSCORE", KEY, SENTINEL)]
        replies = self._try(lambda: _accepted(self._redis.run_all(asked)))
        if replies is None:
            return Due(frozenset(), missing=True)
        members, sentinel = replies
        return Due(frozenset(_text(member) for member in members), missing=sentinel is None)

    def times(self, members: Sequence[str]) -> dict[str, float]:
        """Return when each member that has a mark will be due; none when Redis is away."""
        if not members:
            return {}
        scores = self._try(lambda: self._redis.run("ZMSCORE", KEY, *members)) or []
        return {member: float(score) for member, score in zip(members, scores, strict=False) if score is not None}

    def forget(self, members: Collection[str], read_at: float) -> bool:
        """Clear members that were read as due at `read_at`, unless they were set anew meanwhile."""
        if not members:
            return True
        return self._try(lambda: self._redis.run("EVAL", FORGET, 1, KEY, read_at, *members) or 0) is not None

    def watch(self, *, full_at: float) -> bool:
        """Trust the marks from now on, until `full_at`."""
        return self.set({SENTINEL: math.inf, FULL: full_at})

    def distrust(self) -> bool:
        """Have the next relay look at everything."""
        return self.clear([SENTINEL])

    def _try[T](self, call: Callable[[], T]) -> T | None:
        if self._away_until is not None and self._elapsed() < self._away_until:
            return None
        try:
            reply = call()
        except (RedisError, OSError) as error:
            if self._away_until is None:
                _LOG.warning(
                    "Redis is away: marks are not kept, the relay looks at everything (%s)", type(error).__name__
                )
            self._away_until = self._elapsed() + LEAVE_ALONE
            return None
        self._away_until = None
        return reply


def minute(when: float) -> dict[str, float]:
    """Return the mark that stands for everything due in the minute of `when`, for what is further ahead."""
    start = math.floor(when / MINUTE)
    return {f"at:{start}": float(start * MINUTE)}


def _accepted(replies: list[Any]) -> list[Any]:
    """Return replies of which none is a refusal; raises the first that is."""
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return replies


def _ids(members: Collection[str], prefix: str) -> Iterator[UUID]:
    for member in members:
        if member.startswith(prefix):
            with contextlib.suppress(ValueError):  # what is no id stands for nothing, and is forgotten like the rest
                yield UUID(member.removeprefix(prefix))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
