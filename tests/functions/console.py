"""The console function as API Gateway calls it, over a ledger, a cache and queues of its own."""

import json
import uuid
from collections.abc import Mapping
from types import ModuleType
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat import services as process
from drumbeat.access import keys
from drumbeat.access import sql as access_sql
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.front import MAX_PAYLOAD_BYTES
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from functions.console import app
from tests.conftest import TestDatabase


class Context:
    """Lambda's context of an invocation."""

    function_name = "console"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:console"
    aws_request_id = "request-1"


class Console:
    """Calls the handler and reads its answers; `function` is another release's, if it is not the present one."""

    def __init__(self, services: Services, function: ModuleType = app) -> None:
        self.services = services
        self.headers: Mapping[str, str] = {}  # sent with every call
        self._handler = function.handler

    def key(self, *scopes: str, id: str = "ada") -> str:
        """Make a key."""
        access_sql.add(self.services.db, id, "of a test", keys.SCOPES, actor="test")
        return keys.mint(self.services.key_secret, id, scopes)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = "",
        **query: str,
    ) -> tuple[int, Any, dict[str, str]]:
        """Return status, body (parsed when JSON) and headers; `key` None sends none, '' one with all scopes.

        A parameter with a comma was sent twice: so API Gateway joins its values.
        """
        token = self.key("ingest", "read", "operate") if key == "" else key
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": urlencode([(name, one) for name, value in query.items() for one in value.split(",")]),
            "headers": {**({"authorization": f"Bearer {token}"} if token else {}), **self.headers},
            "queryStringParameters": query or None,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": "request-1",
                "routeKey": "$default",
                "stage": "$default",
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = self._handler(cast("dict[str, Any]", event), cast("LambdaContext", Context()))
        assert len(json.dumps(answer, ensure_ascii=False).encode()) <= MAX_PAYLOAD_BYTES  # what Lambda answers at most
        answered = {name: str(value) for name, value in answer.get("headers", {}).items()}
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            answered[name] = values[0]
        text = answer["body"]
        parsed = json.loads(text) if "json" in answered.get("Content-Type", "") else text
        return answer["statusCode"], parsed, answered

    def notified(self) -> list[WakeUp]:
        """Take the wake-up messages so far."""
        wake_ups = []
        while messages := self.services.queue.receive():
            wake_ups += [WakeUp.loads(message.body) for message in messages]
            self.services.queue.delete(messages)
        return wake_ups


def build_services(
    database: TestDatabase, redis_url: str, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Services:
    """Build services of which nothing is fake, and let the handlers use them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Sqs("us-east-1", sqs_endpoint)
    effects, buffer, wishes, dead = (
        sqs.call("CreateQueue", QueueName=f"{name}-{uuid.uuid4().hex}")["QueueUrl"]
        for name in ("effects", "buffer", "wishes", "dead")
    )
    sqs.close()
    environment = {
        "DRUMBEAT_LOCAL": "1",
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "DRUMBEAT_SECRET": "for tests",
        "EFFECTS_QUEUE_URL": effects,
        "BUFFER_QUEUE_URL": buffer,
        "WISHES_QUEUE_URL": wishes,
        "DLQ_URL": dead,
        "AWS_ENDPOINT_URL": sqs_endpoint,
        "DRUMBEAT_SANDBOX_URL": "http://127.0.0.1:1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    process.services.cache_clear()
    return process.services()


def close(services: Services, release: ModuleType = process) -> None:
    """Close what a test's services have opened, and forget them; `release` is where another release keeps them."""
    services.db.close()
    services.sqs.close()
    services.redis.close()
    release.services.cache_clear()
