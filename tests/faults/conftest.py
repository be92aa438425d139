"""Environments for simulated runs: servers of their own, emptied between runs."""

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

# Without these, other work in the same server and earlier runs decide where rows are stored and in which order they are
# found: one seed would give different runs.
REPEATABLE_SETTINGS = (
    "autovacuum = off",
    "jit = off",
    "plan_cache_mode = force_generic_plan",
    "synchronous_commit = off",
)


@contextmanager
def running_servers(home: Path) -> Iterator[Servers]:
    """Run the servers of one environment."""
    with migrated(home / "postgres") as postgres, Valkey(home / "valkey") as valkey:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            for setting in REPEATABLE_SETTINGS:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
        yield Servers(postgres.url("ledger", user="drumbeat_app"), postgres.url("ledger"), valkey.url, home / "vendors")


@pytest.fixture(scope="session")
def environment(servers_home: Path) -> Iterator[Environment]:
    """Where simulations run in this process."""
    with running_servers(servers_home / "environment") as here, closing(Environment(here)) as environment:
        yield environment


@pytest.fixture
def simulate(environment: Environment) -> Iterator[Simulate]:
    """Begin runs, one after another."""
    with simulating(environment) as simulate:
        yield simulate


@pytest.fixture(scope="session")
def process_pool(servers_home: Path) -> Iterator[ProcessPool]:
    """As many processes with environments as there are processors, for many independent parts of the proof."""
    with ExitStack() as all_servers:
        numbers = range(os.process_cpu_count() or 1)
        here = [
            all_servers.enter_context(running_servers(servers_home / f"environment-{number}")) for number in numbers
        ]
        with closing(ProcessPool(here)) as process_pool:
            yield process_pool
