"""Two releases beside each other: a deployment in which each process runs the present code or the release before.

The release before comes with its own processes, clients and steps, so what it does is what it did then. Both see one
ledger, one Valkey, one queue, one clock and the same providers.
"""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from drumbeat.audit import verify
from drumbeat.core.status import Status
from drumbeat.delivery.feedback import FeedbackEvent
from drumbeat.ingest.receipt import Receipt
from drumbeat.operations.decisions import Decision
from drumbeat.wakeups.due_index import KEY_BEFORE
from tests.faults.environment import Environment
from tests.faults.fault_points import Faults, Schedule
from tests.faults.oracle import check_promises
from tests.faults.queues import EFFECTS
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

    # What the release before does wrong on its own, by the reason codes that it writes: after a few tries, within
    # seconds, it refuses what could surely not be sent, and holds what it could repeat. And what a person drops it
    # cancels without a word that it may have been sent.
    known_faults = frozenset({"tries_exhausted", "unknown_after_tries", "decided"})
    parks = False  # the release before records what a revoked caller had buffered
    event_for_each_id = True  # it makes a webhook's key of an id that is not signed

    def __init__(
        self, environment: Environment, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        super().__init__(environment, seed, schedule=schedule, faults=faults)
        self._deployed: dict[str, Release] = {}
        self._ran: dict[str, Release] = {}  # what the process of each name has run last
        self.ran: set[Release] = set()

    def deploy(self, release: Release, processes: Iterable[str]) -> None:
        """Let these processes run a release from their next step on; the step that is under way ends as it began."""
        self._deployed |= dict.fromkeys(processes, release)
        self.point.note(f"{release} is deployed to {', '.join(processes)}")

    def settle(self, *, within: float = 3 * 86_400.0, prompt: bool = False) -> None:
        """As it is, only that nothing has to be prompt: each release may have a due index of its own."""
        super().settle(within=within)

    def _due_indexes(self) -> list[str]:
        return self._indexes_of(self._deployed.get("relay", Release.PRESENT))

    def _indexes_of(self, release: Release) -> list[str]:
        return [str(KEY_BEFORE)] if release is Release.BEFORE else super()._due_indexes()

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
            self.deliver_before(sent, who, id=id)
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
            self._decide_before(decision, steps, who)
        else:
            super().decide(decision, *steps, even_if_sent=even_if_sent, who=who)

    def decide_all(self, decision: Decision, *statuses: Status, who: str = "person") -> None:
        if self._runs_before(who):
            self._decide_before(decision, (), who)
        else:
            super().decide_all(decision, *statuses, who=who)

    def _decide_before(self, decision: Decision, steps: Sequence[str], who: str) -> None:
        """Decide by the release before, which takes what is held, and knows no other decisions than its own."""
        deciding, errors = before.module("drumbeat.operations.resolve"), before.module("drumbeat.core.errors")
        if decision not in [*deciding.Decision]:
            return
        for row in self.decidable(decision, *steps):
            with self.before._living(who) as process, contextlib.suppress(psycopg.Error, errors.Stale):
                self.resent[row["id"]] += decision is Decision.RESEND
                deciding.resolve(
                    row["id"],
                    deciding.Decision(decision.value),
                    reason="looked",
                    version=row["seq"],
                    actor=ACTOR,
                    services=process,
                )

    def fire(self, campaign: str, scheduled: datetime, who: str = "scheduler") -> None:
        if not self._runs_before(who):
            super().fire(campaign, scheduled, who)
            return
        for _ in range(MAX_CLIENT_TRIES):
            with self.before._living(who) as process, contextlib.suppress(psycopg.Error):
                before.module("drumbeat.campaigns").fire(campaign, scheduled, process)
                return
            self.advance(1.0)

    def abandon(self, lead: Lead, who: str = "worker") -> None:
        if not self._runs_before(who):
            super().abandon(lead, who)
            return
        with self.before._living(who) as process, contextlib.suppress(psycopg.Error):
            before.module("drumbeat.delivery.planning").plan_events([lead.event], process)
            process.dead = True
        self.queues.queues[EFFECTS].clear()

    def report(self, *events: FeedbackEvent, who: str = "feedback") -> None:
        if self._runs_before(who):
            self.before.report(*events, who=who)
        else:
            super().report(*events, who=who)

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration; the release before refuses what it does not know."""
        if not self._runs_before(who):
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

    def _due_indexes(self) -> list[str]:
        return [index for release in Release for index in self._indexes_of(release)]

    def _runs_before(self, who: str) -> bool:
        last = self._deployed.get(who)
        self._deployed[who] = self.first if last is None else next(one for one in Release if one is not last)
        return super()._runs_before(who)


class BeforeFirst(PresentFirst):
    """The same, and the release before begins."""

    first = Release.BEFORE


def check_ledger(simulation: Beside, *, strict: bool = False) -> None:
    """Check every promise, and that `verify` of the present code finds nothing; raises AssertionError."""
    check_promises(simulation, strict=strict)
    found = verify(simulation.process("auditor"))
    violations = [str(violation) for violation in found.items if violation.kind != BY_THE_CLOCK]
    assert not violations, "\n".join(violations)
    assert found.next is None
