"""A whole deployment on simulated time: what happens in it, step by step, until nothing is left to do."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from drumbeat.access.keys import ApiKey
from drumbeat.configuration import apply as applying
from drumbeat.core.errors import Problem, Stale
from drumbeat.delivery import feedback
from drumbeat.delivery.deliver import deliver
from drumbeat.delivery.feedback import FeedbackEvent
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ingest import batch, webhook
from drumbeat.ingest.receipt import Receipt
from drumbeat.ledger.database import Row
from drumbeat.operations import resolve
from drumbeat.operations.resolve import Decision
from drumbeat.people import suppressions
from drumbeat.relay import sweep
from drumbeat.wakeups.due_index import KEY, SENTINEL
from drumbeat.wakeups.queue import Message, Queue, WakeUp
from tests.faults import sample_deployment
from tests.faults.clock import SimulatedClock, SkewedClock
from tests.faults.environment import Environment
from tests.faults.fault_points import Crash, FaultPoint, Faults, NoFaults, Schedule, Sequential
from tests.faults.invariants import Invariants
from tests.faults.processes import Outages, Process, settings
from tests.faults.queues import BUFFER, EFFECTS, SqsModel
from tests.faults.sample_deployment import Lead
from tests.faults.vendors import Vendors
from tests.faults.webhooks import Webhook

MINUTE = 60.0
FUNCTION_TIMEOUT_SECONDS = 60.0  # that a worker has for a batch
ACTOR = "person:ada"
CALLER = ApiKey("shop", frozenset({"ingest"}))
MAX_CLIENT_TRIES = 30
MAX_MOMENTS = 1_000  # of one run at which something happens: no story needs so many
LATE_SECONDS = 3 * MINUTE  # something that is due and not looked at for longer is stuck

OPEN = """
    SELECT (SELECT count(*) FROM effects WHERE status IN ('claimed', 'sending', 'unknown')
                OR (status = 'waiting' AND due_at < 'infinity')
                OR (status = 'waiting' AND NOT EXISTS (SELECT FROM effects e WHERE e.id = effects.after
                                                          AND e.status = 'held')))
         + (SELECT count(*) FROM events WHERE NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)) AS left
"""
OVERDUE = """
    SELECT 'effect ' || step || ' is ' || status AS what
      FROM effects
     WHERE (status IN ('waiting', 'unknown') AND lease_until IS NULL AND due_at < drumbeat_now() - %(late)s)
        OR (status IN ('claimed', 'sending', 'unknown') AND lease_until < drumbeat_now() - %(late)s)
     UNION ALL
    SELECT 'event without a plan' FROM events
     WHERE recorded_at < drumbeat_now() - %(late)s AND NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)
"""


class Stuck(AssertionError):
    """Nothing changes, though something is left to do."""


class Simulation:
    """One run: a seed, a schedule and faults decide everything that is random."""

    known_faults: frozenset[str] = frozenset()  # reason codes with which effects may end, though they need not

    def __init__(
        self, environment: Environment, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        self.environment = environment
        self.random = Random(seed)
        home = environment.clear()
        self.clock = SimulatedClock(environment.owner)
        self.meanwhile: Callable[[], None] = lambda: None  # what others do while the only running process is frozen
        self.schedule: Schedule = schedule or Sequential(lambda: self.meanwhile())
        self.point = FaultPoint(self.schedule, faults or NoFaults(), self.advance)
        self.queues = SqsModel(Random(seed + 1))
        self.vendors = Vendors(home, environment.owner, self.clock.timestamp)
        self.receipts: list[tuple[Lead, Receipt]] = []
        self.delivered: list[Webhook] = []  # and answered with a 2xx
        self.unwanted: set[Lead] = set()  # suppressed before they were sent
        self.skews: dict[str, float] = {}  # seconds by which a machine's clock is off
        self.invariants = Invariants(environment.owner, self.clock)
        self.outages = Outages()
        self.redis_clock = SkewedClock(self.clock, 0.0)
        self.resent: set[object] = set()  # effects that a person decided to send again
        self.versions = 0
        self._processes: dict[str, Process] = {}
        self.configure()

    def close(self) -> None:
        for process in self._processes.values():
            self.environment.discard(process)
        self.vendors.close()

    # ------------------------------------------------------------ processes and time

    def process(self, who: str) -> Process:
        """Return the running process of this name, a new one if the last has ended."""
        process = self._processes.get(who)
        if process is None or process.dead:
            if process is not None:
                self.environment.discard(process)
            clock = SkewedClock(self.clock, self.skews[who]) if who in self.skews else self.clock
            process = Process(
                who,
                settings(self.environment.servers.database_url, self.environment.servers.redis_url),
                clock,
                self.point,
                sqs_model=self.queues,
                vendors=self.vendors,
                outages=self.outages,
                redis_clock=self.redis_clock,
                pool=self.environment.pool,
                random=Random(self.random.random()),
                observe=self.invariants.observe,
            )
            self._processes[who] = self.environment.reuse_connection(process)
        return process

    def restart(self) -> None:
        """End every process; each starts again when it is needed."""
        for process in self._processes.values():
            process.dead = True

    def advance(self, seconds: float) -> None:
        """Let time pass, for the keys of Redis too."""
        self.clock.advance(seconds)
        self.environment.age_keys(seconds)

    @contextmanager
    def _living(self, who: str) -> Iterator[Process]:
        """Give a process, and note in the trace when it dies."""
        process = self.process(who)
        try:
            yield process
        except Crash:
            process.dead = True
            self.environment.discard(process)
            self.point.note(f"{who} died")

    # ------------------------------------------------------------ what happens

    def configure(self, **changes: Any) -> None:
        """Put a configuration in force, without a process of the run."""
        self.versions += 1
        self.environment.owner.run(
            "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
            " VALUES (%s, %s, '', '{}', %s, 'simulation')",
            (self.versions, str(self.versions).encode(), Jsonb(dict(sample_deployment.compiled(**changes)))),
        )

    def ingest(self, lead: Lead, who: str = "ingest") -> Receipt | None:
        """Be a client that sends a lead and tries again until it has a receipt."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                receipt = process.single.ingest(lead.body, caller=CALLER)
                self.receipts.append((lead, receipt))
                return receipt
            self.advance(1.0)
        return None

    def ingest_all(self, *leads: Lead, who: str = "ingest") -> None:
        """Be a client that sends many leads at once and tries again until it has a receipt for all."""
        body = b'{"events": [%s]}' % b", ".join(lead.body for lead in leads)
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                results = batch.ingest(body, process.door, caller=CALLER)
                self.receipts += [
                    (lead, receipt)
                    for lead, receipt in zip(leads, results, strict=True)
                    if isinstance(receipt, Receipt)
                ]
                return
            self.advance(1.0)

    def deliver_webhook(self, sent: Webhook, who: str = "ingest") -> None:
        """Be a sender that delivers a webhook and tries again until it is taken."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                webhook.ingest(sent.source, sent.delivery(self.clock.timestamp()), process.door)
                self.delivered.append(sent)
                return
            self.advance(1.0)

    def work(self, who: str = "worker") -> bool:
        """Process one batch of messages; return False when no message was visible."""
        with self._living(who) as process, contextlib.suppress(SqsError):
            queue = Queue(process.sqs, EFFECTS)
            messages = queue.receive()
            if not messages:
                return False
            with contextlib.suppress(psycopg.Error):  # the invocation fails, its messages come back
                queue.delete(self._invoke(process, messages))
        return True

    def _invoke(self, process: Process, messages: list[Message]) -> list[Message]:
        """Do what the worker function does; return the messages that are finished."""
        wake_ups = {message.id: WakeUp.loads(message.body) for message in messages}
        started = process.clock.elapsed()
        done = deliver(
            list(wake_ups.values()), process, lambda: FUNCTION_TIMEOUT_SECONDS - (process.clock.elapsed() - started)
        )
        unfinished = done.missing | done.left
        return [
            message
            for message in messages
            if unfinished.isdisjoint((*wake_ups[message.id].events, *wake_ups[message.id].effects))
        ]

    def sweep(self, who: str = "relay") -> None:
        """Run the relay once."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error):
            sweep.sweep(process)

    def suppress(self, lead: Lead, who: str = "person", *, lifted: bool = False) -> None:
        """Suppress a lead's address, or lift that; try again until it is done."""
        change = suppressions.lift if lifted else suppressions.suppress
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                change(lead.email, reason="unsubscribed", actor=ACTOR, services=process)
                self._suppressed(lead, lifted=lifted)
                return

    def _suppressed(self, lead: Lead, *, lifted: bool) -> None:
        if lifted:
            self.unwanted.discard(lead)
        elif lead not in (sent for sent, _ in self.receipts):
            self.unwanted.add(lead)

    def resolve(self, decision: Decision, who: str = "person") -> None:
        """Decide about everything that is held, as a person would."""
        for row in self.held():
            with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
                if decision is Decision.RESEND:
                    self.resent.add(row["id"])
                resolve.resolve(row["id"], decision, reason="looked", version=row["seq"], actor=ACTOR, services=process)

    def report(self, *events: FeedbackEvent, who: str = "feedback") -> None:
        """Deliver feedback of a provider, which repeats it until it is accepted."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                feedback.apply_feedback(events, process)
                return

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration, as a person would; return False when it was refused or failed."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
            applying.apply(sample_deployment.document(**changes), {}, actor=ACTOR, services=process)
            return True
        return False

    # ------------------------------------------------------------ until nothing is left

    def drain(self, who: str = "worker") -> None:
        """Work until no message is visible."""
        for _ in range(100):
            if not self.work(who):
                return
        raise Stuck("the messages do not end")

    def settle(self, *, within: float = 3 * 86_400.0, prompt: bool = False) -> None:
        """Run relay and worker, minute by minute, until nothing is left to do. Raises Stuck.

        `prompt`: nothing that is due may wait for longer than LATE_SECONDS.
        """
        limit = self.clock.gone + within
        self.drain()
        for _ in range(MAX_MOMENTS):
            if not self.left():
                return
            self.advance(self._next() - self.clock.gone)
            if prompt and (overdue := self.overdue()):
                raise Stuck(f"overdue: {overdue}")
            if self.clock.gone > limit:
                raise Stuck(f"{self.left()} left after {within} s")
            if self.clock.gone % MINUTE == 0:
                self.sweep()
            self.drain()
        raise Stuck("something happens without end")

    def left(self) -> bool:
        """Return whether anything is left to do."""
        return bool(self.environment.owner.run(OPEN)[0]["left"] or self.queues.queues[BUFFER])

    def overdue(self) -> list[str]:
        """List what should have been looked at long ago."""
        rows = self.environment.owner.run(OVERDUE, {"late": timedelta(seconds=LATE_SECONDS)})
        return [row["what"] for row in rows]

    def held(self) -> list[Row]:
        """List what waits for a person's decision."""
        return self.environment.owner.run("SELECT id, step, seq, reason FROM effects WHERE status = 'held' ORDER BY id")

    def _next(self) -> float:
        """Return the next instant at which anything can happen."""
        tick = MINUTE * (self.clock.gone // MINUTE + 1)
        marks: Any = self.environment.redis.zrange(KEY, 0, 0, withscores=True)
        watched = self.environment.redis.zscore(KEY, SENTINEL) is not None
        if watched and not self.queues.queues[BUFFER]:
            due = min((score for _, score in marks), default=0.0) - self.clock.timestamp() + self.clock.gone
            tick = max(tick, MINUTE * -(-due // MINUTE))
        message = self.queues.next_visible(EFFECTS)
        return tick if message is None else max(min(tick, message), self.clock.gone)
