"""Every operation of every story x every fault: after each, nothing is left to do and everything was done once."""

from collections.abc import Iterator, Mapping
from random import Random

import pytest

from tests.faults.environment import Environment
from tests.faults.fault_points import Fault
from tests.faults.process_pool import ProcessPool
from tests.faults.processes import built_statements, statements
from tests.faults.proof import Sites, StoryWithFault, all_faults, play_without_fault
from tests.faults.runs import simulating
from tests.faults.stories import STORIES

# To die after one operation is to die before the next, and to be frozen after it likewise: one of the two is enough.
FAULTS = frozenset(Fault) - {Fault.CRASH_BEFORE, Fault.HANG_AFTER}

# Drawn by lot but each time the same: the longest stories have thousands, most of them alike. (Every third of a list
# that goes round by sixes would be the same two faults everywhere.)
MOST_FAULTS_OF_A_STORY = 14  # besides those of the places

# Statements that no story has to pass, by module or by name. Every other belongs to the path of an event: a new
# statement on it, or a new operation of a client, has to be passed by a story.
NOT_REQUIRED = {
    "audit": "verify reads only, and a person compares views or makes them again; nothing is sent for it",
    "lists": "a person or an import reads only, to refuse a list that there is not",
    "imports.STAY_OUT": "reads only, once the rows are recorded: where it fails, the same rows are sent again",
    "people.LIST": "a person reads only",
    "people.UNMATCHED": "a person reads only",
    "people.FIND": "a person reads only",
    "parking.LISTED": "a person reads only",
    "clock.NOW": "a person reads only",
    "configs.STORED": "a person reads only",
    "configs.OPEN_IDENTITIES": "apply reads only, to say why it was refused; a scenario covers it",
    "attempts.OPENED": "reads only, once an answer was lost: the matrix itself reaches it",
    "reconcile": "a person writes down what a provider took, while nothing is sent",
    "access": "a person makes and revokes keys",
    "migrate": "a deployment",
    "roles": "a deployment",
    "steps": "a deployment",
    "configs.USES": "apply reads only, to refuse a secret that a header would show to another",
    "dismissals": "a person has seen what needs attention; nothing is sent for it",
    "erasure": "a person has another erased; nothing is sent for it",
    "known": "apply reads only, to warn of an attribute that no one has",
    "counting": "a person looks at an audience",
    "judging": "a person looks at an audience",
    "members": "a person looks at an audience",
    "unplanned": "parts of other statements",
    "configs.LISTED": "a person reads only",
    "configs.STORED_AS": "a person reads only",
    "stops.JOURNAL": "a person reads only",
    "stops.NOTE": "a person ended a pause; nothing is sent for this line",
    "resume.COUNTED_EFFECTS": "a part of another statement",
    "violations.RECORD": "no story breaks an invariant; a test cuts a look that found something after each statement",
    "violations.TOLD": "the same",
    "violations.RESUME": "a person resumes; a look finishes what was cut",
}


@pytest.fixture(scope="module")
def traced(environment: Environment) -> Mapping[str, Sites]:
    """The sites that each story passes without a fault."""
    with simulating(environment) as simulate:
        return {story: play_without_fault(story, simulate).point.sites for story in STORIES}


def operations(traced: Mapping[str, Sites]) -> set[tuple[str, str]]:
    return {(site.who, site.name) for sites in traced.values() for site, _ in sites}


@pytest.mark.timeout(300)
def test_the_stories_pass_every_statement_on_the_path_of_an_event(traced: Mapping[str, Sites]) -> None:
    met = {name.removeprefix("db ") for _, name in operations(traced)}
    named = {*statements().values(), *built_statements()}
    left = {name for name in named if not {name, name.partition(".")[0]} & NOT_REQUIRED.keys()}

    assert left <= met
    assert met & NOT_REQUIRED.keys() == set()  # the list is no longer than necessary


def faults_in_new_places(traced: Mapping[str, Sites]) -> Iterator[list[StoryWithFault]]:
    """List the faults at operations in new places, by place and in an order drawn by lot.

    A place is an operation and the operation that its process did before it.
    """
    places: set[tuple[str, str, str]] = set()
    for story, sites in traced.items():
        before: dict[str, str] = {}
        for site, twice in sites:
            place = (site.who, before.get(site.who, ""), site.name)
            before[site.who] = site.name
            if place not in places:
                places.add(place)
                cells = [cell for cell in all_faults(story, [(site, twice)]) if cell.fault in FAULTS]
                yield Random(str(place)).sample(cells, len(cells))


def one_of_each_operation(traced: Mapping[str, Sites]) -> list[StoryWithFault]:
    """Take one fault in one place of each operation; the long run takes all others."""
    found: dict[tuple[str, str], list[StoryWithFault]] = {}
    for first, *_ in faults_in_new_places(traced):
        found.setdefault((first.site.who, first.site.name), []).append(first)
    return [Random(str(operation)).choice(cells) for operation, cells in found.items()]


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
@pytest.mark.timeout(1_800)
def test_no_single_fault_at_any_operation_doubles_loses_or_strands_anything(
    process_pool: ProcessPool, traced: Mapping[str, Sites]
) -> None:
    some = one_of_each_operation(traced)

    failures = process_pool.failures(some)

    print(f"{len(some)} single faults survived, at each of {len(operations(traced))} operations")
    assert not failures, "\n".join(failures)
    assert {(cell.site.who, cell.site.name) for cell in some} == operations(traced)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
def test_nor_does_any_other_in_any_place(process_pool: ProcessPool, traced: Mapping[str, Sites]) -> None:
    taken = set(one_of_each_operation(traced))
    others = [cell for cells in faults_in_new_places(traced) for cell in cells if cell not in taken]

    failures = process_pool.failures(others)

    print(f"{len(others)} single faults survived, those that are left of the places of operations")
    assert not failures, "\n".join(failures)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("story", STORIES)
def test_no_single_fault_at_all_doubles_loses_or_strands_anything(
    process_pool: ProcessPool, traced: Mapping[str, Sites], story: str
) -> None:
    of_places = {cell for cells in faults_in_new_places(traced) for cell in cells}
    every = [cell for cell in all_faults(story, traced[story]) if cell.fault in FAULTS and cell not in of_places]
    some = Random(story).sample(every, min(len(every), MOST_FAULTS_OF_A_STORY))

    failures = process_pool.failures(some)

    assert not failures, "\n".join(failures)
    print(f"{len(some)} single faults survived, of {len(every)} more that can strike {len(traced[story])} operations")
