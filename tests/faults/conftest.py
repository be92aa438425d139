"""Stages for simulated runs: servers of their own, emptied between runs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from drumbeat.local.servers import Valkey
from tests.conftest import migrated
from tests.faults.environment import Environment, Servers
from tests.faults.process_pool import ProcessPool
from tests.faults.runs import Simulate, simulating

# Whatever else happened in the same server, and whatever ran before, would decide where rows are put and in which order
# they are found: then a seed were not a run.
ALONE = ("autovacuum = off", "jit = off", "plan_cache_mode = force_generic_plan", "synchronous_commit = off")


@contextmanager
def servers(home: Path) -> Iterator[Servers]:
    """Servers for one stage."""
    with migrated(home / "postgres") as postgres, Valkey(home / "valkey") as valkey:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            for setting in ALONE:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
        yield Servers(postgres.url("ledger", user="drumbeat_app"), postgres.url("ledger"), valkey.url, home / "vendors")


@pytest.fixture(scope="session")
def environment(servers_home: Path) -> Iterator[Environment]:
    """Where the simulation plays."""
    with servers(servers_home / "stage") as here, closing(Environment(here)) as environment:
        yield environment


@pytest.fixture
def simulate(environment: Environment) -> Iterator[Simulate]:
    """Begin runs, one after another."""
    with simulating(environment) as simulate:
        yield simulate


@pytest.fixture(scope="session")
def process_pool(servers_home: Path) -> Iterator[ProcessPool]:
    """As many stages as there are processors, for what is much and independent of each other."""
    with ExitStack() as all_servers:
        numbers = range(os.process_cpu_count() or 1)
        here = [all_servers.enter_context(servers(servers_home / f"stage-{number}")) for number in numbers]
        with closing(ProcessPool(here)) as process_pool:
            yield process_pool
