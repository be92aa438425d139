"""The peers: each a web process and two workers, set up as their documentation recommends."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import psycopg

from bench import cpu
from bench.lead import lead_body
from bench.load import Order
from bench.servers import ROOT, Program, Servers
from bench.system import WORKERS, Witness
from drumbeat.local.servers import free_port

APPS = Path(__file__).parent / "apps"
BIN = ROOT / ".venv/peers/bin"
IN_FLIGHT = 16  # calls at the same time in one worker

TABLE = """
    CREATE TABLE leads (
        id text PRIMARY KEY,
        payload jsonb NOT NULL,
        status text NOT NULL DEFAULT 'accepted',
        created_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz
    )
"""
STORED = "SELECT count(*) FROM leads WHERE status = 'sent'"
LAST_STORED = "SELECT extract(epoch FROM max(done_at))::float FROM leads"


class Peer:
    """One peer; `recovers` shortens its documented time-outs for stalled work to fit the bench."""

    name: str
    setup: Sequence[str] = ()

    def __init__(self, servers: Servers, *, recovers: bool = False) -> None:
        self._servers = servers
        self._port = free_port()
        self.witness: Witness = servers.provider
        self.database_url = servers.postgres.url(self.name)
        self.environment = {
            **servers.environment,
            "PYTHONPATH": str(APPS),
            "BENCH_DATABASE_URL": self.database_url,
            "BENCH_REDIS_URL": servers.valkey.url,
            "BENCH_PROVIDER_URL": f"http://127.0.0.1:{servers.provider.port}/v1/messages",
            "BENCH_RECOVERS": "1" if recovers else "0",
        }
        with psycopg.connect(servers.postgres.url(), autocommit=True) as owner:
            owner.execute(f"CREATE DATABASE {self.name}".encode())
        with psycopg.connect(self.database_url) as owner:
            owner.execute(TABLE)
        if self.setup:
            subprocess.run(
                [BIN / self.setup[0], *self.setup[1:]], env=self.environment, check=True, capture_output=True
            )
        web = [str(BIN / "uvicorn"), f"{self.name}_app:web", "--port", str(self._port)]
        self._web = self._start("web", [*web, "--log-level", "warning", "--no-access-log"])
        self._workers = [self._start_worker(number) for number in range(WORKERS)]
        try:
            self._web.wait_for_port(self._port)
            time.sleep(2.0)  # workers have no port to check; the warm-up waits for the rest
        except BaseException:
            self.stop()
            raise

    def order(self, ids: Sequence[str], *, batch: int = 1, rate: float | None = None, connections: int = 32) -> Order:
        """Return the requests that bring these events."""
        assert batch == 1, "the peers' APIs take one at a time"
        return Order(self._port, "/lead", {}, [lead_body(id) for id in ids], [[id] for id in ids], connections, rate)

    def stored(self) -> int:
        """Return how many leads are stored as sent."""
        return int(self._servers.query(self.name, STORED)[0])

    def last_stored(self) -> float:
        """Return when the last of them was stored."""
        return float(self._servers.query(self.name, LAST_STORED)[0] or 0.0)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds spent so far, by group of processes."""
        return {
            "web": cpu.seconds([self._web.pid]),
            "workers": sum(cpu.seconds([worker.pid]) for worker in self._workers),
            "postgres": cpu.seconds([self._servers.postgres.pid]),
            "valkey": cpu.seconds([self._servers.valkey.pid]),
        }

    def kill_worker(self, random: Random) -> bool:
        """Kill one worker with everything below it, and start it again at once."""
        number = random.randrange(WORKERS)
        _kill(self._workers[number])
        self._workers[number] = self._start_worker(number)
        return True

    def stop(self) -> None:
        """End every process."""
        for program in (self._web, *self._workers):
            _kill(program)

    def worker(self, number: int) -> list[str]:
        """Return the command of one worker."""
        raise AssertionError(f"{self.name} {number}")

    def _start_worker(self, number: int) -> Program:
        return self._start(f"worker-{number}", self.worker(number))

    def _start(self, name: str, command: Sequence[str]) -> Program:
        return Program(command, self._servers.home / f"{self.name}-{name}.log", self.environment)


class Celery(Peer):
    """Celery with Redis as its broker and a pool of threads."""

    name = "celery"

    def worker(self, number: int) -> list[str]:
        """Return the command of one worker."""
        command = [str(BIN / "celery"), "-A", "celery_app", "worker", "-P", "threads", "-c", str(IN_FLIGHT)]
        return [*command, "-n", f"w{number}@%h", "-l", "warning"]


class Procrastinate(Peer):
    """Procrastinate with its asynchronous worker."""

    name = "procrastinate"
    setup = ("procrastinate", "--app=procrastinate_app.app", "schema", "--apply")

    def worker(self, number: int) -> list[str]:
        """Return the command of one worker."""
        command = [str(BIN / "procrastinate"), "--app=procrastinate_app.app", "--log-level", "warning", "worker"]
        return [*command, "--concurrency", str(IN_FLIGHT), "--name", f"w{number}"]


def _kill(program: Program) -> None:
    """Kill a program's whole group; it leads a session of its own."""
    if program.process.poll() is None:
        os.killpg(program.pid, signal.SIGKILL)
    program.process.wait()
