"""The parts of the proof by name, so that a test can run one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults import machine
from tests.faults.environment import Environment
from tests.faults.fault_points import Fault, OneFault, Site
from tests.faults.interleaving import Interleaving
from tests.faults.oracle import check_promises
from tests.faults.runs import Simulate
from tests.faults.scenarios import SCENARIOS, play_scenario
from tests.faults.simulation import Simulation
from tests.faults.stories import EVE, STORIES, play_story

SEEDS = 100

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
class Histories:
    """Long histories that Hypothesis generates."""

    number: int

    def __str__(self) -> str:
        return f"histories {self.number}"


type Part = str | StoryWithFault | Seed | Histories


def prove(part: Part, environment: Environment, simulate: Simulate) -> None:
    """Carry out one part of the proof; raises AssertionError when a promise is broken."""
    if isinstance(part, StoryWithFault):
        play_with_fault(part, simulate)
    elif isinstance(part, Seed):
        Interleaving(environment, simulate, part.number).run()
    elif isinstance(part, Histories):
        machine.run(simulate, part.number, machine.LONG)
    elif part in SCENARIOS:
        simulation = simulate()
        play_scenario(part, simulation)
        check_promises(simulation)
    elif part in STORIES:
        play_without_fault(part, simulate)
    else:
        assert part == "seeds"
        for seed in range(SEEDS):
            Interleaving(environment, simulate, seed).run()


def play_without_fault(story: str, simulate: Simulate) -> Simulation:
    """Run a story without a fault."""
    simulation = simulate()
    play_story(story, simulation)
    check_promises(simulation, strict=True)
    assert any(lead != EVE for lead, _ in simulation.receipts), "the story promised nothing"
    return simulation


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
