"""Services over a ledger and a Valkey of their own, with no queue that answers."""

from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.infrastructure.settings import Settings
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.runs.stage import Stage


@pytest.fixture
def services(
    database: TestDatabase, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    for name in ("MAIL_KEY", "RECEIPTS_KEY", "ERP_KEY"):
        monkeypatch.setenv(name, "secret")
    environment = {
        "DRUMBEAT_LOCAL": "1",
        "DATABASE_URL": database.url,
        "REDIS_URL": valkey.url,
        "DRUMBEAT_SECRET": "for tests",
        "EFFECTS_QUEUE_URL": "http://127.0.0.1:1/0/effects",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    services = Services(Settings.from_env(environment))
    yield services
    services.db.close()
    services.redis.close()


@pytest.fixture
def stage(database: TestDatabase, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("MAIL_KEY", "secret")
    with Stage.on(database, valkey) as stage:
        yield stage
