"""The fallback limiter: what one process grants itself while the shared limiter is unreachable.

Its share of each account's limits, one of as many as there can be processes. Nothing is saved up: one call at a time. A
process that begins chooses its first moment at random, so that many that begin together do not call together.

All processes together, N of them, keep each limit of at least N calls strictly: over any time t no more than
burst + rate x t, in no window more than its count. Where a limit is smaller than N (its burst, or a window's count),
the rate holds all the same, and up to N calls may fall together.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drumbeat.core.configuration import Limit

MOST_PROCESSES = 100  # assumed where nothing says how many workers run: the most that the template offers
IDLE_SECONDS = 60.0  # after so long without a call a process begins anew, at a random moment
UNLIMITED_INTERVAL_SECONDS = 0.1  # between two calls of an account without limits
LONGEST_WAIT_SECONDS = 120.0  # a call that would wait longer asks again after it


@dataclass(slots=True)
class _Account:
    free_at: float = -math.inf
    tail: float = 0.0


class FallbackLimiter:
    """Grants by one process's own clock. Not shared, never unlimited; forgotten with the process."""

    def __init__(
        self,
        elapsed: Callable[[], float],
        processes: int = MOST_PROCESSES,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._elapsed = elapsed
        self._processes = processes
        self._chance = chance
        self._accounts: dict[str, _Account] = {}

    def take(self, account: str, limits: Sequence[Limit], count: int) -> list[float]:
        """Return for each of `count` calls how long to wait, in seconds; zero: call now."""
        now, interval = self._elapsed(), interval_of(limits, self._processes)
        state = self._accounts.setdefault(account, _Account())
        if self._processes > 1 and limits and now - state.free_at > max(interval, IDLE_SECONDS):
            state.free_at = now + self._chance() * interval
        return [self._one(state, now, interval) for _ in range(count)]

    @staticmethod
    def _one(state: _Account, now: float, interval: float) -> float:
        if now >= state.free_at:
            state.free_at = now + interval
            return 0.0
        # Calls that wait get times one after another, up to the longest wait.
        state.tail = max(state.tail, state.free_at - interval) + interval
        if state.tail - state.free_at > LONGEST_WAIT_SECONDS:
            state.tail = state.free_at
        return state.tail - now


def interval_of(limits: Sequence[Limit], processes: int) -> float:
    """Return the seconds between two calls of one of so many processes: its share of the slowest limit."""
    return max((_interval(limit, processes) for limit in limits), default=UNLIMITED_INTERVAL_SECONDS)


def _interval(limit: Limit, processes: int) -> float:
    whole = limit.count // processes
    if limit.burst is None and whole:  # calls of a window come in whole numbers; the remainder is not used
        return limit.period / whole
    return processes * limit.period / limit.count
