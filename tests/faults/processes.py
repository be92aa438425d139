"""One process: the real services and use cases, whose clients pass every operation through the fault point."""

import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from inspect import isfunction
from random import Random
from types import FrameType, ModuleType
from typing import Any, LiteralString, NoReturn, cast, override

import psycopg
from psycopg.sql import Composed
from redis import ConnectionPool
from redis.exceptions import ConnectionError as RedisAway

import drumbeat
from drumbeat.core.clock import Clock
from drumbeat.core.outcomes import LookupResult, Outcome
from drumbeat.delivery import attempts_sql
from drumbeat.infrastructure.redis import Argument, LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest import feedback_sql
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.ledger.database import Database, Parameters, Row
from drumbeat.people import sql as people_sql
from drumbeat.providers.calls import Calls, Job, Send
from drumbeat.runs import endings_sql
from drumbeat.runs import sql as runs_sql
from drumbeat.services import Services
from drumbeat.throttle.limiter import Throttle
from tests.faults.fault_points import Crash, FaultPoint, Operation
from tests.faults.queues import BUFFER, DEAD, EFFECTS, REPORTS, WISHES, SimulatedSqs, SqsModel
from tests.faults.traces import SimulatedCollector, TracesModel
from tests.faults.vendors import SimulatedCaller, Vendors

SANDBOX = "http://sandbox"
COLLECTOR = "http://collector"

type Observer = Callable[[Sequence[tuple[str, object]]], None]


WORKERS = 4  # that may run at a time
VERBS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "SET", "CREATE", "LOCK", "DO")
PEOPLE_A_CHUNK = 2  # of a run, so that few people are several chunks
SLEEPS_AFTER_SECONDS = 300  # without a statement: Neon, "Scale to zero"


def settings(database_url: str, redis_url: str, *, traces: bool = False) -> Settings:
    """Return the settings of every process; `traces`: there is a collector."""
    return Settings.from_env(
        {
            "STAGE": "simulation",
            "DRUMBEAT_LOCAL": "1",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DRUMBEAT_SECRET": "simulated",
            "EFFECTS_QUEUE_URL": EFFECTS,
            "BUFFER_QUEUE_URL": BUFFER,
            "WISHES_QUEUE_URL": WISHES,
            "FEEDBACK_QUEUE_URL": REPORTS,
            "DATABASE_SLEEPS_AFTER": str(SLEEPS_AFTER_SECONDS),
            "WORKER_CONCURRENCY": str(WORKERS),
            "DLQ_URL": DEAD,
            "DRUMBEAT_SANDBOX_URL": SANDBOX,
            **({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR} if traces else {}),
        }
    )


@dataclass
class Outages:
    """The servers that no process can reach at the moment."""

    ledger: bool = False
    redis: bool = False
    wishes: bool = False  # the queue


class Process(Services):
    """A process that may die at any point, and with it everything it holds in memory."""

    def __init__(
        self,
        who: str,
        settings: Settings,
        clock: Clock,
        point: FaultPoint,
        *,
        sqs_model: SqsModel,
        vendors: Vendors,
        outages: Outages,
        redis_clock: Clock,
        pool: ConnectionPool,
        random: Random,
        observe: Observer,
        traces: TracesModel,
    ) -> None:
        super().__init__(settings, clock)
        self._traces = traces
        self.who = who
        self.dead = False
        self.point = point
        self._sqs_model = sqs_model
        self.vendors = vendors
        self.outages = outages
        self._redis_clock = redis_clock
        self._pool = pool
        self.random = random
        self._observe = observe

    def through[T](self, operation: Operation[T]) -> T:
        """Carry out an operation through the fault point; a dead process reaches nothing."""
        if self.dead:
            raise Crash
        return self.point.pass_through(self.who, self.die, operation)

    def die(self) -> NoReturn:
        """Die here."""
        self.dead = True
        raise Crash

    @cached_property
    def db(self) -> Database:
        return SimulatedDatabase(self, self.settings.database_url, self._observe)

    @cached_property
    def redis(self) -> "SimulatedRedis":
        return SimulatedRedis(self, self._pool)

    @cached_property
    def throttle(self) -> Throttle:
        return Throttle(
            self.redis, self._redis_clock, processes=WORKERS, chance=self.random.random, warn=lambda _: None
        )

    @cached_property
    def sqs(self) -> SimulatedSqs:
        return SimulatedSqs(self, self._sqs_model, lambda url: url == WISHES and self.outages.wishes)

    @cached_property
    def http(self) -> SimulatedCaller:
        return SimulatedCaller(self, self.clock, self.vendors)

    @override
    def collector(self) -> SimulatedCollector:
        return SimulatedCollector(self, self._traces)

    @cached_property
    def calls(self) -> Calls:
        return SequentialCalls(self)

    @cached_property
    def door(self) -> Door:
        """The doors of an ingest process."""
        return Door(self)

    @cached_property
    def single(self) -> Single:
        """Its door for single events."""
        return Single(self.door)


class SequentialCalls(Calls):
    """The calls of a batch in one thread, so that a seed repeats its run; some end their process."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.http, process.clock)
        self._process = process

    @override
    def run(self, jobs: Sequence[Job], deadline: float) -> list[Outcome | LookupResult]:
        return [self._one(job, deadline) for job in jobs]

    @override
    def _one(self, job: Job, deadline: float) -> Outcome | LookupResult:
        if isinstance(job, Send) and self._process.vendors.ends_its_worker(job.key):
            self._process.die()
        return super()._one(job, deadline)


class SimulatedDatabase(Database):
    """The real ledger. Other processes may run between a statement and its commit, if the schedule decides so."""

    def __init__(self, process: Process, url: str, observe: Observer) -> None:
        super().__init__(url, direct=True)
        self._prepare_after = 0  # plan once, independent of the first parameters: a seed repeats its run
        self._process = process
        self._observe = observe
        self._order = Random(process.random.random())

    @override
    def run(self, sql: LiteralString | Composed, parameters: Parameters | None = None) -> list[Row]:
        text = sql if isinstance(sql, str) else sql.as_string()
        name = name_of(sql) if isinstance(sql, str) else _built_by(sys._getframe(1))
        return self._process.through(Operation(f"db {name}", lambda: self._carry_out(text, parameters), self._fail))

    def _carry_out(self, sql: LiteralString, parameters: Parameters | None) -> list[Row]:
        if self._process.outages.ledger:
            self._fail(False)
        if sql == runs_sql.BEGIN:
            parameters = {**cast("Mapping[str, object]", parameters), "people": PEOPLE_A_CHUNK}
        schedule = self._process.point.schedule
        if schedule.is_active():
            with self.transaction():  # commit separately, when it is our turn: so the order of commits is known
                rows = self._execute(sql, parameters)
                if schedule.splits_commits():
                    schedule.turn(self._process.who)
                if self._process.dead:
                    raise Crash
        else:
            rows = self._execute(sql, parameters)
        if observed := _observations(sql, parameters, rows):
            self._observe(observed)
        return rows

    def _execute(self, sql: LiteralString, parameters: Parameters | None) -> list[Row]:
        schedule = self._process.point.schedule
        with schedule.statement(self._process.who, self._usable().info.backend_pid):
            rows = super().run(sql, parameters)
        if _is_ordered(sql):
            return rows
        rows = sorted(rows, key=repr)  # and not as they are stored, which is another way each time
        self._order.shuffle(rows)
        return rows

    def _fail(self, done: bool) -> NoReturn:
        raise psycopg.OperationalError("the answer was lost" if done else "the connection was lost")


@cache
def _is_ordered(sql: str) -> bool:
    """Return whether a statement says in which order its rows come; else Postgres may give them in any."""
    outermost, depth = "", 0
    for part in re.split(r"([()])", sql):
        depth += (part == "(") - (part == ")")
        outermost += part if depth == 0 else ""
    return "ORDER BY" in outermost


def _observations(sql: str, parameters: Parameters | None, rows: Sequence[Row]) -> list[tuple[str, object]]:
    """Return what a statement did to consent, attempts and runs, to be observed in the order of commits."""
    if "UPDATE run_progress" in sql or sql == endings_sql.CANCEL:
        return [("people of runs", None)]
    if not rows or not isinstance(parameters, Mapping):
        return []
    if sql == people_sql.CHANGE:
        return [("lifted" if parameters["lifted"] else "suppressed", row["key"]) for row in rows]
    if sql == feedback_sql.RECORD:
        new = {row["id"] for row in rows if row["inserted"]}
        names = ("told_events", "kinds", "mails", "accounts")
        told = zip(*(parameters[name] for name in names), strict=True)
        return [
            ("bounced", (mail, account)) for event, kind, mail, account in told if event in new and kind == "bounced"
        ]
    if sql in (attempts_sql.OPEN, attempts_sql.OPEN_COUNTED, attempts_sql.OPEN_OF_RUN, attempts_sql.CLOSE):
        under = dict(zip(parameters["ids"], parameters["fences"], strict=True))
        return [("moved", (row["id"], row["status"], under[row["id"]])) for row in rows if row["status"] is not None]
    return []


class SimulatedRedis(LeanRedis):
    """The real Valkey, over connections that all processes share."""

    def __init__(self, process: Process, pool: ConnectionPool) -> None:
        self._process = process
        self._pool = pool
        self._prefix = process.redis_prefix

    @override
    def run(self, *command: Argument) -> Any:
        return self._through(f"redis {str(command[0]).upper()}", lambda real: real.run(*command))

    @override
    def run_all(self, commands: Sequence[Sequence[Argument]]) -> list[Any]:
        names = dict.fromkeys(str(command[0]).upper() for command in commands)
        return self._through(f"redis pipeline {' '.join(names)}", lambda real: real.run_all(commands), len(commands))

    @override
    def post(self, *command: Argument) -> None:
        self.run(*command)

    def _through[T](self, name: str, use: Callable[[LeanRedis], T], commands: int = 1) -> T:
        def act() -> T:
            if self._process.outages.redis:
                _redis_fails(False)
            connection = self._pool.get_connection()
            try:
                return use(LeanRedis(connection, self._prefix))
            finally:
                self._pool.release(connection)

        return self._process.through(Operation(name, act, _redis_fails, commands=commands))


def _redis_fails(done: bool) -> NoReturn:
    raise RedisAway("the answer was lost" if done else "no answer")


@cache
def statements() -> dict[str, str]:
    """Return the name of every statement in the package: its module and its constant.

    A private one is only a part, and so is what begins with no verb.
    """
    return {
        text: f"{short}.{name}"
        for short, module in _modules()
        for name, text in vars(module).items()
        if name.isupper() and name[0] != "_" and isinstance(text, str) and text.strip().startswith(VERBS)
    }


def built_statements() -> set[str]:
    """Return the names of the statements that are put together when they are run: each is its function's."""
    return {
        f"{short}.{name}"
        for short, module in _modules()
        for name, function in vars(module).items()
        if isfunction(function) and function.__module__ == module.__name__
        if {"format", "run"} <= set(function.__code__.co_names)
    }


def _built_by(frame: FrameType) -> str:
    """Return the name of a statement that the function of this frame put together."""
    return f"{_statements_of(frame.f_globals['__name__'])}.{frame.f_code.co_name}"


def _modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield the modules that hold statements, with the first part of the names of these."""
    for info in pkgutil.walk_packages(drumbeat.__path__, "drumbeat."):
        if short := _statements_of(info.name):
            yield short, import_module(info.name)


def _statements_of(module: str) -> str | None:
    """Return the first part of its statements' names: the feature, or the module without `_sql`."""
    _, *parents, name = module.split(".")
    if parents == ["audit"]:
        return "audit"
    if name == "sql":
        return parents[-1]
    if name.endswith("_sql"):
        return name.removesuffix("_sql")
    return name if parents in (["ledger"],) and name != "migrations" else None


def name_of(sql: str) -> str:
    """Return the name of a statement; one without a constant is named by its beginning."""
    return statements().get(sql) or " ".join(sql.split())[:40]
