"""Two releases beside each other: a deployment in which each process runs the present code or the release before.

The release before comes with its own processes, clients and steps, so what it does is what it did then. Both see one
ledger, one Valkey, one queue, one clock and the same providers.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from unittest.mock import patch

from drumbeat.audit import verify
from drumbeat.configuration import document
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.request import Reply
from drumbeat.core.status import Status
from drumbeat.ingest.receipt import Receipt
from drumbeat.operations.decisions import Decision
from tests.faults.environment import Environment
from tests.faults.fault_points import Faults, Schedule
from tests.faults.in_the_way import Failure
from tests.faults.oracle import check_promises
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import Simulation
from tests.faults.vendors import Vendors
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

    parks = False  # the release before records what a revoked caller had buffered
    lists = False  # it lets everything wait while there are some
    keeps_leads = False  # what it plans has none until they are made anew

    @cached_property
    def rules(self) -> int:  # type: ignore[override]
        """What both understand: a version of later rules is for the present code alone."""
        theirs: int = before.module("drumbeat.core.compatibility").SEMANTICS
        return min(SEMANTICS, theirs)

    def __init__(
        self, environment: Environment, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        super().__init__(environment, seed, schedule=schedule, faults=faults)
        self._deployed: dict[str, Release] = {}
        self._ran: dict[str, Release] = {}  # what the process of each name has run last
        self.ran: set[Release] = set()

    @cached_property
    def before(self) -> Any:
        """The release before's own simulation of the same servers, queues, clock and providers."""
        kind: Any = before.module("tests.faults.simulation").Simulation
        same = object.__new__(kind)  # its own beginning would empty the servers
        vars(same).update(vars(self) | {"_processes": {}, "vendors": _InItsWords(self.vendors)})
        return same

    def deploy(self, release: Release, processes: Iterable[str]) -> None:
        """Let these processes run a release from their next step on; the step that is under way ends as it began."""
        self._deployed |= dict.fromkeys(processes, release)
        self.point.note(f"{release} is deployed to {', '.join(processes)}")

    # ------------------------------------------------------------ what happens

    def ingest(self, lead: Lead, who: str = "ingest") -> Receipt | None:
        if self._runs_before(who):
            receipt: Receipt | None = self.before.ingest(lead, who)
            return receipt
        return super().ingest(lead, who)

    def ingest_all(self, *leads: Lead, who: str = "ingest") -> None:
        if self._runs_before(who):
            self.before.ingest_all(*leads, who=who)
        else:
            super().ingest_all(*leads, who=who)

    def deliver_webhook(self, sent: Webhook, who: str = "ingest", *, id: str = "") -> None:
        if self._runs_before(who):
            self.before.deliver_webhook(sent, who, id=id)
        else:
            super().deliver_webhook(sent, who, id=id)

    def work(self, who: str = "worker") -> bool:
        return bool(self.before.work(who)) if self._runs_before(who) else super().work(who)

    def sweep(self, who: str = "relay") -> None:
        if self._runs_before(who):
            self.before.sweep(who)
        else:
            super().sweep(who)

    def suppress(self, lead: Lead, who: str = "person", *, lifted: bool = False) -> None:
        if self._runs_before(who):
            self.before.suppress(lead, who, lifted=lifted)
            self._suppressed(lead, lifted=lifted)
        else:
            super().suppress(lead, who, lifted=lifted)

    def decide(self, decision: Decision, *steps: str, even_if_sent: bool = False, who: str = "person") -> None:
        if self._runs_before(who):
            self.before.decide(_as_before(decision), *steps, even_if_sent=even_if_sent, who=who)
        else:
            super().decide(decision, *steps, even_if_sent=even_if_sent, who=who)

    def decide_all(self, decision: Decision, *statuses: Status, who: str = "person") -> None:
        if self._runs_before(who):
            self.before.decide_all(_as_before(decision), *statuses, who=who)
        else:
            super().decide_all(decision, *statuses, who=who)

    def fire(self, campaign: str, scheduled: datetime, who: str = "scheduler") -> None:
        if self._runs_before(who):
            self.before.fire(campaign, scheduled, who)
        else:
            super().fire(campaign, scheduled, who)

    def abandon(self, lead: Lead, who: str = "worker") -> None:
        if self._runs_before(who):
            self.before.abandon(lead, who)
        else:
            super().abandon(lead, who)

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration; the release before refuses what it does not know."""
        if not self._runs_before(who):
            with patch.object(document, "SEMANTICS", self.rules):
                return super().apply(who, **changes)
        with contextlib.suppress(before.module("drumbeat.core.errors").Invalid):
            return bool(self.before.apply(who, **changes))
        return False

    def _runs_before(self, who: str) -> bool:
        """Return whether this process runs the release before; one that ran another release is ended first."""
        release = self._deployed.get(who, Release.PRESENT)
        if self._ran.setdefault(who, release) is not release:
            self._ran[who] = release
            for processes in (self._processes, self.before._processes):
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


class _InItsWords:
    """The providers, as the release before meets them: what is in the way of its requests ends in its own outcomes."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendors, name)

    @property
    def in_the_way(self) -> Callable[..., Any] | None:
        away = self._vendors.in_the_way
        return away and (lambda *request: _in_its_words(away(*request)))


def _in_its_words(end: Reply | Failure | None) -> Any:
    if end is None:
        return None
    module = before.module(type(end).__module__)
    return getattr(module, type(end).__name__)(*(getattr(end, field.name) for field in fields(end)))


def _as_before(decision: Decision) -> Any:
    """Return the decision by its name in the release before, whose code compares identities."""
    return before.module("drumbeat.operations.decisions").Decision(decision.value)


def check_ledger(simulation: Beside, *, strict: bool = False) -> None:
    """Check every promise, and that `verify` of the present code finds nothing; raises AssertionError."""
    check_promises(simulation, strict=strict)
    found = verify(simulation.process("auditor"))
    violations = [str(violation) for violation in found.items if violation.kind != BY_THE_CLOCK]
    assert not violations, "\n".join(violations)
    assert found.next is None
