"""The one point that every operation of every process passes: traced, scheduled, and possibly hit by a fault."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Protocol

from drumbeat.core.clock import Clock

HANG_SECONDS = 100.0  # more than two leases


class Crash(BaseException):
    """The process ended here, as by SIGKILL: nothing that it does while it unwinds has an effect outside."""


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
    """One operation of a run: of which process, of which name, and its number among those of the same name."""

    who: str
    name: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.who}: {self.name} #{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Operation[T]:
    """One thing that a process asks a server or a provider to do.

    `fail` is what the process sees when it goes wrong: it raises, or returns a failure. Its argument says whether the
    operation was carried out all the same.
    """

    name: str
    act: Callable[[], T]
    fail: Callable[[bool], T]
    twice: bool = False  # it may be carried out twice
    commands: int = 1  # that a server counts


class ClientProcess(Protocol):
    """A process, as its clients know it."""

    clock: Clock

    def through[T](self, operation: Operation[T]) -> T:
        """Carry out an operation through the fault point."""
        ...


class Faults(Protocol):
    """Decides what happens to an operation."""

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None: ...


class NoFaults:
    """No fault at all."""

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        return None


class OneFault:
    """One fault at one site, once."""

    def __init__(self, site: Site, fault: Fault) -> None:
        self.site, self.fault = site, fault
        self.happened = False

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        if site != self.site or self.happened:
            return None
        self.happened = True
        return self.fault


class SomeFaults:
    """Faults at random, decided by the seed."""

    def __init__(self, random: Random, rate: float) -> None:
        self._random = random
        self.rate = rate

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        if self._random.random() >= self.rate:
            return None
        fault = self._random.choice([*Fault])
        return None if fault is Fault.TWICE and not twice else fault


class Schedule(Protocol):
    """Decides which process runs next."""

    def turn(self, who: str) -> None:
        """Called before an operation: others may run first."""
        ...

    def frozen(self, who: str) -> None:
        """Called when a process is frozen: others run in the meantime."""
        ...

    @contextmanager
    def statement(self, who: str, backend: int) -> Iterator[None]:
        """Wraps a statement of this Postgres backend, which may wait for a lock of another process."""
        ...

    def is_active(self) -> bool:
        """Return whether other processes may run."""
        ...

    def splits_commits(self) -> bool:
        """Return whether others may run between this statement and its commit."""
        ...


class Sequential:
    """No scheduling: each call runs to its end. While a process is frozen, `meanwhile` is what the others do."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
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
    """Where every operation passes."""

    def __init__(self, schedule: Schedule, faults: Faults, advance: Callable[[float], None]) -> None:
        self.schedule = schedule
        self.faults = faults
        self._advance = advance
        self._counts: Counter[tuple[str, str]] = Counter()
        self.trace: list[str] = []
        self.sites: list[tuple[Site, bool]] = []  # with whether it may be carried out twice
        self.hang_seconds = HANG_SECONDS

    def note(self, text: str) -> None:
        """Write a line into the trace."""
        self.trace.append(text)

    def forget(self) -> None:
        """Begin a new trace."""
        self._counts.clear()
        self.trace.clear()
        self.sites.clear()

    def pass_through[T](self, who: str, die: Callable[[], None], operation: Operation[T]) -> T:
        """Carry out one operation of a running process, with the fault that is due at it, if any."""
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
        if self.hang_seconds:
            self._advance(self.hang_seconds)
        self.schedule.frozen(who)
