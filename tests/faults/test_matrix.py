"""Every operation of every story x every fault: after each the ledger comes to rest, with everything done once."""

import pytest

from tests.faults.conftest import Simulate
from tests.faults.points import Fault, Site
from tests.faults.proof import Cell, cells, clean, struck
from tests.faults.scenarios import STORIES

# To die after one operation is to die before the next: where time is short, one of the two is enough.
BRIEFLY = frozenset(Fault) - {Fault.CRASH_BEFORE, Fault.HANG_AFTER}


def unmet(simulate: Simulate) -> dict[str, list[Cell]]:
    """List, story by story, what can go wrong where no earlier operation stood in the same place.

    A place is an operation and the one that its process did before it.
    """
    places: set[tuple[str, str, str]] = set()
    found: dict[str, list[Cell]] = {}
    for story in STORIES:
        before: dict[str, str] = {}
        new: set[Site] = set()
        traced = clean(story, simulate)
        for site, _ in traced.point.sites:
            place = (site.who, before.get(site.who, ""), site.name)
            before[site.who] = site.name
            if place not in places:
                places.add(place)
                new.add(site)
        found[story] = [(site, fault) for site, fault in cells(traced) if site in new and fault in BRIEFLY]
    return found


@pytest.mark.point(6)
@pytest.mark.point(7)
@pytest.mark.point(8)
@pytest.mark.point(9)
@pytest.mark.point(18)
@pytest.mark.point(19)
@pytest.mark.point(24)
@pytest.mark.point(25)
@pytest.mark.point(26)
@pytest.mark.point(27)
@pytest.mark.point(28)
@pytest.mark.point(33)
@pytest.mark.point(34)
@pytest.mark.point(49)
@pytest.mark.point(50)
@pytest.mark.timeout(600)
def test_no_single_fault_in_any_place_doubles_loses_or_strands_anything(simulate: Simulate) -> None:
    met: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for story, some in unmet(simulate).items():
        wrong += survived(story, some, simulate)
        met |= {(site.who, site.name) for site, _ in some}

    assert not wrong, "\n".join(wrong)
    assert met >= operations(simulate)


@pytest.mark.deep
@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("story", STORIES)
def test_no_single_fault_at_all_doubles_loses_or_strands_anything(simulate: Simulate, story: str) -> None:
    wrong = survived(story, list(cells(clean(story, simulate))), simulate)

    assert not wrong, "\n".join(wrong)


def survived(story: str, some: list[Cell], simulate: Simulate) -> list[str]:
    """Let each of these go wrong; return those that were not survived."""
    wrong: list[str] = []
    for site, fault in some:
        try:
            struck(story, site, fault, simulate)
        except AssertionError as error:
            wrong.append(f"{story}: {site}, {fault}: {error}")
    return wrong


def operations(simulate: Simulate) -> set[tuple[str, str]]:
    """Name every operation that the stories meet when nothing goes wrong."""
    return {(site.who, site.name) for story in STORIES for site, _ in clean(story, simulate).point.sites}
