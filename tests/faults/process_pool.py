"""Many parts of the proof at once: processes that each have an environment of their own."""

import traceback
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

from tests.faults.environment import Environment, Servers
from tests.faults.interleaving import Interleaving
from tests.faults.proof import Part, prove
from tests.faults.runs import simulating

_environment: Environment  # of this process, if it is one of the pool


class ProcessPool:
    """One process for each set of servers. Each takes the next part of the proof when it is free."""

    def __init__(self, all_servers: Sequence[Servers]) -> None:
        context = get_context("spawn")
        free: SimpleQueue[Servers] = context.SimpleQueue()
        for servers in all_servers:
            free.put(servers)
        self._pool = ProcessPoolExecutor(len(all_servers), context, _enter, (free,))

    def close(self) -> None:
        """End the processes; parts that have not begun are dropped."""
        self._pool.shutdown(cancel_futures=True)

    def failures(self, parts: Iterable[Part]) -> list[str]:
        """Carry out parts of the proof; return the message of each that failed."""
        return [failure for failure in self._pool.map(_failure, parts) if failure]

    def digests(self, seeds: Iterable[int]) -> list[str]:
        """Run these seeds; return the digest of each run."""
        return list(self._pool.map(_digest, seeds))


def _enter(free: "SimpleQueue[Servers]") -> None:
    global _environment
    _environment = Environment(free.get())


def _failure(part: Part) -> str | None:
    try:
        with simulating(_environment) as simulate:
            prove(part, _environment, simulate)
    except AssertionError as error:
        return "\n".join((f"{part}: {error}", *getattr(error, "__notes__", ())))
    except Exception:  # noqa: BLE001 - the release before has errors that the other process cannot read
        return f"{part}: {traceback.format_exc()}"
    return None


def _digest(seed: int) -> str:
    with simulating(_environment) as simulate:
        return Interleaving(_environment, simulate, seed).run()
