"""Many parts of the proof at once: processes that each play on a stage of their own."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

from tests.faults.environment import Place, Stage
from tests.faults.interleaving import Interleaving
from tests.faults.proof import Part, prove
from tests.faults.runs import simulating

_stage: Stage  # of this process, if it is one of the crew


class Crew:
    """One process for each place. What they are given they share as they come."""

    def __init__(self, places: Sequence[Place]) -> None:
        context = get_context("spawn")
        free: SimpleQueue[Place] = context.SimpleQueue()
        for place in places:
            free.put(place)
        self._pool = ProcessPoolExecutor(len(places), context, _enter, (free,))

    def close(self) -> None:
        """Let everybody go; what was not begun is not done any more."""
        self._pool.shutdown(cancel_futures=True)

    def wrong(self, parts: Iterable[Part]) -> list[str]:
        """Carry out parts of the proof; return what each that failed has to say."""
        return [said for said in self._pool.map(_wrong, parts) if said]

    def digests(self, seeds: Iterable[int]) -> list[str]:
        """Play these seeds; return what tells their runs apart."""
        return list(self._pool.map(_digest, seeds))


def _enter(free: "SimpleQueue[Place]") -> None:
    global _stage
    _stage = Stage(free.get())


def _wrong(part: Part) -> str | None:
    try:
        with simulating(_stage) as simulate:
            prove(part, _stage, simulate)
    except AssertionError as error:
        return "\n".join((f"{part}: {error}", *getattr(error, "__notes__", ())))
    return None


def _digest(seed: int) -> str:
    with simulating(_stage) as simulate:
        return Interleaving(_stage, simulate, seed).run()
