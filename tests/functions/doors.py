"""The ingest function as API Gateway calls it, over a ledger, a cache and queues of its own."""

import json
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext
from psycopg.types.json import Jsonb
from redis import Redis

from drumbeat.access import keys
from drumbeat.access import sql as access_sql
from drumbeat.ingest import catalog
from drumbeat.ledger.database import Database, Row
from drumbeat.local.gateway import is_text
from drumbeat.services import Services
from drumbeat.wakeups.queue import Queue, WakeUp
from functions.ingest import app
from tests.conftest import TestDatabase

CONTEXT = cast(
    LambdaContext,
    type(
        "Context",
        (),
        {
            "function_name": "ingest",
            "memory_limit_in_mb": 256,
            "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:ingest",
            "aws_request_id": "request-1",
        },
    )(),
)


@dataclass(frozen=True)
class Answer:
    """What a caller sees."""

    status: int
    body: Any  # what its JSON says, or else its text
    headers: Mapping[str, str]


@dataclass
class Doors:
    """Calls the handler; everything behind it is real."""

    services: Services
    ledger: TestDatabase  # beside the services' own connection, and there when that one leads nowhere
    effects: Queue
    buffer: Queue
    redis: Redis  # without our client, which names its keys itself
    made: set[str] = field(default_factory=set)  # ids of API keys
    other: dict[str, object] = field(default_factory=dict)  # of the configuration, beside its sources

    def key(self, *scopes: str, id: str = "shop") -> str:
        """Make an API key."""
        if id not in self.made:
            self.made.add(id)
            access_sql.add(self.ledger, id, "of a test", keys.SCOPES, actor="test")
        return keys.mint(self.services.key_secret, id, scopes or ("ingest",))

    def post(
        self,
        path: str,
        body: object,
        *,
        key: str | None = "",
        headers: Mapping[str, str] | None = None,
        query: str = "",
        encoded: bool = False,
    ) -> Answer:
        """Post a body; bytes go as they are, other values as JSON. `key` None sends none, '' a good one."""
        token = self.key() if key == "" else key
        return self._call(
            "POST",
            path,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
            {
                "content-type": "application/json",
                **({"authorization": f"Bearer {token}"} if token else {}),
                **{name.lower(): value for name, value in (headers or {}).items()},
            },
            query,
            encoded=encoded,
        )

    def get(self, path: str, query: str = "") -> Answer:
        """Ask without a key."""
        return self._call("GET", path, b"", {}, query)

    def visit(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Ask as a browser does, without a key; what is no text arrives in base64. `content_type="..."`: a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._call(method, path, body, named, "", encoded=not is_text(named.get("content-type", "")))

    def _call(
        self, method: str, path: str, raw: bytes, headers: Mapping[str, str], query: str, *, encoded: bool = False
    ) -> Answer:
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"{method} {path}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": dict(headers),
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "api",
                "domainName": "hooks.example.com",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
                "requestId": "request-1",
                "routeKey": f"{method} {path}",
                "stage": "$default",
            },
            "body": b64encode(raw).decode() if encoded else raw.decode("utf-8", "replace"),
            "isBase64Encoded": encoded,
        }
        answer = app.handler(event, CONTEXT)
        answered = {name.lower(): str(value) for name, value in answer.get("headers", {}).items()}
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            answered[name.lower()] = values[0]
        text = answer["body"]
        parsed = json.loads(text) if "json" in answered.get("content-type", "") else text
        return Answer(answer["statusCode"], parsed, answered)

    def notified(self) -> list[UUID]:
        """Take the events that workers were notified of so far."""
        notified: list[UUID] = []
        while messages := self.effects.receive():
            notified += [id for message in messages for id in WakeUp.loads(message.body).events]
            self.effects.delete(messages)
        return notified

    def events(self) -> list[Row]:
        """Read all recorded events with their bodies."""
        return self.ledger.run(
            "SELECT events.*, payloads.body FROM events JOIN payloads ON payloads.event_id = id"
            " ORDER BY received_at, id"
        )

    def configure(self, **sources: Mapping[str, object]) -> None:
        """Apply a configuration with these sources, and have a new process serve from now on."""
        self.apply(**sources)
        app.door.cache_clear()
        app.single.cache_clear()

    def apply(self, must_understand: Sequence[str] = (), /, **sources: Mapping[str, object]) -> None:
        """Apply a configuration with these sources."""
        compiled = {
            "must_understand": list(must_understand),
            "accounts": {},
            "flows": {},
            "campaigns": {},
            "templates": {},
            **self.other,
            "sources": {
                name: {
                    "door": "webhook",
                    "type": "LEAD_CAPTURE",
                    "tolerance": 300.0,
                    "map": {},
                    "options": {},
                    "secrets": [],
                    **source,
                }
                for name, source in sources.items()
            },
        }
        self.ledger.run(
            "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
            " SELECT coalesce(max(version), 0) + 1, '', '', '{}', %s, 'test' FROM configs",
            [Jsonb(compiled)],
        )
        catalog.announce(self.services)


def lead(key: str | None = None, **other: object) -> dict[str, object]:
    """Write an event as a caller would."""
    return {
        "type": "LEAD_CAPTURE",
        "source": "crm",
        "payload": {"email": "ada@example.com"},
        "idempotencyKey": key or uuid.uuid4().hex,
        **other,
    }


def make_unreachable(services: Services) -> None:
    """Point the services' ledger at a port that nothing listens on."""
    services.db.close()
    services.db = Database("postgresql://drumbeat_app@127.0.0.1:1/none")
