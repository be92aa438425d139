"""The limiter of last resort: what one process allows itself while the shared one cannot be asked.

A part of each account's rate, so that a few processes together stay below it. Nothing is saved up: one call at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drumbeat.core.configuration import Limit
from drumbeat.core.reasons import Reason

SHARE = 0.25  # of the account's rate
SLOWEST = 5.0  # seconds between two calls, unless the account's own rate is slower
UNLIMITED = 0.1  # seconds between two calls of an account without limits
FURTHEST = 120.0  # seconds: whoever would wait longer asks again then


@dataclass(slots=True)
class _Account:
    free_at: float = 0.0
    tail: float = 0.0
    paused_until: float = 0.0
    reason: Reason | None = None


class FallbackLimiter:
    """Grants by one process's own clock. Not shared, never unlimited; forgotten with the process."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._accounts: dict[str, _Account] = {}

    def take(self, account: str, limits: Sequence[Limit], count: int) -> list[float]:
        """Return for each of `count` calls how long to wait, in seconds; zero: go."""
        now, interval = self._elapsed(), interval_of(limits)
        memory = self._accounts.setdefault(account, _Account())
        return [self._one(memory, now, interval) for _ in range(count)]

    def pause(self, account: str, seconds: float, reason: Reason | None) -> None:
        """Grant nothing to the account for this long."""
        memory = self._accounts.setdefault(account, _Account())
        until = self._elapsed() + seconds
        if until > memory.paused_until:
            memory.paused_until, memory.reason = until, reason

    def paused(self, account: str) -> Reason | None:
        """Return why the account is paused, None when it is not."""
        memory = self._accounts.get(account)
        return memory.reason if memory and memory.paused_until > self._elapsed() else None

    def resume(self, account: str) -> None:
        """End the account's pause."""
        self._accounts.pop(account, None)

    @staticmethod
    def _one(memory: _Account, now: float, interval: float) -> float:
        opens_at = max(memory.free_at, memory.paused_until)
        if now >= opens_at:
            memory.free_at = now + interval
            return 0.0
        # Those who wait are spread behind one another, as far as it makes sense to promise anything.
        memory.tail = max(memory.tail, opens_at - interval) + interval
        if memory.tail - opens_at > FURTHEST:
            memory.tail = opens_at
        return memory.tail - now


def interval_of(limits: Sequence[Limit]) -> float:
    """Return the seconds between two calls: a share of the slowest limit's rate, never faster than that limit."""
    if not limits:
        return UNLIMITED
    own = max(limit.period / limit.count for limit in limits)
    return max(own, min(own / SHARE, SLOWEST))
