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
from drumbeat.ingest import batch
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
from tests.faults.environment import Stage
from tests.faults.fault_points import Alone, Crash, Faults, NoFaults, Point, Schedule
from tests.faults.invariants import Watch
from tests.faults.processes import Outages, Process, settings
from tests.faults.queues import BUFFER, EFFECTS, SqsModel
from tests.faults.sample_deployment import Lead
from tests.faults.vendors import Vendors

MINUTE = 60.0
FUNCTION_TIMEOUT = 60.0  # seconds that a worker has for a batch
CALLER = ApiKey("shop", frozenset({"ingest"}))
PATIENCE = 30  # times that a client tries again
MOMENTS = 1_000  # in which something happens, of one run: no story needs so many
LATE = 3 * MINUTE  # after this, something due that nobody looked at is stuck

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
    """Nothing moves, though something is left to do."""


class Simulation:
    """One run: a seed, a schedule and faults decide all that is left to chance."""

    def __init__(
        self, stage: Stage, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        self.stage = stage
        self.random = Random(seed)
        home = stage.clear()
        self.clock = SimulatedClock(stage.owner)
        self.meanwhile: Callable[[], None] = lambda: None  # what others do while the only one who runs is frozen
        self.schedule: Schedule = schedule or Alone(lambda: self.meanwhile())
        self.point = Point(self.schedule, faults or NoFaults(), self.advance)
        self.queues = SqsModel(Random(seed + 1))
        self.vendors = Vendors(home, stage.owner, self.clock.timestamp)
        self.receipts: list[tuple[Lead, Receipt]] = []
        self.skews: dict[str, float] = {}  # seconds by which a machine's clock is off
        self.watch = Watch(stage.owner, self.clock)
        self.outages = Outages()
        self.redis_clock = SkewedClock(self.clock, 0.0)
        self.resent: set[object] = set()  # effects that a person had sent again
        self.versions = 0
        self._processes: dict[str, Process] = {}
        self.configure()

    def close(self) -> None:
        for process in self._processes.values():
            self.stage.bury(process)
        self.vendors.close()

    # ------------------------------------------------------------ processes and time

    def process(self, who: str) -> Process:
        """Return the living process of this name, a new one if the last has died."""
        process = self._processes.get(who)
        if process is None or process.dead:
            if process is not None:
                self.stage.bury(process)
            clock = SkewedClock(self.clock, self.skews[who]) if who in self.skews else self.clock
            process = Process(
                who,
                settings(self.stage.place.database_url, self.stage.place.redis_url),
                clock,
                self.point,
                sqs_model=self.queues,
                vendors=self.vendors,
                outages=self.outages,
                redis_clock=self.redis_clock,
                pool=self.stage.pool,
                random=Random(self.random.random()),
                told=self.watch.hear,
            )
            self._processes[who] = self.stage.equip(process)
        return process

    def restart(self) -> None:
        """Have every process begin anew."""
        for process in self._processes.values():
            process.dead = True

    def advance(self, seconds: float) -> None:
        """Let time pass, for the keys of Redis too."""
        self.clock.advance(seconds)
        self.stage.age(seconds)

    @contextmanager
    def _living(self, who: str) -> Iterator[Process]:
        """Give a process, and take note of its death."""
        process = self.process(who)
        try:
            yield process
        except Crash:
            process.dead = True
            self.stage.bury(process)
            self.point.note(f"{who} died")

    # ------------------------------------------------------------ what happens

    def configure(self, **changes: Any) -> None:
        """Put a configuration in force, as from outside the run."""
        self.versions += 1
        self.stage.owner.run(
            "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
            " VALUES (%s, %s, '', '{}', %s, 'simulation')",
            (self.versions, str(self.versions).encode(), Jsonb(dict(sample_deployment.compiled(**changes)))),
        )

    def ingest(self, lead: Lead, who: str = "ingest") -> Receipt | None:
        """Be a client that tells of a lead and tries again until it is promised."""
        for _ in range(PATIENCE):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                receipt = process.single.ingest(lead.body, caller=CALLER)
                self.receipts.append((lead, receipt))
                return receipt
            self.advance(1.0)
        return None

    def ingest_all(self, *leads: Lead, who: str = "ingest") -> None:
        """Be a client that tells of many at once and tries again until all are promised."""
        body = b'{"events": [%s]}' % b", ".join(lead.body for lead in leads)
        for _ in range(PATIENCE):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                told = batch.ingest(body, process.door, caller=CALLER)
                self.receipts += [
                    (lead, receipt) for lead, receipt in zip(leads, told, strict=True) if isinstance(receipt, Receipt)
                ]
                return
            self.advance(1.0)

    def work(self, who: str = "worker") -> bool:
        """Take one batch of messages to its end; False when there was none."""
        with self._living(who) as process, contextlib.suppress(SqsError):
            queue = Queue(process.sqs, EFFECTS)
            messages = queue.receive()
            if not messages:
                return False
            with contextlib.suppress(psycopg.Error):  # the invocation fails, its messages come back
                queue.delete(self._invoke(process, messages))
        return True

    def _invoke(self, process: Process, messages: list[Message]) -> list[Message]:
        """Do as the worker function does; return the messages that are finished."""
        bells = {message.id: WakeUp.loads(message.body) for message in messages}
        started = process.clock.elapsed()
        done = deliver(list(bells.values()), process, lambda: FUNCTION_TIMEOUT - (process.clock.elapsed() - started))
        unfinished = done.missing | done.left
        return [
            message
            for message in messages
            if unfinished.isdisjoint((*bells[message.id].events, *bells[message.id].effects))
        ]

    def sweep(self, who: str = "relay") -> None:
        """Let the relay's minute come."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error):
            sweep.sweep(process)

    def suppress(self, lead: Lead, who: str = "person", *, lifted: bool = False) -> None:
        """Have somebody unsubscribe, or come back; they try until it is done."""
        change = suppressions.lift if lifted else suppressions.suppress
        for _ in range(PATIENCE):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                change(lead.email, reason="unsubscribed", actor="person", services=process)
                return

    def resolve(self, decision: Decision, who: str = "person") -> None:
        """Have a person decide about everything that is held."""
        for row in self.held():
            with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
                if decision is Decision.RESEND:
                    self.resent.add(row["id"])
                resolve.resolve(
                    row["id"], decision, reason="looked", version=row["seq"], actor="person", services=process
                )

    def report(self, *words: FeedbackEvent, who: str = "feedback") -> None:
        """Have a provider tell of what it did; it repeats that until it is heard."""
        for _ in range(PATIENCE):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                feedback.apply_feedback(words, process)
                return

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Have a person apply a configuration; False when it was refused or came to nothing."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
            applying.apply(sample_deployment.document(**changes), {}, actor="person", services=process)
            return True
        return False

    # ------------------------------------------------------------ to the end

    def drain(self, who: str = "worker") -> None:
        """Work until no message is to be had."""
        for _ in range(100):
            if not self.work(who):
                return
        raise Stuck("messages without end")

    def settle(self, *, within: float = 3 * 86_400.0, prompt: bool = False) -> None:
        """Let relay and workers go on, minute by minute, until nothing is left to do.

        `prompt`: nothing that is due may be left alone for longer than some minutes.
        """
        limit = self.clock.gone + within
        self.drain()
        for _ in range(MOMENTS):
            if not self.left():
                return
            self.advance(self._next() - self.clock.gone)
            if prompt and (overdue := self.overdue()):
                raise Stuck(f"nobody looked at: {overdue}")
            if self.clock.gone > limit:
                raise Stuck(f"{self.left()} left after {within} s")
            if self.clock.gone % MINUTE == 0:
                self.sweep()
            self.drain()
        raise Stuck("it goes round in circles")

    def left(self) -> bool:
        """Tell whether anything is still to be done."""
        return bool(self.stage.owner.run(OPEN)[0]["left"] or self.queues.queues[BUFFER])

    def overdue(self) -> list[str]:
        """Name what should have been looked at long ago."""
        rows = self.stage.owner.run(OVERDUE, {"late": timedelta(seconds=LATE)})
        return [row["what"] for row in rows]

    def held(self) -> list[Row]:
        """List what waits for a person."""
        return self.stage.owner.run("SELECT id, step, seq, reason FROM effects WHERE status = 'held' ORDER BY id")

    def _next(self) -> float:
        """Return the next instant at which anything can happen."""
        tick = MINUTE * (self.clock.gone // MINUTE + 1)
        marks: Any = self.stage.redis.zrange(KEY, 0, 0, withscores=True)
        watched = self.stage.redis.zscore(KEY, SENTINEL) is not None
        if watched and not self.queues.queues[BUFFER]:
            due = min((score for _, score in marks), default=0.0) - self.clock.timestamp() + self.clock.gone
            tick = max(tick, MINUTE * -(-due // MINUTE))
        message = self.queues.next_visible(EFFECTS)
        return tick if message is None else max(min(tick, message), self.clock.gone)
