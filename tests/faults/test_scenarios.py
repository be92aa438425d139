"""Scenarios in which providers, operators and time combine: each ends as the repeat classes promise."""

import pytest

from tests.faults.oracle import check_promises
from tests.faults.runs import Simulate
from tests.faults.scenarios import SCENARIOS, play_scenario

POINTS = {
    "a key expires": [44],
    "answers are lost again and again": [37, 39, 40],
    "the search lags": [47],
    "the log is gone": [47],
    "the search is blind": [47],
    "a text changes between two tries": [41, 45],
    "a wake-up comes for effects in flight": [13, 20, 23],
    "a person unsubscribes just in time": [54],
    "a worker is overtaken before it opens": [26, 27],
    "a worker is overtaken before it closes": [28],
    "a worker is overtaken before it frees a lease": [20, 23],
    "Redis is away and four workers share a limit": [31],
    "all is over a week late": [15],
}


@pytest.mark.parametrize(
    "scenario", [pytest.param(name, marks=[pytest.mark.point(n) for n in POINTS.get(name, [])]) for name in SCENARIOS]
)
def test_it_ends_as_promised(simulate: Simulate, scenario: str) -> None:
    simulation = simulate()

    play_scenario(scenario, simulation)

    check_promises(simulation)
