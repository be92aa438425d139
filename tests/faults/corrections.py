"""Configurations that a person applies while faults strike, and the correction of a broken one."""

from collections.abc import Callable
from typing import Any

from tests.faults.simulation import MINUTE, Simulation


def configure(simulation: Simulation, **changes: Any) -> None:
    """Apply a configuration, and again until it is in force."""
    while not simulation.apply(**changes):
        simulation.advance(1.0)


def correct(simulation: Simulation, happens: Callable[[], object], **broken: Any) -> None:
    """Let something happen under a broken configuration, correct that, and let the relay have it planned again."""
    configure(simulation, **broken)
    happens()
    simulation.settle(prompt=True)
    configure(simulation)
    simulation.settle(prompt=True)
    simulation.advance(2 * MINUTE)
    simulation.sweep()
    simulation.settle(prompt=True)
