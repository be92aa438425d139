"""The fixture that all tests of the relay share."""

import uuid
from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.infrastructure.settings import Settings
from drumbeat.services import Services
from tests.conftest import TestDatabase, url_of
from tests.store.relay.sample_deployment import ManualClock, RecordingSqs, SampleDeployment


@pytest.fixture
def deployment(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SampleDeployment]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = RecordingSqs(sqs_endpoint)
    urls = {
        name: sqs.call("CreateQueue", QueueName=f"{name}{uuid.uuid4().hex}")["QueueUrl"]
        for name in ("effects", "buffer", "wishes")
    }
    sqs.database = database
    settings = Settings.from_env(
        {
            "DATABASE_URL": database.url,
            "REDIS_URL": url_of(redis),
            "DRUMBEAT_SECRET": "for tests",
            "EFFECTS_QUEUE_URL": urls["effects"],
            "BUFFER_QUEUE_URL": urls["buffer"],
            "WISHES_QUEUE_URL": urls["wishes"],
            "AWS_ENDPOINT_URL": sqs_endpoint,
            "DRUMBEAT_LOCAL": "1",
        }
    )
    clock = ManualClock()
    services = Services(settings, clock)
    services.__dict__ |= {"db": database, "sqs": sqs}
    deployment = SampleDeployment(services, database, redis, clock, sqs)
    yield deployment
    deployment.close()
    services.redis.close()
    sqs.close()
