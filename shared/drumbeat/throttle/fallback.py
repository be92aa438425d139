"""The fallback limiter: what one process grants itself while the shared limiter is unreachable.

A part of each account's rate, so that a few processes together stay below it. Nothing is saved up: one call at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drumbeat.core.configuration import Limit
from drumbeat.core.reasons import Reason

RATE_SHARE = 0.25  # of the account's rate
LONGEST_INTERVAL_SECONDS = 5.0  # between two calls, unless the account's own rate is slower
UNLIMITED_INTERVAL_SECONDS = 0.1  # between two calls of an account without limits
LONGEST_WAIT_SECONDS = 120.0  # a call that would wait longer asks again after it


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
        """Return for each of `count` calls how long to wait, in seconds; zero: call now."""
        now, interval = self._elapsed(), interval_of(limits)
        state = self._accounts.setdefault(account, _Account())
        return [self._one(state, now, interval) for _ in range(count)]

    def pause(self, account: str, seconds: float, reason: Reason | None) -> None:
        """Grant nothing to the account for this long."""
        state = self._accounts.setdefault(account, _Account())
        until = self._elapsed() + seconds
        if until > state.paused_until:
            state.paused_until, state.reason = until, reason

    def paused(self, account: str) -> Reason | None:
        """Return why the account is paused, None when it is not."""
        state = self._accounts.get(account)
        return state.reason if state and state.paused_until > self._elapsed() else None

    def resume(self, account: str) -> None:
        """End the account's pause."""
        self._accounts.pop(account, None)

    @staticmethod
    def _one(state: _Account, now: float, interval: float) -> float:
        opens_at = max(state.free_at, state.paused_until)
        if now >= opens_at:
            state.free_at = now + interval
            return 0.0
        # Calls that wait get times one after another, up to the longest wait.
        state.tail = max(state.tail, opens_at - interval) + interval
        if state.tail - opens_at > LONGEST_WAIT_SECONDS:
            state.tail = opens_at
        return state.tail - now


def interval_of(limits: Sequence[Limit]) -> float:
    """Return the seconds between two calls: a share of the slowest limit's rate, never faster than that limit."""
    if not limits:
        return UNLIMITED_INTERVAL_SECONDS
    own = max(limit.period / limit.count for limit in limits)
    return max(own, min(own / RATE_SHARE, LONGEST_INTERVAL_SECONDS))
