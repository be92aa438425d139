"""What can go wrong, one method each. Nothing here looks at what follows from it."""

import heapq
import itertools
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from random import Random

from redis.exceptions import RedisError

from drumbeat.core.errors import DrumbeatError
from tests.chaos import lies
from tests.chaos.arena import WORKERS, Arena
from tests.chaos.cutter import Cut

LEASE = 45.0  # seconds
GROWN = 1.5  # seconds until a worker that was started has work in hand
TRY_AGAIN = 0.3  # seconds until a victim that is being started again is looked for once more
APPLIED = "configuration applied"
REMEMBERED = 500  # doorbells that may be rung again, long after


class Faults:
    """Everything that is broken on purpose, counted by kind."""

    def __init__(self, arena: Arena, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self._arena = arena
        self._random = random
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stopped: dict[str, int] = {}  # name -> process id
        self._dead: set[int] = set()  # process ids: a pid file outlives its process for a moment
        self._postgres_down = False
        self._doorbells: deque[str] = deque(maxlen=REMEMBERED)

    def later(self, seconds: float, fault: Callable[[], None]) -> None:
        """Have something happen in so many seconds."""
        heapq.heappush(self._agenda, (time.monotonic() + seconds, next(self._numbers), fault))

    @property
    def left(self) -> int:
        """How much is still to happen."""
        return len(self._agenda)

    def happen(self) -> None:
        """Let everything happen whose time has come."""
        while self._agenda and self._agenda[0][0] <= time.monotonic():
            heapq.heappop(self._agenda)[2]()

    def mend(self) -> None:
        """Undo what does not end by itself, and do what was still to come of it; harmless to repeat."""
        self._agenda.clear()
        for name in list(self._stopped):
            self._continue(name)
        self._start_postgres()
        until = time.monotonic() + 30
        while not self._arena.order("lies", None, "DELETE") and time.monotonic() < until:
            time.sleep(TRY_AGAIN)

    # ------------------------------------------------------------ processes

    def kill_worker(self) -> None:
        """End a worker with SIGKILL, if not now, then soon: one that had the time to take something in hand."""
        names = [f"worker-{number}" for number in range(1, WORKERS + 1)]
        self._random.shuffle(names)
        grown = [name for name in names if name not in self._stopped and self._age(name) > GROWN]
        if not any(self._signal(name, signal.SIGKILL) for name in grown):
            self.later(TRY_AGAIN, self.kill_worker)
            return
        self.counts["worker killed"] += 1

    def kill(self, name: str) -> None:
        """End any other process with SIGKILL."""
        if name not in self._stopped and self._signal(name, signal.SIGKILL):
            self.counts[f"{name.partition('-')[0]} killed"] += 1

    def freeze(self, name: str, shortest: float, longest: float) -> None:
        """Stop a process as a machine that sleeps does; after so many seconds it goes on with what it had in hand."""
        pid = self._arena.stack.pid(name)
        if pid is not None and name not in self._stopped and self._signal(name, signal.SIGSTOP):
            self._stopped[name] = pid
            self.counts[f"{name.partition('-')[0]} frozen"] += 1
            # Not by our own agenda: whoever asks the frozen one for something may wait for it.
            waking = threading.Timer(self._random.uniform(shortest, longest), self._continue, [name])
            waking.daemon = True
            waking.start()

    def freeze_worker(self) -> None:
        """Stop a worker until its leases are over."""
        self.freeze(f"worker-{self._random.randint(1, WORKERS)}", LEASE + 2, LEASE + 8)

    def restart_queue(self) -> None:
        """End the SQS emulator in order: only then does it keep what SQS would."""
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
            return time.time() - (self._arena.stack.home / "run" / f"{name}.pid").stat().st_mtime
        return 0.0

    def _signal(self, name: str, number: signal.Signals) -> bool:
        pid = self._arena.stack.pid(name)
        if pid is None or pid in self._dead:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._dead.add(pid)
        return True

    # ------------------------------------------------------------ stores

    def lose_postgres(self, how: signal.Signals) -> None:
        """End Postgres; it comes back in a few seconds, by crash recovery after a SIGKILL."""
        if self._postgres_down:
            return
        process = self._arena.postgres.process
        assert process is not None
        process.send_signal(how)
        process.wait()
        self._postgres_down = True
        self.counts[f"postgres {'killed' if how is signal.SIGKILL else 'restarted'}"] += 1
        self.later(self._random.uniform(1, 4), self._start_postgres)

    def _start_postgres(self) -> None:
        """Start it again, as soon as the last process of the one before is gone."""
        if not self._postgres_down:
            return
        until = time.monotonic() + 60
        while True:
            try:
                self._arena.postgres.start()
                self._postgres_down = False
                return
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(TRY_AGAIN)

    def cut(self) -> None:
        """Cut the connection of the next statement, before, in the middle of, or after its commit."""
        where = self._random.choice(list(Cut))
        self._arena.cutter.cut(where)
        self.counts[f"cut {where}"] += 1

    def stall(self) -> None:
        """Let Postgres be silent for a while, without a word to anybody."""
        self._arena.cutter.stall(self._random.uniform(1, 8))
        self.counts["postgres silent"] += 1

    def flush_valkey(self) -> None:
        """Have Valkey forget everything."""
        with suppress(RedisError):  # it is away just now
            self._arena.valkey.flushall()
            self.counts["valkey flushed"] += 1

    # ------------------------------------------------------------ doorbells

    def purge(self) -> None:
        """Lose all doorbells."""
        with suppress(DrumbeatError):  # as above
            self._arena.doorbells.purge()
            self.counts["queue purged"] += 1

    def double(self) -> None:
        """Double some doorbells, delay them, lose some, and ring some of long ago again."""
        with suppress(DrumbeatError):
            queue = self._arena.doorbells
            taken = queue.receive(hidden=1)
            for message in taken:
                if self._random.random() < 0.2:
                    queue.delete([message])
                    self.counts["doorbells lost"] += 1
            self._doorbells.extend(message.body for message in taken)
            again = [message.body for message in taken] * self._random.randint(1, 3)
            again += self._random.sample(list(self._doorbells), min(10, len(self._doorbells)))
            for body in again:
                queue.put(body)
            self.counts["doorbells doubled"] += len(again)

    # ------------------------------------------------------------ providers

    def lie(self) -> None:
        """Have a provider lie for some seconds."""
        if self._arena.order("lies", lies.lie(self._random)):
            self.counts["lies begun"] += 1

    # ------------------------------------------------------------ people

    def apply(self) -> None:
        """Put the next version of the configuration in force, which differs in a comment."""
        document = f"{self._arena.campaign.read_text()}# {self.counts[APPLIED]}\n"
        with suppress(OSError, ValueError):
            self._arena.call("PUT", "/v1/config", {"document": document})
            self.counts[APPLIED] += 1
