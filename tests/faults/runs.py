"""Runs in one environment, one after another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults.environment import Environment
from tests.faults.fault_points import Faults, Schedule
from tests.faults.simulation import Simulation

type Simulate = Callable[..., Simulation]


@contextmanager
def simulating(environment: Environment) -> Iterator[Simulate]:
    """Give a function that begins a run and ends the one before."""
    begun: list[Simulation] = []

    def begin(
        seed: int = 0,
        *,
        schedule: Schedule | None = None,
        faults: Faults | None = None,
        kind: type[Simulation] = Simulation,
    ) -> Simulation:
        while begun:
            begun.pop().close()
        begun.append(kind(environment, seed, schedule=schedule, faults=faults))
        return begun[0]

    try:
        yield begin
    finally:
        while begun:
            begun.pop().close()
