"""How much of an account the relay releases at a time, and how fast."""

import pytest

from drumbeat.core.configuration import Limit
from drumbeat.throttle.pace import allowance, pace


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        ([], 25_200),  # as much as workers do in two minutes
        ([Limit(10, 1, 20)], 1220),
        ([Limit(1, 60, 1)], 3),
        ([Limit(100, 3600, None)], 100),
        ([Limit(10, 1, 10), Limit(50, 86400, None)], 50),
    ],
)
def test_two_minutes_of_the_tightest_limit_are_released(limits: list[Limit], most: int) -> None:
    assert allowance(limits) == most


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    limits = [Limit(10, 1, 20), Limit(50_000, 86400, None)]

    assert [pace(limits, place) for place in (1, 20, 21, 1220)] == pytest.approx([-1.9, 0, 0.1, 120])
    assert pace([], 1000) == 0
