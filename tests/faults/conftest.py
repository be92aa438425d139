"""Stages for simulated runs: servers of their own, emptied between runs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from drumbeat.local.servers import Valkey
from tests.conftest import migrated
from tests.faults.environment import Place, Stage
from tests.faults.process_pool import Crew
from tests.faults.runs import Simulate, simulating

# Whatever else happened in the same server, and whatever ran before, would decide where rows are put and in which order
# they are found: then a seed were not a run.
ALONE = ("autovacuum = off", "jit = off", "plan_cache_mode = force_generic_plan", "synchronous_commit = off")


@contextmanager
def place(home: Path) -> Iterator[Place]:
    """Servers for one stage."""
    with migrated(home / "postgres") as postgres, Valkey(home / "valkey") as valkey:
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            for setting in ALONE:
                admin.execute(f"ALTER SYSTEM SET {setting}".encode())
            admin.execute("SELECT pg_reload_conf()")
        yield Place(postgres.url("ledger", user="drumbeat_app"), postgres.url("ledger"), valkey.url, home / "vendors")


@pytest.fixture(scope="session")
def stage(servers_home: Path) -> Iterator[Stage]:
    """Where the simulation plays."""
    with place(servers_home / "stage") as here, closing(Stage(here)) as stage:
        yield stage


@pytest.fixture
def simulate(stage: Stage) -> Iterator[Simulate]:
    """Begin runs, one after another."""
    with simulating(stage) as simulate:
        yield simulate


@pytest.fixture(scope="session")
def crew(servers_home: Path) -> Iterator[Crew]:
    """As many stages as there are processors, for what is much and independent of each other."""
    with ExitStack() as places:
        numbers = range(os.process_cpu_count() or 1)
        here = [places.enter_context(place(servers_home / f"stage-{number}")) for number in numbers]
        with closing(Crew(here)) as crew:
            yield crew
