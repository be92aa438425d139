"""What a phase needs of a system under test."""

from collections.abc import Sequence
from random import Random
from typing import Protocol

from bench.load import Order
from bench.servers import Sighting

WORKERS = 2


class Witness(Protocol):
    """A provider with a log of what has really arrived."""

    def begin(self, *, latency: float, lies: float = 0.0) -> None:
        """Begin a new record; `latency` in seconds, `lies` the share of acceptances answered with a 500."""
        ...

    def sightings(self) -> dict[str, Sighting]:
        """Return what has arrived since, by event."""
        ...


class System(Protocol):
    """One system, started and ready: its API answers."""

    name: str
    witness: Witness

    def order(self, ids: Sequence[str], *, batch: int, rate: float | None, connections: int) -> Order:
        """Return the requests that bring these events, `batch` of them in each."""
        ...

    def stored(self) -> int:
        """Return how many events are stored as done."""
        ...

    def last_stored(self) -> float:
        """Return when the last of them was stored, in seconds of the epoch."""
        ...

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds spent so far, by group of processes; those in brackets are not the system's own."""
        ...

    def kill_worker(self, random: Random) -> bool:
        """Kill one whole worker; False when none lives at the moment."""
        ...

    def stop(self) -> None:
        """End every process."""
        ...
