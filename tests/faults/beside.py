"""Two releases beside each other: a deployment in which each process runs the present code or the release before.

The release before comes with its own processes, clients and steps, so what it does is what it did then. Both see one
ledger, one Valkey, one queue, one clock and the same providers.
"""

import contextlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import psycopg

from drumbeat.audit import verify
from drumbeat.delivery.feedback import FeedbackEvent
from drumbeat.ingest.receipt import Receipt
from drumbeat.operations.resolve import Decision
from tests.faults.environment import Environment
from tests.faults.fault_points import Faults, Schedule
from tests.faults.oracle import check_promises
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import ACTOR, MAX_CLIENT_TRIES, Simulation
from tests.faults.webhooks import Webhook
from tests.releases import before

# Compares times, and simulated time stands still between two commits. The oracle compares their order.
BY_THE_CLOCK = "after-suppression"


class Release(StrEnum):
    """Which code a process runs."""

    BEFORE = "the release before"
    PRESENT = "the present code"


class Beside(Simulation):
    """A simulation whose processes run either release, as `deploy` says; each begins with the present code."""

    # What the release before does wrong on its own, by its own reason codes: after a few tries, within seconds, it
    # refuses what could surely not be sent, and holds what it could repeat. A time is the right budget, not a count.
    known_faults = frozenset({"tries_exhausted", "unknown_after_tries"})

    def __init__(
        self, environment: Environment, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        super().__init__(environment, seed, schedule=schedule, faults=faults)
        self._before = _same_world(self)
        self._deployed: dict[str, Release] = {}
        self._ran: dict[str, Release] = {}  # what the process of each name has run last
        self.ran: set[Release] = set()

    def deploy(self, release: Release, processes: Iterable[str]) -> None:
        """Let these processes run a release from their next step on; the step that is under way ends as it began."""
        self._deployed |= dict.fromkeys(processes, release)
        self.point.note(f"{release} is deployed to {', '.join(processes)}")

    def close(self) -> None:
        for process in self._before._processes.values():
            self.environment.discard(process)
        super().close()

    def restart(self) -> None:
        super().restart()
        self._before.restart()

    def settle(self, *, within: float = 3 * 86_400.0, prompt: bool = False) -> None:
        """As it is, only that nothing has to be prompt: each release may have a due index of its own."""
        super().settle(within=within)

    # ------------------------------------------------------------ what happens

    def ingest(self, lead: Lead, who: str = "ingest") -> Receipt | None:
        if self._runs_before(who):
            receipt: Receipt | None = self._before.ingest(lead, who)
            return receipt
        return super().ingest(lead, who)

    def ingest_all(self, *leads: Lead, who: str = "ingest") -> None:
        if self._runs_before(who):
            self._before.ingest_all(*leads, who=who)
        else:
            super().ingest_all(*leads, who=who)

    def deliver_webhook(self, sent: Webhook, who: str = "ingest") -> None:
        if not self._runs_before(who):
            super().deliver_webhook(sent, who)
            return
        door, errors = before.module("drumbeat.ingest.webhook"), before.module("drumbeat.core.errors")
        for _ in range(MAX_CLIENT_TRIES):
            with self._before._living(who) as process, contextlib.suppress(errors.Problem, psycopg.Error):
                door.ingest(sent.source, sent.delivery(self.clock.timestamp()), process.door)
                self.delivered.append(sent)
                return
            self.advance(1.0)

    def work(self, who: str = "worker") -> bool:
        return bool(self._before.work(who)) if self._runs_before(who) else super().work(who)

    def sweep(self, who: str = "relay") -> None:
        if self._runs_before(who):
            self._before.sweep(who)
        else:
            super().sweep(who)

    def suppress(self, lead: Lead, who: str = "person", *, lifted: bool = False) -> None:
        if self._runs_before(who):
            self._before.suppress(lead, who, lifted=lifted)
            self._suppressed(lead, lifted=lifted)
        else:
            super().suppress(lead, who, lifted=lifted)

    def resolve(self, decision: Decision, who: str = "person") -> None:
        if not self._runs_before(who):
            super().resolve(decision, who)
            return
        deciding, errors = before.module("drumbeat.operations.resolve"), before.module("drumbeat.core.errors")
        for row in self.held():
            with self._before._living(who) as process, contextlib.suppress(psycopg.Error, errors.Stale):
                if decision is Decision.RESEND:
                    self.resent.add(row["id"])
                deciding.resolve(
                    row["id"],
                    deciding.Decision(decision.value),
                    reason="looked",
                    version=row["seq"],
                    actor=ACTOR,
                    services=process,
                )

    def report(self, *events: FeedbackEvent, who: str = "feedback") -> None:
        if self._runs_before(who):
            self._before.report(*events, who=who)
        else:
            super().report(*events, who=who)

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration; the release before refuses what it does not know."""
        if not self._runs_before(who):
            return super().apply(who, **changes)
        with contextlib.suppress(before.module("drumbeat.core.errors").Invalid):
            return bool(self._before.apply(who, **changes))
        return False

    def _runs_before(self, who: str) -> bool:
        """Return whether this process runs the release before; one that ran another release is ended first."""
        release = self._deployed.get(who, Release.PRESENT)
        if self._ran.setdefault(who, release) is not release:
            self._ran[who] = release
            for processes in (self._processes, self._before._processes):
                if who in processes:
                    processes[who].dead = True
        self.ran.add(release)
        return release is Release.BEFORE


class PresentFirst(Beside):
    """Each step of a process is another release's than its step before."""

    first = Release.PRESENT

    def _runs_before(self, who: str) -> bool:
        last = self._deployed.get(who)
        self._deployed[who] = self.first if last is None else next(one for one in Release if one is not last)
        return super()._runs_before(who)


class BeforeFirst(PresentFirst):
    """The same, and the release before begins."""

    first = Release.BEFORE


def _same_world(simulation: Simulation) -> Any:
    """Return the release before's own simulation of the same servers, queues, clock and providers."""
    kind: Any = before.module("tests.faults.simulation").Simulation
    same = object.__new__(kind)  # its own beginning would empty the servers
    vars(same).update(vars(simulation) | {"_processes": {}})
    return same


def check_ledger(simulation: Beside, *, strict: bool = False) -> None:
    """Check every promise, and that `verify` of the present code finds nothing; raises AssertionError."""
    check_promises(simulation, strict=strict)
    found = verify(simulation.process("auditor"))
    violations = [str(violation) for violation in found.items if violation.kind != BY_THE_CLOCK]
    assert not violations, "\n".join(violations)
    assert found.next is None
