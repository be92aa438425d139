"""What can go wrong, one method each. Nothing here looks at the consequences."""

import heapq
import itertools
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
from redis.exceptions import RedisError

from drumbeat.core.errors import DrumbeatError
from drumbeat.ledger.migrate import migrate
from tests.chaos import provider_faults
from tests.chaos.connection_cutter import Cut
from tests.chaos.environment import WORKERS, Environment

LEASE_SECONDS = 45.0
WORKER_WARM_UP_SECONDS = 1.5  # after its start a worker has work
RETRY_SECONDS = 0.3  # until the next try to find a process that is being restarted
STOPPED = "everything stopped"
STOPPED_SECONDS = (1.0, 6.0)
APPLIED = "configuration applied"
MAX_REMEMBERED_WAKE_UPS = 500  # that may be sent again, much later


class Faults:
    """Everything that is broken on purpose, counted by kind."""

    def __init__(self, environment: Environment, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self.killed_at = 0.0  # the last worker, in seconds of the epoch
        self.valkey_at: list[float] = []  # when Valkey was killed, frozen or emptied, likewise
        self.postgres_down = threading.Event()
        self._environment = environment
        self._random = random
        self._schedule: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stopped: dict[str, int] = {}  # name -> process id
        self._dead: set[int] = set()  # process ids: a pid file outlives its process for a moment
        self._wake_ups: deque[str] = deque(maxlen=MAX_REMEMBERED_WAKE_UPS)

    def later(self, seconds: float, fault: Callable[[], None]) -> None:
        """Schedule a fault in so many seconds."""
        heapq.heappush(self._schedule, (time.monotonic() + seconds, next(self._numbers), fault))

    @property
    def left(self) -> int:
        """How many faults are still to happen."""
        return len(self._schedule)

    def happen(self) -> None:
        """Carry out every fault whose time has come."""
        while self._schedule and self._schedule[0][0] <= time.monotonic():
            heapq.heappop(self._schedule)[2]()

    def end_all(self) -> None:
        """End every fault that does not end by itself, and drop those still to come; harmless to repeat."""
        self._schedule.clear()
        for name in list(self._stopped):
            self._continue(name)
        self._start_postgres()
        until = time.monotonic() + 30
        while self.counts[STOPPED] and time.monotonic() < until:
            with suppress(OSError, ValueError):
                self._environment.call("POST", "/v1/resume", {"reason": "the end of all faults"})
                break
            time.sleep(RETRY_SECONDS)
        while not self._environment.command("lies", None, "DELETE") and time.monotonic() < until:
            time.sleep(RETRY_SECONDS)
        if self._environment.webhooks():
            for lie in provider_faults.UNREPORTED:  # no fault, but how many mails are reported
                self._environment.command("lies", lie)

    # ------------------------------------------------------------ processes

    def kill_worker(self) -> None:
        """Kill a worker that has had time to start some work; try again soon while none is ready."""
        names = [f"worker-{number}" for number in range(1, WORKERS + 1)]
        self._random.shuffle(names)
        ready = [name for name in names if name not in self._stopped and self._age(name) > WORKER_WARM_UP_SECONDS]
        if not any(self._signal(name, signal.SIGKILL) for name in ready):
            self.later(RETRY_SECONDS, self.kill_worker)
            return
        self.counts["worker killed"] += 1
        self.killed_at = time.time()

    def kill(self, name: str) -> None:
        """Kill any other process."""
        if name not in self._stopped and self._signal(name, signal.SIGKILL):
            self._note_valkey(name)
            self.counts[f"{name.partition('-')[0]} killed"] += 1

    def freeze(self, name: str, shortest: float, longest: float) -> None:
        """Stop a process as a sleeping machine does; after so many seconds it continues with its work."""
        pid = self._environment.stack.pid(name)
        if pid is not None and name not in self._stopped and self._signal(name, signal.SIGSTOP):
            self._stopped[name] = pid
            self._note_valkey(name)
            self.counts[f"{name.partition('-')[0]} frozen"] += 1
            # By a timer of its own: the main thread may wait for an answer of the frozen process.
            waking = threading.Timer(self._random.uniform(shortest, longest), self._continue, [name])
            waking.daemon = True
            waking.start()

    def freeze_worker(self) -> None:
        """Stop a worker until its leases are over."""
        self.freeze(f"worker-{self._random.randint(1, WORKERS)}", LEASE_SECONDS + 2, LEASE_SECONDS + 8)

    def _note_valkey(self, name: str) -> None:
        if name == "valkey":
            self.valkey_at.append(time.time())

    def restart_queue(self) -> None:
        """Restart the SQS emulator in order: only then does it keep its messages, as SQS would."""
        if self._signal("ministack", signal.SIGTERM):
            self.counts["queue restarted"] += 1

    def _continue(self, name: str) -> None:
        pid = self._stopped.pop(name, None)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _age(self, name: str) -> float:
        """Return the seconds since a process was started."""
        with suppress(FileNotFoundError):
            return time.time() - (self._environment.stack.home / "run" / f"{name}.pid").stat().st_mtime
        return 0.0

    def _signal(self, name: str, number: signal.Signals) -> bool:
        pid = self._environment.stack.pid(name)
        if pid is None or pid in self._dead:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._dead.add(pid)
        return True

    # ------------------------------------------------------------ deployments

    def migrate(self) -> None:
        """Bring the ledger up to date with the present code, as an upgrade does first."""
        if self.postgres_down.is_set():
            self.later(RETRY_SECONDS, self.migrate)
            return
        migrate(*self._environment.ledger_urls)
        self._environment.admit_first_key()
        self.counts["ledger migrated"] += 1

    def deploy(self, code: Path, name: str) -> None:
        """Let every function run other code: what runs is ended in the middle of its work."""
        self._environment.deploy(code)
        self.counts[f"deployed {name}"] += 1
        self._end_other_code()

    def _end_other_code(self) -> None:
        """End every function that runs other code than is deployed, until none is left."""
        others = [name for name in self._environment.functions if self._runs_other_code(name)]
        for name in others:
            self._stopped.pop(name, None)
            self._signal(name, signal.SIGKILL)
        if others:
            self.later(RETRY_SECONDS, self._end_other_code)

    def _runs_other_code(self, name: str) -> bool:
        pid = self._environment.stack.pid(name)
        try:
            return pid is None or Path(psutil.Process(pid).cwd()) != self._environment.deployed
        except psutil.Error:
            return True  # it has just ended

    # ------------------------------------------------------------ stores

    def lose_postgres(self, how: signal.Signals) -> None:
        """End Postgres; it comes back in a few seconds, by crash recovery after a SIGKILL."""
        if self.postgres_down.is_set():
            return
        process = self._environment.postgres.process
        assert process is not None
        process.send_signal(how)
        process.wait()
        self.postgres_down.set()
        self.counts[f"postgres {'killed' if how is signal.SIGKILL else 'restarted'}"] += 1
        self.later(self._random.uniform(1, 4), self._start_postgres)

    def _start_postgres(self) -> None:
        """Start it again, as soon as the last process of the one before is gone."""
        if not self.postgres_down.is_set():
            return
        until = time.monotonic() + 60
        while True:
            try:
                self._environment.postgres.start()
                self.postgres_down.clear()
                return
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(RETRY_SECONDS)

    def cut(self) -> None:
        """Cut the connection of the next statement, before, in the middle of, or after its commit."""
        where = self._random.choice(list(Cut))
        self._environment.connection_cutter.cut(where)
        self.counts[f"cut {where}"] += 1

    def stall(self) -> None:
        """Let Postgres not answer for a while, with its connections open."""
        self._environment.connection_cutter.stall(self._random.uniform(1, 8))
        self.counts["postgres silent"] += 1

    def flush_valkey(self) -> None:
        """Delete everything in Valkey."""
        with suppress(RedisError):  # it is not running at the moment
            self._note_valkey("valkey")
            self._environment.valkey.flushall()
            self.counts["valkey flushed"] += 1

    # ------------------------------------------------------------ wake-ups

    def purge(self) -> None:
        """Lose all wake-ups."""
        with suppress(DrumbeatError):  # as above
            self._environment.wake_ups.purge()
            self.counts["queue purged"] += 1

    def duplicate(self) -> None:
        """Duplicate some wake-ups, delay them, lose some, and send some much older ones again."""
        with suppress(DrumbeatError):
            queue = self._environment.wake_ups
            taken = queue.receive(hidden=1)
            for message in taken:
                if self._random.random() < 0.2:
                    queue.delete([message])
                    self.counts["wake-ups lost"] += 1
            self._wake_ups.extend(message.body for message in taken)
            again = [message.body for message in taken] * self._random.randint(1, 3)
            again += self._random.sample(list(self._wake_ups), min(10, len(self._wake_ups)))
            for body in again:
                queue.put(body)
            self.counts["wake-ups duplicated"] += len(again)

    # ------------------------------------------------------------ providers

    def provider_fault(self) -> None:
        """Inject a fault into a provider for some seconds."""
        if self._environment.command("lies", provider_faults.choose(self._random)):
            self.counts["provider faults begun"] += 1

    # ------------------------------------------------------------ people

    def stop_everything(self) -> None:
        """Stop everything for some seconds, and then let it go on."""
        with suppress(OSError, ValueError):
            self._environment.call("POST", "/v1/pause", {"reason": "chaos"})
            self.counts[STOPPED] += 1
        self.later(self._random.uniform(*STOPPED_SECONDS), self._go_on)

    def _go_on(self) -> None:
        try:
            self._environment.call("POST", "/v1/resume", {"reason": "chaos"})
        except (OSError, ValueError):
            self.later(RETRY_SECONDS, self._go_on)

    def apply(self) -> None:
        """Put the next version of the configuration in force, which differs in a comment."""
        document = f"{self._environment.campaign.read_text()}# {self.counts[APPLIED]}\n"
        with suppress(OSError, ValueError):
            self._environment.call(
                "PUT", "/v1/config", {"document": document, "templates": self._environment.templates}
            )
            self.counts[APPLIED] += 1
