"""Every operation of every story x every fault: after each the ledger comes to rest, with everything done once."""

import pytest

from tests.faults.conftest import Simulate
from tests.faults.judge import judge
from tests.faults.points import Fault, OneFault, Site
from tests.faults.scenarios import STORIES, tell


def cells(simulate: Simulate, story: str) -> list[tuple[Site, Fault]]:
    """Trace a clean run, and return what can go wrong in it."""
    simulation = simulate()
    tell(story, simulation)
    judge(simulation, strict=True)
    return [
        (site, fault) for site, twice in simulation.point.sites for fault in Fault if twice or fault is not Fault.TWICE
    ]


@pytest.mark.parametrize("story", STORIES)
def test_no_single_fault_doubles_loses_or_strands_anything(simulate: Simulate, story: str) -> None:
    wrong: list[str] = []
    for site, fault in cells(simulate, story):
        struck = OneFault(site, fault)
        simulation = simulate(faults=struck)
        simulation.schedule.meanwhile = lambda now=simulation: others(now)
        try:
            tell(story, simulation)
            judge(simulation, strict=True)
            assert struck.struck, "the fault did not strike"
        except AssertionError as error:
            wrong.append(f"{site}, {fault}:\n  {str(error).replace(chr(10), chr(10) + '  ')}")

    assert not wrong, f"{len(wrong)} faults are not survived\n" + "\n".join(wrong)


def others(simulation) -> None:
    simulation.sweep("relay 2")
    simulation.drain("worker 2")
