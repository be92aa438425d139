"""Scenarios in which providers, operators and time combine: each ends as the repeat classes promise."""

import pytest

from tests.faults.environment import Environment
from tests.faults.proof import ALL_SCENARIOS, prove
from tests.faults.runs import Simulate

POINTS = {
    "a key expires": [44],
    "a key expires between two repeats": [44],
    "a key expires before its repeat": [44],
    "a worker sleeps before its call": [26],
    "answers are lost again and again": [37, 39, 40],
    "the search lags": [47],
    "the log is gone": [47],
    "the search is blind": [47],
    "a text changes between two tries": [41, 45],
    "a wake-up comes for effects in flight": [13, 20, 23],
    "a person unsubscribes just in time": [54],
    "a person withdraws just in time": [54],
    "a worker is overtaken before it opens": [26, 27],
    "a worker is overtaken before it closes": [28],
    "a worker is overtaken before it frees a lease": [20, 23],
    "Redis is away and four workers share a limit": [31],
    "all is over a week late": [15],
}


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(name, marks=[pytest.mark.point(n) for n in POINTS.get(name, [])]) for name in ALL_SCENARIOS],
)
def test_it_ends_as_promised(environment: Environment, simulate: Simulate, scenario: str) -> None:
    prove(scenario, environment, simulate)
