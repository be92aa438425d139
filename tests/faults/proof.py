"""The parts of the proof by name, so that a test can ask for one of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.conftest import Simulate
from tests.faults.interleaving import Interleaving
from tests.faults.judge import judge
from tests.faults.points import Fault, OneFault, Site
from tests.faults.scenarios import EVE, STORIES, tell
from tests.faults.simulation import Simulation
from tests.faults.stage import Stage
from tests.faults.tales import TALES, play

SEEDS = 100

type Cell = tuple[Site, Fault]


@dataclass(frozen=True, slots=True)
class Struck:
    """A story in which one thing goes wrong."""

    story: str
    site: Site
    fault: Fault


def prove(part: str | Struck, stage: Stage, simulate: Simulate) -> None:
    """Carry out one part of the proof; raises AssertionError at the first promise that is broken."""
    if isinstance(part, Struck):
        struck(part.story, part.site, part.fault, simulate)
    elif part in TALES:
        simulation = simulate()
        play(part, simulation)
        judge(simulation)
    elif part in STORIES:
        clean(part, simulate)
    else:
        assert part == "seeds"
        for seed in range(SEEDS):
            Interleaving(stage, simulate, seed).run()


def clean(story: str, simulate: Simulate) -> Simulation:
    """Play a story in which nothing goes wrong."""
    simulation = simulate()
    tell(story, simulation)
    judge(simulation, strict=True)
    assert any(lead != EVE for lead, _ in simulation.receipts), "the story promised nobody anything"
    return simulation


def struck(story: str, site: Site, fault: Fault, simulate: Simulate) -> None:
    """Play a story in which one thing goes wrong."""
    one = OneFault(site, fault)
    simulation = simulate(faults=one)

    def meanwhile() -> None:
        simulation.sweep("relay 2")
        simulation.drain("worker 2")

    simulation.meanwhile = meanwhile
    tell(story, simulation)
    judge(simulation, strict=True)
    assert one.struck, "the fault did not strike: the story went another way before it"


def cells(simulation: Simulation) -> Iterator[Cell]:
    """List everything that can go wrong once in a run that was traced."""
    for site, twice in simulation.point.sites:
        yield from ((site, fault) for fault in Fault if twice or fault is not Fault.TWICE)
