"""One database for all simulated runs: cloned from the migrated template, emptied between runs by its owner."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import ConnectionPool

from drumbeat.local.servers import Postgres, Valkey
from drumbeat.store.db import Database
from tests.faults.points import Faults, Schedule
from tests.faults.simulation import Simulation
from tests.faults.stage import Stage


@pytest.fixture(scope="session")
def stage(postgres: Postgres, valkey: Valkey, servers_home: Path) -> Iterator[Stage]:
    """Where the simulation plays."""
    name = f"s{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ledger STRATEGY FILE_COPY".encode())
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())  # nobody pulls this plug
        admin.execute(f"ALTER DATABASE {name} SET jit = off".encode())
        owner = Database(postgres.url(name))
        pool = ConnectionPool.from_url(valkey.url.removesuffix("/0") + "/1")
        stage = Stage(postgres.url(name, user="drumbeat_app"), owner, pool, valkey.url, servers_home / "vendors")
        yield stage
        stage.close()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


type Simulate = Callable[..., Simulation]


@pytest.fixture
def simulate(stage: Stage) -> Iterator[Simulate]:
    """Begin runs, one after another."""
    begun: list[Simulation] = []

    def begin(seed: int = 0, *, schedule: Schedule | None = None, faults: Faults | None = None) -> Simulation:
        for earlier in begun:
            earlier.close()
        begun[:] = [Simulation(stage, seed, schedule=schedule, faults=faults)]
        return begun[0]

    yield begin
    for last in begun:
        last.close()
