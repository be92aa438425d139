"""A worker of a configured deployment."""

from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.configuration.document import compile_document
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger import configs
from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.store.delivery.workers import DOCUMENT, Accepting, Pipelines, Silent, Worker


@pytest.fixture
def worker(database: TestDatabase, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setenv("SIGNING_KEY", "secret")
    environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "for tests"}
    worker = Worker(Settings.from_env(environment))
    worker.redis, worker.queue, worker.calls = Pipelines.at(valkey.url, worker.redis_prefix), Silent(), Accepting()
    compiled = compile_document(DOCUMENT, {})
    configs.insert(worker.db, hash=b"1", document="", templates={}, compiled=compiled, identities={}, actor="test")
    worker.throttle.queues(["one"])  # Redis knows the script
    worker.redis.pipelines = 0
    yield worker
    worker.db.close()
    worker.redis.close()
