"""The parts of the proof by name, so that a test can run one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults import machine
from tests.faults.beside import BeforeFirst, Beside, PresentFirst, Release, check_ledger
from tests.faults.campaign_scenarios import CAMPAIGN_SCENARIOS
from tests.faults.doubts import DOUBTS
from tests.faults.environment import Environment
from tests.faults.fault_points import Fault, OneFault, Site
from tests.faults.interleaving import WITHOUT_FAULTS, Interleaving
from tests.faults.oracle import check_promises
from tests.faults.peoples_scenarios import PEOPLES_SCENARIOS
from tests.faults.rollout import Rollout
from tests.faults.runs import Simulate
from tests.faults.scenarios import SCENARIOS, play
from tests.faults.simulation import Simulation
from tests.faults.stories import EVE, STORIES, play_story
from tests.faults.waking_scenarios import WAKING_SCENARIOS

SEEDS = 100
IN_MANY_ORDERS = ("seeds", *WITHOUT_FAULTS)  # any theme, or one in which order is all that matters
ALL_SCENARIOS = {**SCENARIOS, **DOUBTS, **PEOPLES_SCENARIOS, **CAMPAIGN_SCENARIOS, **WAKING_SCENARIOS}

type Sites = Sequence[tuple[Site, bool]]  # as a run traces them


@dataclass(frozen=True, slots=True)
class StoryWithFault:
    """A story with one fault."""

    story: str
    site: Site
    fault: Fault

    def __str__(self) -> str:
        return f"{self.story}: {self.site}, {self.fault}"


@dataclass(frozen=True, slots=True)
class Seed:
    """One interleaving."""

    number: int

    def __str__(self) -> str:
        return f"seed {self.number}"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One interleaving of two releases."""

    number: int

    def __str__(self) -> str:
        return f"upgrade {self.number}"


@dataclass(frozen=True, slots=True)
class StoryOfTwo:
    """A story in which each step of a process is another release's than its step before."""

    story: str
    first: Release

    def __str__(self) -> str:
        return f"{self.story}, {self.first} first"


@dataclass(frozen=True, slots=True)
class Histories:
    """Long histories that Hypothesis generates."""

    number: int

    def __str__(self) -> str:
        return f"histories {self.number}"


type Part = str | StoryWithFault | Seed | Upgrade | StoryOfTwo | Histories


def prove(part: Part, environment: Environment, simulate: Simulate) -> None:
    """Carry out one part of the proof; raises AssertionError when a promise is broken."""
    if isinstance(part, StoryWithFault):
        play_with_fault(part, simulate)
    elif isinstance(part, Seed):
        Interleaving(environment, simulate, part.number).run()
    elif isinstance(part, Upgrade):
        Rollout(environment, simulate, part.number).run()
    elif isinstance(part, StoryOfTwo):
        play_with_two_releases(part, simulate)
    elif isinstance(part, Histories):
        machine.run(simulate, part.number, machine.LONG)
    elif part in ALL_SCENARIOS:
        simulation = simulate()
        play(ALL_SCENARIOS[part], simulation)
        check_promises(simulation)
    elif part in STORIES:
        play_without_fault(part, simulate)
    else:
        assert part in IN_MANY_ORDERS
        for seed in range(SEEDS):
            Interleaving(environment, simulate, seed, theme=None if part == "seeds" else part).run()


def play_without_fault(story: str, simulate: Simulate) -> Simulation:
    """Run a story without a fault."""
    simulation = simulate()
    play_story(story, simulation)
    check_promises(simulation, strict=True)
    promised = [lead for lead, _ in simulation.receipts if lead != EVE] + [sent for sent, _ in simulation.delivered]
    assert promised, "the story promised nothing"
    return simulation


def play_with_two_releases(part: StoryOfTwo, simulate: Simulate) -> None:
    """Run a story by two releases in turn."""
    simulation = simulate(kind=PresentFirst if part.first is Release.PRESENT else BeforeFirst)
    assert isinstance(simulation, Beside)
    play_story(part.story, simulation)
    check_ledger(simulation, strict=True)
    assert simulation.ran == {*Release}, "only one release ran"


def play_with_fault(part: StoryWithFault, simulate: Simulate) -> None:
    """Run a story with one fault."""
    fault = OneFault(part.site, part.fault)
    simulation = simulate(faults=fault)

    def meanwhile() -> None:
        simulation.sweep("relay 2")
        simulation.drain("worker 2")

    simulation.meanwhile = meanwhile
    play_story(part.story, simulation)
    check_promises(simulation, strict=True)
    assert fault.happened, "the fault did not happen: the story took another path before it"


def all_faults(story: str, sites: Sites) -> Iterator[StoryWithFault]:
    """List every single fault of a story whose run without faults passed these sites."""
    for site, twice in sites:
        yield from (StoryWithFault(story, site, fault) for fault in Fault if twice or fault is not Fault.TWICE)
