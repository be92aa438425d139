"""What tests of the limiter share: a clock that they move, requests, and the judgement of a limit."""

import math
from datetime import UTC, datetime, timedelta

from drumbeat.core.configuration import Limit
from drumbeat.throttle.limiter import Ask, Granted, TokenRequest, Wait

TEN_PER_SECOND = Limit(10, 1, 10)
START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class HandClock:
    """Time stands still until a test moves it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds


def ask(*slots: float | None, account: str = "mail", limits: tuple[Limit, ...] = (TEN_PER_SECOND,)) -> TokenRequest:
    return TokenRequest(account, limits, tuple(Ask(slot) for slot in slots))


def newcomers(count: int, account: str = "mail", limits: tuple[Limit, ...] = (TEN_PER_SECOND,)) -> TokenRequest:
    return ask(*[None] * count, account=account, limits=limits)


def granted(answers: list[Granted | Wait]) -> int:
    return sum(isinstance(answer, Granted) for answer in answers)


def waits(answers: list[Granted | Wait]) -> list[Wait]:
    return [answer for answer in answers if isinstance(answer, Wait)]


def assert_kept(limit: Limit, calls: list[float]) -> None:
    if limit.burst is None:
        starts = [math.floor(call / limit.period) for call in calls]
        assert all(starts.count(start) <= limit.count for start in set(starts))
        return
    for i, first in enumerate(calls):
        for j in range(i, len(calls)):
            apart = round(calls[j] - first, 6)  # the clock shows whole microseconds, floats this far from 1970 do not
            allowed = limit.burst + apart * limit.count / limit.period
            assert j - i + 1 <= allowed + 1e-6
