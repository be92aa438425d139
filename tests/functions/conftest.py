"""The ingest function over real servers."""

import uuid
from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat import services as process
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.wakeups.queue import Queue
from functions.ingest import app
from tests.conftest import TestDatabase, url_of
from tests.functions.doors import Doors


@pytest.fixture
def doors(database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doors]:
    """A door that was not used yet."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Sqs("us-east-1", sqs_endpoint)
    effects, buffer, wishes = (
        Queue(sqs, sqs.call("CreateQueue", QueueName=f"{name}-{uuid.uuid4().hex}")["QueueUrl"])
        for name in ("effects", "buffer", "wishes")
    )
    environment = {
        "DRUMBEAT_LOCAL": "1",
        "DRUMBEAT_TEST_DOOR": "1",
        "DRUMBEAT_SECRET": "for tests",
        "DATABASE_URL": database.url,
        "REDIS_URL": url_of(redis),
        "EFFECTS_QUEUE_URL": effects.url,
        "BUFFER_QUEUE_URL": buffer.url,
        "WISHES_QUEUE_URL": wishes.url,
        "AWS_ENDPOINT_URL": sqs_endpoint,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for made in (process.services, app.door, app.single):
        made.cache_clear()
    services = process.services()
    doors = Doors(services, database, effects, buffer, redis)
    doors.key()
    yield doors
    services.db.close()
    services.redis.close()
    services.sqs.close()
    sqs.close()
    app.metrics.provider.metric_set.clear()
    for made in (process.services, app.door, app.single):
        made.cache_clear()
