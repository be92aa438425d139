"""Every operation of every story x every fault: after each the ledger comes to rest, with everything done once."""

from collections.abc import Iterator, Mapping

import pytest

from tests.faults.environment import Stage
from tests.faults.fault_points import Fault
from tests.faults.process_pool import Crew
from tests.faults.processes import statements
from tests.faults.proof import Sites, Struck, cells, clean
from tests.faults.runs import simulating
from tests.faults.stories import STORIES

# To die after one operation is to die before the next: where time is short, one of the two is enough.
BRIEFLY = frozenset(Fault) - {Fault.CRASH_BEFORE, Fault.HANG_AFTER}

# Statements of the ledger that no story has to meet, by module or by name. Everything else belongs to the way of an
# event: whoever adds a statement there, or a client's operation anywhere on it, adds it to the matrix.
ASIDE = {
    "findings": "verify reads only",
    "verification": "verify reads only",
    "people.LIST": "a person reads only",
    "resolve.HELD": "a person reads only; what is decided is met",
    "configs.NEWEST_VERSION": "a person reads only",
    "configs.STORED": "a person reads only",
    "configs.OPEN_IDENTITIES": "apply reads only, to say why it was refused; a tale has it",
    "resume.HASTEN": "a person brings forward what is due anyway",
    "campaigns.KNOWN": "schedules have their own proof: dropped, doubled and late firings",
    "ingest.FINGERPRINTS": "reads only, of keys that came with another body in one batch",
    "attempts.OPENED": "reads only, once an answer was lost: the matrix itself leads there",
    "reconciliation": "a person writes down what a provider took, while nothing is sent",
    "keys": "a person makes and revokes keys",
    "migrate": "a deployment",
    "roles": "a deployment",
    "steps": "a deployment",
    "legacy": "parts of other statements, about what the release before wrote",
}


@pytest.fixture(scope="module")
def traced(stage: Stage) -> Mapping[str, Sites]:
    """What each story meets when nothing goes wrong."""
    with simulating(stage) as simulate:
        return {story: clean(story, simulate).point.sites for story in STORIES}


def operations(traced: Mapping[str, Sites]) -> set[tuple[str, str]]:
    return {(site.who, site.name) for sites in traced.values() for site, _ in sites}


def test_the_stories_meet_every_statement_on_the_way_of_an_event(traced: Mapping[str, Sites]) -> None:
    met = {name.removeprefix("db ") for _, name in operations(traced)}
    left = {name for name in statements().values() if not {name, name.partition(".")[0]} & ASIDE.keys()}

    assert left <= met
    assert not met & ASIDE.keys()  # the list is not longer than it has to be


def unmet(traced: Mapping[str, Sites]) -> Iterator[Struck]:
    """List what can go wrong where no earlier operation stood in the same place.

    A place is an operation and the one that its process did before it.
    """
    places: set[tuple[str, str, str]] = set()
    for story, sites in traced.items():
        before: dict[str, str] = {}
        for site, twice in sites:
            place = (site.who, before.get(site.who, ""), site.name)
            before[site.who] = site.name
            if place not in places:
                places.add(place)
                yield from (cell for cell in cells(story, [(site, twice)]) if cell.fault in BRIEFLY)


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
def test_no_single_fault_in_any_place_doubles_loses_or_strands_anything(
    crew: Crew, traced: Mapping[str, Sites]
) -> None:
    some = list(unmet(traced))

    wrong = crew.wrong(some)

    print(f"{len(some)} single faults survived, at each of {len(operations(traced))} operations")
    assert not wrong, "\n".join(wrong)
    assert {(cell.site.who, cell.site.name) for cell in some} == operations(traced)


@pytest.mark.proof
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("story", STORIES)
def test_no_single_fault_at_all_doubles_loses_or_strands_anything(
    crew: Crew, traced: Mapping[str, Sites], story: str
) -> None:
    every = list(cells(story, traced[story]))

    wrong = crew.wrong(every)

    assert not wrong, "\n".join(wrong)
    print(f"{len(every)} single faults survived: every one that can strike {len(traced[story])} operations")
