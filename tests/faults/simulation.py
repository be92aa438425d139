"""A whole deployment on simulated time: what happens in it, step by step, until nothing is left to do.

Long, because everything that may happen is one vocabulary, and each word of it is short.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.campaigns import fire
from drumbeat.configuration import apply as applying
from drumbeat.core import fingerprint, ids
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Problem, Stale, Unavailable
from drumbeat.core.events import Arrival
from drumbeat.core.status import Status
from drumbeat.delivery.deliver import deliver
from drumbeat.delivery.planning import plan_events
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ingest import batch, buffer, parking, recording, webhook
from drumbeat.ingest.parking_sql import Choice
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ingest.returns import FORM
from drumbeat.ingest.single import UNREACHABLE
from drumbeat.ledger.database import Row
from drumbeat.operations import decisions
from drumbeat.operations.decisions import MOVES, Decision
from drumbeat.operations.decisions_sql import Selection
from drumbeat.people import erasure, imports, suppressions, wishes
from drumbeat.people import sql as people_sql
from drumbeat.people.imports import Mode
from drumbeat.people.wishes import Taken, Wish, WishKind
from drumbeat.public import forms
from drumbeat.relay import sweep
from drumbeat.services import Services
from drumbeat.wakeups.due_index import KEY, SENTINEL
from drumbeat.wakeups.queue import Message, Queue, WakeUp
from tests.faults import sample_deployment
from tests.faults.clock import SimulatedClock, SkewedClock
from tests.faults.environment import Environment
from tests.faults.fault_points import Crash, FaultPoint, Faults, NoFaults, OneFault, Schedule, Sequential
from tests.faults.invariants import Invariants
from tests.faults.processes import Outages, Process, settings
from tests.faults.queues import BUFFER, EFFECTS, REPORTS, WISHES, SqsModel
from tests.faults.reports import Told
from tests.faults.sample_deployment import Lead
from tests.faults.sample_people import Saying
from tests.faults.vendors import Vendors
from tests.faults.webhooks import Webhook

MINUTE = 60.0
FUNCTION_TIMEOUT_SECONDS = 60.0  # that a worker has for a batch
ACTOR = "person:ada"
CALLER = ApiKey("shop", frozenset({"ingest", "operate"}))
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
     WHERE (status IN ('waiting', 'unknown') AND lease_until IS NULL AND due_at < drumbeat_now() - %(late)s
            AND account NOT IN (SELECT account FROM account_states WHERE paused_until > drumbeat_now() - %(late)s))
        OR (status IN ('claimed', 'sending', 'unknown') AND lease_until < drumbeat_now() - %(late)s)
     UNION ALL
    SELECT 'event without a plan' FROM events
     WHERE recorded_at < drumbeat_now() - %(late)s AND NOT EXISTS (SELECT FROM plans WHERE event_id = events.id)
"""


DECIDABLE = """
    SELECT id, seq
      FROM effects
     WHERE status = ANY (%(takes)s) AND (%(steps)s::text[] = '{}' OR step = ANY (%(steps)s))
     ORDER BY after IS NOT NULL, id
"""


class Stuck(AssertionError):
    """Nothing changes, though something is left to do."""


class Simulation:
    """One run: a seed, a schedule and faults decide everything that is random."""

    rules = SEMANTICS  # by which configurations are compiled
    parks = True  # what a revoked caller had buffered, instead of recording it
    lists = True  # people sign up for some
    keeps_leads = True  # each plan writes what its event says of a person
    clocks: type[SimulatedClock] = SimulatedClock

    def __init__(
        self, environment: Environment, seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None
    ) -> None:
        self.environment = environment
        self.random = Random(seed)
        home = environment.clear()
        self.clock = self.clocks(environment.owner)
        self.meanwhile: Callable[[], object] = lambda: None  # what others do while the only running process is frozen
        self.schedule: Schedule = schedule or Sequential(lambda: self.meanwhile())
        self.point = FaultPoint(self.schedule, faults or NoFaults(), self.advance)
        self.queues = SqsModel(Random(seed + 1))
        self.vendors = Vendors(home, environment.owner, self.clock.timestamp)
        self.receipts: list[tuple[Lead, Receipt]] = []
        self.delivered: list[tuple[Webhook, str]] = []  # under which id, and answered with a 2xx
        self.unwanted: set[Lead] = set()  # suppressed before they were sent
        self.skews: dict[str, float] = {}  # seconds by which a machine's clock is off
        self.invariants = Invariants(environment.owner, self.clock)
        self.outages = Outages()
        self.redis_clock = SkewedClock(self.clock, 0.0)
        self.forbidden: set[Lead] = set()  # whose requests providers refuse
        # Effects that a person decided to send again although they may have been sent, and how often.
        self.resent: Counter[object] = Counter()
        self.withdrawals: list[tuple[UUID, str | None]] = []  # acknowledged: of which mail, and of which other list
        self.delivered_reports: list[Told] = []  # that were delivered, acknowledged or not
        self.told: list[Told] = []  # those that were acknowledged
        self.erased: set[Lead] = set()
        self.lifted = False  # a suppression, by a person
        self.presses: list[tuple[UUID, Taken | None]] = []  # that confirm: of which mail, and what the page said
        self.versions = 0
        self.prefixes = [Services(self._settings()).redis_prefix]  # the last is that of new processes
        self._processes: dict[str, Process] = {}
        access_sql.add(environment.owner, CALLER.id, "shop", CALLER.scopes, actor=ACTOR)
        self.configure()

    def close(self) -> None:
        for process in self._all_processes():
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
                self._settings(),
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
            process.__dict__["redis_prefix"] = self.prefixes[-1]
            self._processes[who] = self.environment.reuse_connection(process)
        return process

    def _settings(self) -> Settings:
        return settings(self.environment.servers.database_url, self.environment.servers.redis_url)

    def restart(self) -> None:
        """End every process; each starts again when it is needed."""
        for process in self._all_processes():
            process.dead = True

    def _all_processes(self) -> list[Any]:
        same = vars(self).get("before")  # if the release before has run
        return [*self._processes.values(), *(same._processes.values() if same else ())]

    def rename_keys(self, *first: str) -> None:
        """Give new processes other keys in Redis, as another secret or release does; those named `first` start anew.

        The others run on with the keys that they have.
        """
        self.prefixes.append(f"drumbeat:{len(self.prefixes):012x}:")
        for who in first:
            if who in self._processes:
                self._processes[who].dead = True

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
            (
                self.versions,
                str(self.versions).encode(),
                Jsonb(self.compiled(**changes)),
            ),
        )

    def configure_for_a_later_release(self) -> None:
        """Put a configuration in force of which this release must not act on anything."""
        self.versions += 1
        self.environment.owner.run(
            "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
            " VALUES (%s, %s, '', '{}', %s, 'simulation')",
            (self.versions, str(self.versions).encode(), Jsonb(self.compiled() | {"must_understand": ["what comes"]})),
        )

    def compiled(self, **changes: Any) -> dict[str, Any]:
        """Return the configuration that is put in force."""
        return dict(sample_deployment.compiled(**{"semantics": self.rules, "lists": self.lists} | changes))

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

    def deliver_webhook(self, sent: Webhook, who: str = "ingest", *, id: str = "") -> None:
        """Be a sender that delivers a webhook and tries again until it is taken, possibly under an id of its choice."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                webhook.ingest(sent.source, sent.delivery(self.clock.timestamp(), id), process.door)
                self.delivered.append((sent, id))
                return
            self.advance(1.0)

    def deliver_as_formerly(self, sent: Webhook, who: str = "ingest") -> None:
        """Be that sender when a release answered that took the id for the key, though it is not signed."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                self._take(sent, "webhook", process)
                self.delivered.append((sent, ""))
                return
            self.advance(1.0)

    def say(self, saying: Saying, who: str = "ingest", *, meant: Saying | None = None) -> None:
        """Be a form, a page or a program that passes on what a person says, and tries again until that is taken.

        `meant`: what has to come of it, where that is not the event of its key.
        """
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                self.receipts.append((meant or saying, self._take(saying, saying.door, process)))
                return
            self.advance(1.0)

    def _take(self, sent: Webhook | Saying, door: str, process: Process) -> Receipt:
        """Record an event, or buffer it, as a door does."""
        arrival = Arrival(
            id=ids.event_id(sent.source, sent.name),
            source=sent.source,
            key=sent.name,
            type=sent.type,
            door=door,
            fingerprint=fingerprint.of_raw(sent.body),
            scheduled_at=None,
            received_at=process.clock.now(),
            body=sent.body,
        )
        if door == FORM:
            return forms.store(arrival, lambda key: None, process.door)
        try:
            return Receipt(recording.record(arrival, process.door).event, RECORDED)
        except UNREACHABLE:
            return buffer.put([arrival], process.door)[0]

    def withdraw(self, mail: UUID, *, of: str | None = None, who: str = "page") -> UUID:
        """Be a person who withdraws by the link of a mail, and presses again until a page says that it is done.

        Returns the event by which they do.
        """
        id, taken = self._wish(WishKind.WITHDRAW, mail, None if of is None else (of,), who)
        if taken in (Taken.RECORDED, Taken.WAITING):
            self.withdrawals.append((mail, of))
        if taken is Taken.WAITING and self._keeps_the_flag():
            self.invariants.left(mail, of)
        return ids.event_id(wishes.UNSUBSCRIBE_SOURCE, str(id))

    def confirm(self, mail: UUID, who: str = "page") -> Taken | None:
        """Be a person who confirms what a mail asks by its button, and presses again until a page says something."""
        taken = self._wish(WishKind.CONFIRM, mail, None, who)[1]
        self.presses.append((mail, taken))
        return taken

    def _wish(self, kind: WishKind, mail: UUID, lists: tuple[str, ...] | None, who: str) -> tuple[UUID, Taken | None]:
        id = UUID(int=self.random.getrandbits(128), version=4)
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                return id, wishes.take(Wish(kind, mail, id, lists, process.clock.now(), {}), process.door)
            self.advance(1.0)
        return id, None

    def _keeps_the_flag(self) -> bool:
        """Return whether Redis answers in this run: without it marketing may go on for a minute."""
        faults = self.point.faults
        return not self.outages.redis and (
            isinstance(faults, NoFaults) or (isinstance(faults, OneFault) and not faults.site.name.startswith("redis"))
        )

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

    def wake(self, wake_up: WakeUp, who: str = "worker") -> None:
        """Let a worker process one wake-up alone; what is left to do has its due entries."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error):
            deliver([wake_up], process, lambda: FUNCTION_TIMEOUT_SECONDS)

    def abandon(self, lead: Lead, who: str = "worker") -> None:
        """Let a worker take a message, plan and claim a lead's effects, and die; the due entries stay."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error, SqsError):
            Queue(process.sqs, EFFECTS).receive()
            plan_events([lead.event], process)
            process.dead = True

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
        with self._living(who) as process, contextlib.suppress(psycopg.Error, SqsError):
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
        self.lifted |= lifted
        if lifted:
            self.unwanted.discard(lead)
        elif lead not in (sent for sent, _ in self.receipts):
            self.unwanted.add(lead)

    def import_people(self, mode: Mode, *leads: Lead, who: str = "person") -> None:
        """Import a file of these people, and again until the command has ended: they get no mail, or withdraw."""
        rows = [(line, {"email": lead.email}) for line, lead in enumerate(leads, 2)]
        file = hashlib.sha256(str(rows).encode()).hexdigest()
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                imports.record(imports.Rows(file, rows, mode), process.door, caller=CALLER, actor=ACTOR)
                for lead in leads if mode is Mode.SUPPRESS else ():
                    self._suppressed(lead, lifted=False)
                return
            self.advance(1.0)

    def suppress_as_before(self, lead: Lead, who: str = "person") -> None:
        """Suppress a lead's address as a release of rules 1 does: under the key of then alone."""
        with self._living(who) as process:
            keys = keys_of(process.contact_secret, normalise(lead.email, 1), 1)
            people_sql.change(process.db, keys, reason="unsubscribed", actor=ACTOR, lifted=False)

    def decide(self, decision: Decision, *steps: str, even_if_sent: bool = False, who: str = "person") -> None:
        """Decide about every effect for which that is possible, or those of some steps, as a person would."""
        for row in self.decidable(decision, *steps):
            with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
                self.resent[row["id"]] += decision is Decision.RESEND or even_if_sent
                decisions.decide(
                    row["id"],
                    decision,
                    reason="looked",
                    version=row["seq"],
                    actor=ACTOR,
                    services=process,
                    even_if_sent=even_if_sent,
                )

    def decidable(self, decision: Decision, *steps: str) -> list[Row]:
        """List the effects that a decision takes, of some steps or all; those that come after others last."""
        takes = [status.value for status in MOVES[decision].takes]
        return self.environment.owner.run(DECIDABLE, {"takes": takes, "steps": list(steps)})

    def decide_all(self, decision: Decision, *statuses: Status, who: str = "person") -> None:
        """Decide about all effects of some statuses at once, as a person would who has seen them now."""
        (row,) = self.environment.owner.run("SELECT drumbeat_now() AS now")
        with self._living(who) as process, contextlib.suppress(psycopg.Error):
            selection = Selection(statuses, row["now"])
            while decisions.decide_all(decision, selection, reason="looked", actor=ACTOR, services=process).left:
                pass

    def revoke_caller(self) -> None:
        """Revoke the API key of every client."""
        access_sql.revoke(self.environment.owner, CALLER.id, actor=ACTOR)

    def release_parked(self, lead: Lead, who: str = "person") -> None:
        """Be a person who records what was parked after all, and tries again until that is done."""
        self._decide_parked(lead, parking.release, who)

    def discard_parked(self, lead: Lead, who: str = "person") -> None:
        """Be a person who decides that what was parked is never recorded: its receipt promises nothing more."""
        self._decide_parked(lead, parking.discard, who)
        self.receipts[:] = [(sent, receipt) for sent, receipt in self.receipts if sent != lead]

    def _decide_parked(self, lead: Lead, act: Callable[..., object], who: str) -> None:
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                act(Choice(events=(lead.event,)), reason="looked", actor=ACTOR, services=process)
                return
            self.advance(1.0)

    def report(self, *told: Told, who: str = "feedback") -> None:
        """Be providers that report what became of mails, each in a delivery that it repeats until it is taken."""
        for one in told if self.lists else ():
            self._report(one, who)

    def _report(self, told: Told, who: str) -> None:
        id = f"report-{self.random.getrandbits(64):x}"
        self.delivered_reports.append(told)
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(Problem, psycopg.Error):
                webhook.ingest(told.source, told.delivery(self.clock.timestamp(), id), process.door)
                self.told.append(told)
                return
            self.advance(1.0)

    def erase(self, lead: Lead, who: str = "person") -> None:
        """Erase a person; try again until it is done."""
        self.erased.add(lead)
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(psycopg.Error, Unavailable):
                erasure.erase(lead.email, actor=ACTOR, services=process)
                return
            self.advance(1.0)

    def fire(self, campaign: str, scheduled: datetime, who: str = "scheduler") -> None:
        """Be the scheduler, which repeats a firing until it is taken."""
        for _ in range(MAX_CLIENT_TRIES):
            with self._living(who) as process, contextlib.suppress(psycopg.Error):
                fire(campaign, scheduled, process)
                return
            self.advance(1.0)

    def fired(self, campaign: str) -> list[datetime]:
        """List the instants of a campaign that are events."""
        rows = self.environment.owner.run(
            "SELECT scheduled_at FROM events WHERE source = %s AND door = 'schedule' ORDER BY scheduled_at", (campaign,)
        )
        return [row["scheduled_at"] for row in rows]

    def apply(self, who: str = "person", **changes: Any) -> bool:
        """Apply a configuration, as a person would; return False when it was refused or failed."""
        with self._living(who) as process, contextlib.suppress(psycopg.Error, Stale):
            document = sample_deployment.document(**{"lists": self.lists} | changes)
            templates = sample_deployment.templates(lists=self.lists)
            applying.apply(document, templates, actor=ACTOR, services=process)
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
            self.advance(self.next_moment() - self.clock.gone)
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
        waiting = any(self.queues.queues[url] for url in (BUFFER, WISHES, REPORTS))
        return bool(self.environment.owner.run(OPEN)[0]["left"] or waiting)

    def overdue(self) -> list[str]:
        """List what should have been looked at long ago."""
        rows = self.environment.owner.run(OVERDUE, {"late": timedelta(seconds=LATE_SECONDS)})
        return [row["what"] for row in rows]

    def held(self) -> list[Row]:
        """List what waits for a person's decision."""
        return self.environment.owner.run("SELECT id, step, seq, reason FROM effects WHERE status = 'held' ORDER BY id")

    def next_moment(self) -> float:
        """Return the next instant at which anything can happen."""
        tick = min(self._next_sweep(index) for index in self._due_indexes())
        message = self.queues.next_visible(EFFECTS)
        return tick if message is None else max(min(tick, message), self.clock.gone)

    def _due_indexes(self) -> list[str]:
        """List the keys of the due indexes that the relay reads."""
        return [self.prefixes[-1] + KEY]

    def _next_sweep(self, index: str) -> float:
        """Return the next minute in which a relay that reads this due index does anything."""
        tick = MINUTE * (self.clock.gone // MINUTE + 1)
        marks: Any = self.environment.redis.zrange(index, 0, 0, withscores=True)
        watched = self.environment.redis.zscore(index, SENTINEL) is not None
        if not watched or self.queues.queues[BUFFER] or self.queues.queues[WISHES]:
            return tick
        due = min((score for _, score in marks), default=0.0) - self.clock.timestamp() + self.clock.gone
        return max(tick, MINUTE * -(-due // MINUTE))
