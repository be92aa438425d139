"""What every system gets new for each run: an empty Postgres, an empty Valkey, a folder, a port, the provider."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from drumbeat.local.ports import answers
from drumbeat.local.servers import Postgres, Valkey, die_with_parent, free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


class Program:
    """One process of a bench run; ended with everything below it."""

    def __init__(
        self, arguments: Sequence[str], log: Path, environment: Mapping[str, str], *, pipe: bool = False
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else output,
                stderr=output,
                env=dict(environment),
                cwd=ROOT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens; raises RuntimeError with the end of its log when it does not."""
        until = time.monotonic() + START_SECONDS
        while not answers("127.0.0.1", port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.log.stem} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.03)

    def stop(self) -> None:
        """End it in order; kill it when that takes longer than 30 seconds."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a provider received of one event."""

    first: float  # seconds of the epoch
    calls: int
    accepted: int


class Provider:
    """The neutral provider, in a process of its own."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "bench.provider", "--port", str(self.port)]
        self._program = Program(command, home / "provider.log", environment)
        self._program.wait_for_port(self.port)

    def begin(self, *, latency: float, lies: float = 0.0) -> None:
        """Begin a new record; `latency` in seconds, `lies` the share of acceptances answered with a 500."""
        call(f"http://127.0.0.1:{self.port}/_run", {"latency": latency, "lies": lies})

    def sightings(self) -> dict[str, Sighting]:
        """Return what has arrived since, by event."""
        record = call(f"http://127.0.0.1:{self.port}/_record")
        return {event: Sighting(first, int(calls), int(taken)) for event, (first, calls, taken) in record.items()}

    def stop(self) -> None:
        """End it."""
        self._program.stop()


class Servers:
    """Postgres, Valkey and the provider for one run of one system, in an empty folder."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        home.mkdir(parents=True)
        self.home = home
        self.environment = dict(environment)
        self._exit = ExitStack()
        self._owner: psycopg.Connection | None = None

    def __enter__(self) -> Self:
        with self._exit:
            self.postgres = self._exit.enter_context(Postgres(self.home / "postgres"))
            self.valkey = self._exit.enter_context(Valkey(self.home / "valkey"))
            self.provider = Provider(self.home, self.environment)
            self._exit.callback(self.provider.stop)
            self._exit = self._exit.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def query(self, database: str, statement: str) -> tuple[Any, ...]:
        """Run one statement as the owner, over one connection, and return its first row."""
        if self._owner is None:
            self._owner = psycopg.connect(self.postgres.url(database), autocommit=True)
            self._exit.callback(self._owner.close)
        row = self._owner.execute(statement.encode()).fetchone()
        assert row is not None
        return row


def call(url: str, order: object = None) -> Any:
    """Call a local server and return its JSON: a POST when there is a body."""
    data = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def environment() -> dict[str, str]:
    """Return our environment without what would slow a start down or lead a system to other servers."""
    unwanted = ("AWS_", "DRUMBEAT_", "DATABASE_URL", "REDIS_URL", "SQS_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
