"""The relay function as its schedule calls it."""

import json
import uuid
from collections.abc import Iterator
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from redis import Redis

from drumbeat import services as process
from drumbeat.core.invariants import Invariant
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ledger import stops, violations
from drumbeat.ledger.violations import Found
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from functions.relay import app
from tests.conftest import TestDatabase, url_of

SCHEDULED = {"version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}


class Context:
    """Lambda's context of an invocation."""

    function_name = "relay"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:relay"
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 50_000


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Sqs("us-east-1", sqs_endpoint)
    environment = {
        "DRUMBEAT_LOCAL": "1",
        "DATABASE_URL": database.url,
        "REDIS_URL": url_of(redis),
        "DRUMBEAT_SECRET": "for tests",
        "EFFECTS_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"effects{uuid.uuid4().hex}")["QueueUrl"],
        "BUFFER_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"buffer{uuid.uuid4().hex}")["QueueUrl"],
        "WISHES_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"wishes{uuid.uuid4().hex}")["QueueUrl"],
        "AWS_ENDPOINT_URL": sqs_endpoint,
    }
    sqs.close()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    process.services.cache_clear()
    services = process.services()
    yield services
    services.db.close()
    services.sqs.close()
    services.redis.close()
    process.services.cache_clear()


def invoke(event: dict[str, Any]) -> dict[str, Any]:
    return app.handler(event, cast("LambdaContext", Context()))


def test_that_redis_is_away_is_counted_each_minute_whether_events_come_or_not(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    services.redis = LeanRedis.at("redis://127.0.0.1:1", "")

    found = invoke(SCHEDULED)

    assert found == {"full": True, "redisAway": True}
    assert '"RedisAway":[1.0]' in capsys.readouterr().out


def test_it_notifies_of_what_is_due_then_idles(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    event = uuid.uuid4()
    services.db.run(
        """INSERT INTO configs (version, hash, document, templates, compiled, applied_by)
           VALUES (1, '', '', '{}',
                   '{"accounts": {}, "sources": {}, "flows": {}, "campaigns": {}, "templates": {}}', 'test')"""
    )
    services.db.run(
        """INSERT INTO events (id, source, key, type, door, fingerprint, received_at, recorded_at)
           SELECT %s, 'shop', 'key', 'LEAD_CAPTURE', 'api', '', at, at
             FROM (SELECT drumbeat_now() - interval '1 minute' AS at) AS earlier""",
        (event,),
    )

    first, second = invoke(SCHEDULED), invoke(SCHEDULED)

    assert first == {"full": True, "events": 1, "oldest": pytest.approx(60, abs=5)}
    assert second == {"asleep": True}
    (age,) = [json.loads(line)["OldestDue"] for line in capsys.readouterr().out.splitlines() if '"OldestDue"' in line]
    assert age == [first["oldest"]]  # what the alarm watches
    [message] = services.queue.receive()
    assert WakeUp.loads(message.body) == WakeUp(events=(event,))


def test_the_owner_is_told_of_a_violation_once(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    invoke(SCHEDULED)
    subject = uuid.uuid4()
    violations.record(services.db, [Found(Invariant.JOURNAL_GAPS, "journal-stray", subject)])
    capsys.readouterr()

    for _ in range(2):
        services.due_index.look_soon(services.clock.now().timestamp() - 1)
        assert invoke(SCHEDULED)["looked"]

    said = capsys.readouterr().out
    assert said.count('"AccountsStopped":[1.0]') == 1
    assert [(stop.account, stop.invariant) for stop in stops.in_force(services.db)] == [(None, "journal_gaps")]
