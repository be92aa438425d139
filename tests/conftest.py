"""Real servers, started once for a run when first asked for; every test gets a database and a cache of its own."""

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis as redis_client
from hypothesis import settings

from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ledger.database import Database
from drumbeat.local.servers import MiniStack, Postgres, Valkey
from tests.faults import point_index

# Hypothesis fails an example that takes longer than 200 ms. How fast this machine is, no test asserts.
settings.register_profile("drumbeat", deadline=None)
settings.load_profile("drumbeat")

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "drumbeat:tests:"  # of the keys of a client of ours
MEMORY = Path("/dev/shm")  # what a killed run leaves there, as drumbeat-*, stays until someone deletes it
MEMORY_BYTES = 8 * 2**30  # free: the largest ledger of a proof takes two of them
VECTORS = Path(os.environ.get("DRUMBEAT_VECTORS", ROOT.parent / "shared" / "vectors"))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(point_index)


@pytest.fixture(scope="session")
def servers_home() -> Iterator[Path]:
    """A folder for the servers' data. Not below pytest's own: a second run would lock its user out of that.

    In memory, where there is much: a fresh ledger is five hundred files, and a disk takes as long for them as a test.
    """
    with tempfile.TemporaryDirectory(prefix="drumbeat-", dir=MEMORY if _has_room() else None) as home:
        yield Path(home)


def _has_room() -> bool:
    """Return whether there is as much memory as servers may take; what a folder there may hold says nothing of that."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MEMORY_BYTES:
        return False
    (kilobytes,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024 >= MEMORY_BYTES


@contextmanager
def migrated(home: Path) -> Iterator[Postgres]:
    """A Postgres with a migrated database `ledger`."""
    with Postgres(home) as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")  # no test pulls the machine's plug
            admin.execute("SELECT pg_reload_conf()")
            admin.execute(f"CREATE ROLE drumbeat_app LOGIN PASSWORD '{server.password}'".encode())
            admin.execute("CREATE DATABASE ledger")
        with psycopg.connect(server.url("ledger"), autocommit=True) as ledger:
            for step in sorted((ROOT / "shared/drumbeat/ledger/migrations").glob("*.sql")):
                ledger.execute(step.read_bytes())
        yield server


@pytest.fixture(scope="session")
def postgres(servers_home: Path) -> Iterator[Postgres]:
    """One Postgres for the run, with a migrated database `ledger` to clone."""
    with migrated(servers_home / "postgres") as server:
        yield server


class TestDatabase(Database):
    """A test's own ledger, reached with the application's rights; `admin_url` has the owner's."""

    __test__ = False
    admin_url: str


@contextmanager
def fresh_ledger(postgres: Postgres) -> Iterator[TestDatabase]:
    """A ledger with nothing in it."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE ledger STRATEGY FILE_COPY".encode())
        database = TestDatabase(postgres.url(name, user="drumbeat_app"))
        database.admin_url = postgres.url(name)
        yield database
        database.close()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def database(postgres: Postgres) -> Iterator[TestDatabase]:
    """A fresh ledger."""
    with fresh_ledger(postgres) as database:
        yield database


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[Database]:
    """The same ledger with the owner's rights, which may move its clock and corrupt it."""
    owner = Database(database.admin_url)
    yield owner
    owner.close()


@pytest.fixture(scope="session")
def valkey(servers_home: Path) -> Iterator[Valkey]:
    """One Valkey for the run."""
    with Valkey(servers_home / "valkey") as server:
        yield server


@pytest.fixture
def redis(valkey: Valkey) -> Iterator["redis_client.Redis"]:
    """An empty Valkey."""
    client = redis_client.Redis.from_url(valkey.url)
    client.flushall()
    yield client
    client.close()


def url_of(client: "redis_client.Redis") -> str:
    """Return where a client is connected to, as settings say it."""
    where = client.connection_pool.connection_kwargs
    return f"redis://:{where['password']}@{where['host']}:{where['port']}/0"


@pytest.fixture
def lean(valkey: Valkey, redis: "redis_client.Redis") -> Iterator[LeanRedis]:
    """Our own client of the empty Valkey."""
    client = LeanRedis.at(valkey.url, PREFIX)
    yield client
    client.close()


@pytest.fixture(scope="session")
def ministack(servers_home: Path) -> Iterator[MiniStack]:
    """A real SQS API; tests make queues of their own in it."""
    with MiniStack(servers_home / "ministack") as server:
        yield server


@pytest.fixture
def sqs_endpoint(ministack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the SQS API is. This process waits for no message there: one server has all, and SQS's many have not."""
    call = Sqs.call

    def at_once(sqs: Sqs, operation: str, **parameters: object) -> dict[str, Any]:
        return call(sqs, operation, **parameters | ({"WaitTimeSeconds": 0} if "WaitTimeSeconds" in parameters else {}))

    monkeypatch.setattr(Sqs, "call", at_once)
    return ministack.url
