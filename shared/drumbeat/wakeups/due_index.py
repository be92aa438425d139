"""When the relay has to read the ledger: an index in Redis, so that a suspended database is not woken for nothing.

One sorted set: member -> unix time at which its work is overdue if nothing happened. An entry is set before the
commit that makes the work, and cleared by the process that finished that very work. Losing entries loses no work: the
sentinel is lost with them, and without it the relay checks everything.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from redis.exceptions import RedisError

from drumbeat.core.clock import Clock
from drumbeat.infrastructure.redis import REDIS_RETRY_SECONDS, accepted
from drumbeat.wakeups import wishes_flag

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

KEY = "{relay}:due"
SENTINEL = "sentinel"
FULL = "full"  # its time: when to check everything again, whatever the other entries say
FEEDBACK = "feedback"  # its time: when reports that wait are recorded at the latest
AGAIN = "again"  # its time: when to go on with what one sweep could not finish, or was too early for
LOOK = "look"  # its time: when the ledger was last used, so that it is awake for what only looks at it
MARKS = (SENTINEL, FULL, FEEDBACK, AGAIN, LOOK)  # that stand for no work of their own
MAX_MEMBERS_READ = 5_000  # at a time
MINUTE_SECONDS = 60
UNREADABLE = "surrogateescape"  # bytes that another program left are read, and removed again, as they are

# A member that was set again since it was read stands for new work, and stays.
FORGET = """
    for i = 2, #ARGV do
        local due = redis.call('ZSCORE', KEYS[1], ARGV[i])
        if due and tonumber(due) <= tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
    end
"""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The members whose time has come. `missing`: the index was lost or cannot be read, so anything may be due."""

    members: frozenset[str]
    missing: bool
    unreachable: bool = False  # Redis: then it is missing, too
    wishes: bytes | None = None  # the flag's value while what people asked for waits to be recorded

    def ids(self, kind: str) -> list[UUID]:
        """Return the ids among the members of one kind: `event`, `effect` or `run`, after which its turns are named."""
        return sorted(set(_ids(self.members, f"{kind}:")))


class DueIndex:
    """The entries. Nothing here raises when Redis is unreachable: the return value says so."""

    def __init__(self, redis: "LeanRedis", clock: Clock) -> None:
        self._redis = redis
        self._elapsed = clock.elapsed
        self._retry_at: float | None = None

    def set(self, due_at: Mapping[str, float]) -> bool:
        """Let the relay check each member at its unix time; a member's latest time counts.

        Returns False when Redis did not take it: then send a delayed message instead.
        """
        if not due_at:
            return True
        scored = [part for member, when in due_at.items() for part in (when, member)]
        return self._try(lambda: self._redis.run("ZADD", KEY, *scored)) is not None

    def set_sooner(self, member: str, when: float) -> bool:
        """Let the relay check a member at this unix time, unless it does so sooner; False: Redis did not take it."""
        return self._try(lambda: self._redis.run("ZADD", KEY, "LT", when, member)) is not None

    def look_soon(self, now: float) -> None:
        """Say that something was done: the relay's next tick looks at it. Not waited for; a loss costs that look."""
        self._try(lambda: self._redis.post("ZADD", KEY, now, LOOK))

    def clear(self, members: Collection[str]) -> bool:
        """Remove members whose work is done; False when Redis did not take it, which costs one needless check."""
        if not members:
            return True
        return self._try(lambda: self._redis.run("ZREM", KEY, *members)) is not None

    def due(self, now: float) -> Due:
        """Read which members' time has come, and the flag of waiting wishes, in one round trip."""
        commands: list[tuple[str | float, ...]] = [
            ("ZRANGE", KEY, "-inf", now, "BYSCORE", "LIMIT", 0, MAX_MEMBERS_READ),
            ("ZSCORE", KEY, SENTINEL),
            ("GET", wishes_flag.KEY),
        ]
        replies = self._try(lambda: accepted(self._redis.run_all(commands), but=2))
        if replies is None:
            return Due(frozenset(), missing=True, unreachable=True)
        members, sentinel, flag = replies
        wishes = None if isinstance(flag, RedisError) else flag  # what another program left there is no flag
        return Due(frozenset(_text(member) for member in members), missing=sentinel is None, wishes=wishes)

    def next_work(self) -> float:
        """Return the unix time of the first entry that stands for work; infinity: none is known."""
        entries = self._try(lambda: self._redis.run("ZRANGE", KEY, 0, len(MARKS), "WITHSCORES")) or []
        scores = {_text(member): float(score) for member, score in zip(entries[::2], entries[1::2], strict=True)}
        return min((when for member, when in scores.items() if member not in MARKS), default=math.inf)

    def times(self, members: Sequence[str]) -> dict[str, float] | None:
        """Return when each member that is in the index is due; None when Redis is unreachable."""
        if not members:
            return {}
        scores = self._try(lambda: self._redis.run("ZMSCORE", KEY, *members))
        if scores is None:
            return None
        return {member: float(score) for member, score in zip(members, scores, strict=False) if score is not None}

    def forget(self, members: Collection[str], read_at: float) -> bool:
        """Clear members that were read as due at `read_at`, unless they were set again meanwhile."""
        if not members:
            return True
        read = [member.encode(errors=UNREADABLE) for member in members]
        return self._try(lambda: self._redis.run("EVAL", FORGET, 1, KEY, read_at, *read) or 0) is not None

    def watch(self, *, full_at: float) -> bool:
        """Trust the index from now on, until `full_at`."""
        return self.set({SENTINEL: math.inf, FULL: full_at})

    def distrust(self) -> bool:
        """Make the next relay check everything."""
        return self.clear([SENTINEL])

    def _try[T](self, call: Callable[[], T]) -> T | None:
        if self._retry_at is not None and self._elapsed() < self._retry_at:
            return None
        try:
            reply = call()
        except (RedisError, OSError) as error:
            if self._retry_at is None:
                _LOG.warning(
                    "Redis is unreachable: the due index is not kept, the relay checks everything (%s)",
                    type(error).__name__,
                )
            self._retry_at = self._elapsed() + REDIS_RETRY_SECONDS
            return None
        self._retry_at = None
        return reply


def minute(when: float) -> dict[str, float]:
    """Return the entry for everything due in the minute of `when`, for work that is further ahead."""
    start = math.floor(when / MINUTE_SECONDS)
    return {f"at:{start}": float(start * MINUTE_SECONDS)}


def account_entry(account: str) -> str:
    """Name the entry for the end of an account's pause: one for all that waits for it."""
    return f"account:{account}"


def _ids(members: Collection[str], prefix: str) -> Iterator[UUID]:
    for member in members:
        if member.startswith(prefix):
            with contextlib.suppress(
                ValueError
            ):  # a member without an id stands for nothing, and is removed like the rest
                yield UUID(member.removeprefix(prefix).partition(":")[0])


def _text(value: bytes) -> str:
    return value.decode(errors=UNREADABLE)
