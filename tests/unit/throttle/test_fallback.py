"""The limiter of last resort, on a clock that the test moves."""

import math
from collections import Counter
from heapq import heappop, heappush
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.configuration import Limit
from drumbeat.throttle.fallback import LONGEST_WAIT_SECONDS, FallbackLimiter, interval_of


class Elapsed:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.mark.parametrize(
    ("limits", "processes", "seconds"),
    [
        ([Limit(10, 1, 10)], 5, 0.5),  # a fifth of the rate
        ([Limit(1, 60, 1)], 10, 600.0),  # however slow that is
        ([Limit(50_000, 86400, None)], 5, 8.64),
        ([Limit(7, 3600, None)], 5, 3600.0),  # one call of each in a window; five of the seven are used
        ([Limit(3, 3600, None)], 5, 6000.0),
        ([Limit(10, 1, 10), Limit(24, 86400, None)], 1, 3600.0),  # the slowest limit counts
        ([], 5, 0.1),
    ],
)
@pytest.mark.point(31)
def test_the_share_of_a_process(limits: list[Limit], processes: int, seconds: float) -> None:
    assert interval_of(limits, processes) == pytest.approx(seconds)


def alone(elapsed: Elapsed) -> FallbackLimiter:
    return FallbackLimiter(elapsed, processes=1)


def test_nothing_is_saved_up(elapsed: Elapsed) -> None:
    fallback = alone(elapsed)
    elapsed.seconds += 1000

    waits = fallback.take("mail", [Limit(10, 1, 10)], 3)

    assert waits == pytest.approx([0, 0.1, 0.2])


def test_a_process_begins_at_a_random_moment_and_again_when_it_was_idle(elapsed: Elapsed) -> None:
    fallback = FallbackLimiter(elapsed, 5, lambda: 0.5)
    limits = [Limit(10, 1, 10)]

    first = fallback.take("mail", limits, 1)
    elapsed.seconds += 0.25
    at_its_moment = fallback.take("mail", limits, 1)
    elapsed.seconds += 59
    soon = fallback.take("mail", limits, 1)
    elapsed.seconds += 61

    assert (first, at_its_moment, soon) == ([0.25], [0.0], [0.0])
    assert fallback.take("mail", limits, 1) == [0.25]


rates = st.builds(Limit, st.integers(1, 40), st.sampled_from([1, 60]), st.integers(1, 40))
windows = st.builds(Limit, st.integers(1, 60), st.sampled_from([3600, 86400]), st.none())


@given(
    limits=st.lists(rates | windows, min_size=1, max_size=3), processes=st.integers(1, 12), seed=st.integers(0, 10**6)
)
def test_all_processes_together_keep_each_limit(limits: list[Limit], processes: int, seed: int) -> None:
    random = Random(seed)
    interval = interval_of(limits, processes)

    calls = calls_of(limits, processes, random, start=random.uniform(0, 86400), until=8 * interval)

    for limit in limits:
        assert_kept(limit, calls, more=max(0, processes - (limit.count if limit.burst is None else limit.burst)))


def calls_of(limits: list[Limit], processes: int, random: Random, *, start: float, until: float) -> list[float]:
    """Return when processes call that always have something to send, each by its own limiter, asked at any times."""
    elapsed = Elapsed()
    limiters = [FallbackLimiter(elapsed, processes, random.random) for _ in range(processes)]
    comes_at = [(start, place) for place in range(processes)]
    calls: list[float] = []
    while comes_at[0][0] < start + until:
        elapsed.seconds, place = heappop(comes_at)
        (wait,) = limiters[place].take("mail", limits, 1)
        if not wait:
            calls.append(elapsed.seconds)
        late = random.choice([0.0, 1e-6, 0.3]) * interval_of(limits, processes)
        heappush(comes_at, (elapsed.seconds + wait + late, place))
    return calls


def assert_kept(limit: Limit, calls: list[float], *, more: int) -> None:
    """Check that a limit holds; the calls of so many processes more may fall together where it is smaller."""
    if limit.burst is None:
        in_windows = Counter(math.floor(call / limit.period) for call in calls)
        assert max(in_windows.values(), default=0) <= limit.count + more
        return
    for i, first in enumerate(calls):
        for j in range(i, len(calls)):
            allowed = limit.burst + more + (calls[j] - first) * limit.count / limit.period
            assert j - i + 1 <= allowed + 1e-6


def test_accounts_do_not_share(elapsed: Elapsed) -> None:
    fallback = alone(elapsed)

    assert fallback.take("mail", [], 1) == fallback.take("crm", [], 1) == [0.0]


def test_many_calls_that_wait_are_spread_and_come_back_in_time(elapsed: Elapsed) -> None:
    waits = alone(elapsed).take("mail", [Limit(30, 60, 30)], 100)

    assert waits[:3] == pytest.approx([0, 2, 4])
    assert max(waits) <= LONGEST_WAIT_SECONDS + 2
