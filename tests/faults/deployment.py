"""Processes over simulated servers, on simulated time: what begins, runs, dies and is started again."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest.receipt import Receipt
from drumbeat.people.wishes import Taken
from drumbeat.services import Services
from tests.faults import sample_deployment
from tests.faults.clock import SimulatedClock, SkewedClock
from tests.faults.environment import Environment
from tests.faults.fault_points import Crash, FaultPoint, Faults, NoFaults, Schedule, Sequential
from tests.faults.invariants import Invariants
from tests.faults.processes import Outages, Process, settings
from tests.faults.queues import SqsModel
from tests.faults.reports import Told
from tests.faults.sample_deployment import Lead
from tests.faults.traces import TracesModel
from tests.faults.vendors import Vendors
from tests.faults.webhooks import Webhook

ACTOR = "person:ada"
CALLER = ApiKey("shop", frozenset({"ingest", "operate"}))


class Deployment:
    """Everything that a run has, and what it has seen so far; a seed, a schedule and faults decide what is random."""

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
        self.traces = TracesModel()
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
        self.runs: set[UUID] = set()  # of campaigns, that a person has started
        self.cancelled: set[UUID] = set()  # those that a person has asked to end
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
                traces=self.traces,
            )
            process.__dict__["redis_prefix"] = self.prefixes[-1]
            self._processes[who] = self.environment.reuse_connection(process)
        return process

    def _settings(self) -> Settings:
        servers = self.environment.servers
        return settings(servers.database_url, servers.redis_url, traces=self.traces.wanted)

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
    def living(self, who: str) -> Iterator[Process]:
        """Give a process, and note in the trace when it dies."""
        process = self.process(who)
        try:
            yield process
        except Crash:
            process.dead = True
            self.environment.discard(process)
            self.point.note(f"{who} died")

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
