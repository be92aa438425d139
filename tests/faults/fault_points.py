"""The one point that every operation of every process passes: it is traced, others may run, and a fault may strike."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from drumbeat.core.clock import Clock

HANG_SECONDS = 100.0  # seconds: more than two leases


class Crash(BaseException):
    """The process ended here, as by SIGKILL: nothing it does while it unwinds reaches anybody."""


class Fault(StrEnum):
    """What can happen to one operation."""

    CRASH_BEFORE = "the process dies before it"
    CRASH_AFTER = "it is done, and the process dies"
    ERROR_BEFORE = "it fails"
    ERROR_AFTER = "it is done, and its answer is lost"
    HANG_BEFORE = "the process is frozen before it"
    HANG_AFTER = "it is done, and the process is frozen"
    TWICE = "it is done twice"


@dataclass(frozen=True, slots=True)
class Site:
    """One operation of a run: whose, which, and the how-manieth of its name."""

    who: str
    name: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.who}: {self.name} #{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Operation[T]:
    """One thing that a process asks of the outside.

    `fail` gives what the process sees when it goes wrong: it raises, or returns a failure. Its argument tells whether
    the operation was carried out all the same.
    """

    name: str
    act: Callable[[], T]
    fail: Callable[[bool], T]
    twice: bool = False  # the outside may carry it out twice


class ClientProcess(Protocol):
    """A process, as its clients know it."""

    clock: Clock

    def through[T](self, operation: Operation[T]) -> T:
        """Pass the point with an operation."""
        ...


class Faults(Protocol):
    """Decides what happens to an operation."""

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None: ...


class NoFaults:
    """A clean run."""

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        return None


class OneFault:
    """Strikes one site once."""

    def __init__(self, site: Site, fault: Fault) -> None:
        self.site, self.fault = site, fault
        self.happened = False

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        if site != self.site or self.happened:
            return None
        self.happened = True
        return self.fault


class SomeFaults:
    """Strikes at random, as the seed has it."""

    def __init__(self, random: Random, rate: float) -> None:
        self._random = random
        self.rate = rate

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        if self._random.random() >= self.rate:
            return None
        fault = self._random.choice([*Fault])
        return None if fault is Fault.TWICE and not twice else fault


class Schedule(Protocol):
    """Decides who goes on."""

    def turn(self, who: str) -> None:
        """Called before an operation: others may run first."""
        ...

    def frozen(self, who: str) -> None:
        """Called when a process is frozen: others run meanwhile."""
        ...

    @contextmanager
    def statement(self, who: str, backend: int) -> Iterator[None]:
        """Wraps a statement of this Postgres backend, which may wait for a lock that somebody else holds."""
        ...

    def is_active(self) -> bool:
        """Tell whether there is anybody else."""
        ...

    def splits_commits(self) -> bool:
        """Tell whether others may run between this statement and its commit."""
        ...


class Sequential:
    """No scheduling: whoever is called runs to its end. While it is frozen, `meanwhile` is what the others do."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    def turn(self, who: str) -> None:
        pass

    def frozen(self, who: str) -> None:
        self._meanwhile()

    @contextmanager
    def statement(self, who: str, backend: int) -> Iterator[None]:
        yield

    def is_active(self) -> bool:
        return False

    def splits_commits(self) -> bool:
        return False


class FaultPoint:
    """Where every operation comes through."""

    def __init__(self, schedule: Schedule, faults: Faults, advance: Callable[[float], None]) -> None:
        self.schedule = schedule
        self.faults = faults
        self._advance = advance
        self._counts: Counter[tuple[str, str]] = Counter()
        self.trace: list[str] = []
        self.sites: list[tuple[Site, bool]] = []  # with: may it be carried out twice
        self.hang = HANG_SECONDS

    def note(self, text: str) -> None:
        """Write a line into the trace."""
        self.trace.append(text)

    def forget(self) -> None:
        """Begin a new trace."""
        self._counts.clear()
        self.trace.clear()
        self.sites.clear()

    def pass_through[T](self, who: str, die: Callable[[], None], operation: Operation[T]) -> T:
        """Carry out one operation of a living process, unless a fault has it otherwise."""
        self.schedule.turn(who)
        kind = who.partition(" ")[0]
        self._counts[kind, operation.name] += 1
        site = Site(kind, operation.name, self._counts[kind, operation.name])
        self.sites.append((site, operation.twice))
        fault = self.faults.fault_at(site, twice=operation.twice)
        self.note(f"{who}: {operation.name}" + (f" [{fault}]" if fault else ""))
        if fault is Fault.CRASH_BEFORE:
            die()
        if fault is Fault.HANG_BEFORE:
            self._hang(who)
        if fault is Fault.ERROR_BEFORE:
            return operation.fail(False)
        if fault is Fault.TWICE:
            operation.act()
        result = operation.act()
        if fault is Fault.CRASH_AFTER:
            die()
        if fault is Fault.HANG_AFTER:
            self._hang(who)
        return operation.fail(True) if fault is Fault.ERROR_AFTER else result

    def _hang(self, who: str) -> None:
        if self.hang:
            self._advance(self.hang)
        self.schedule.frozen(who)
