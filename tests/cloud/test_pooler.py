"""Fifty functions behind a pooler with two connections to Postgres, as a managed server's pooled address gives them."""

import json
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from redis import Redis

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import SCOPES, ApiKey
from drumbeat.configuration.apply import apply
from drumbeat.core import ids
from drumbeat.delivery.deliver import deliver
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.relay.sweep import sweep
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp
from tests.cloud.pooler import PgBouncer
from tests.conftest import TestDatabase, url_of
from tests.flow.stacks import eventually
from tests.flow.test_full_speed import CONFIG, EVENTS, LIES

CLIENTS, CONNECTIONS = 50, 2

pytestmark = [
    pytest.mark.proof,
    pytest.mark.timeout(900),
    pytest.mark.skipif(PgBouncer.program is None, reason="pgbouncer is not installed: apt-get install pgbouncer"),
]


@contextmanager
def sandbox(home: Path) -> Iterator[str]:
    """Run the provider sandbox, which lies about one call in twenty."""
    command = [sys.executable, "-m", "drumbeat.sandbox", "--port", "0", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = json.loads(process.stdout.readline())["url"]
            for lie in LIES:
                body, head = json.dumps(lie).encode(), {"content-type": "application/json"}
                urllib.request.urlopen(urllib.request.Request(f"{url}/_sandbox/lies", body, head)).close()
            yield url
        finally:
            process.terminate()


class Client:
    """One environment of a function that takes events in and delivers them, with a connection of its own."""

    def __init__(self, number: int, settings: Settings) -> None:
        self.services = Services(settings)
        self._number = number
        self._single = Single(Door(self.services))
        self._caller = ApiKey("pooled", frozenset(SCOPES))
        access_sql.add(self.services.db, self._caller.id, "pooled", SCOPES, actor="test")

    def send(self, n: int) -> None:
        """Record one event and carry out what follows from it."""
        key = f"{self._number}-{n}"
        event = {"type": "LEAD_CAPTURE", "source": "landing", "payload": {"email": f"c{key}@example.com"}}
        receipt = self._single.ingest(json.dumps({**event, "idempotencyKey": key}).encode(), caller=self._caller)
        assert receipt.event_id == ids.event_id("landing", key)
        deliver([WakeUp(events=(receipt.event_id,))], self.services, lambda: 50.0)

    def run(self) -> None:
        """Send the rest."""
        for n in range(1, EVENTS // CLIENTS):
            self.send(n)

    def settle(self) -> None:
        """Sweep once as the relay does, and process every message as the worker does."""
        queue = self.services.queue
        sweep(self.services)
        while messages := queue.receive():
            deliver([WakeUp.loads(message.body) for message in messages], self.services, lambda: 50.0)
            queue.delete(messages)

    def close(self) -> None:
        """Close every connection."""
        self.services.db.close()
        self.services.redis.close()
        self.services.sqs.close()
        self.services.http.close()


@pytest.fixture
def settings(
    database: TestDatabase, redis: Redis, sqs_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """What a function is told that has a pooled address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Sqs("us-east-1", sqs_endpoint)
    effects, buffer = (
        sqs.call("CreateQueue", QueueName=f"{name}-{uuid.uuid4().hex}")["QueueUrl"] for name in ("effects", "buffer")
    )
    sqs.close()
    with (
        sandbox(tmp_path / "sandbox") as sandbox_url,
        PgBouncer(tmp_path / "pooler", database.url, CONNECTIONS) as pool,
    ):
        yield Settings.from_env(
            {
                "DRUMBEAT_LOCAL": "1",
                "DRUMBEAT_SECRET": "for tests",
                "DRUMBEAT_SANDBOX_URL": sandbox_url,
                "DATABASE_URL": pool.url,
                "REDIS_URL": url_of(redis),
                "EFFECTS_QUEUE_URL": effects,
                "BUFFER_QUEUE_URL": buffer,
                "AWS_ENDPOINT_URL": sqs_endpoint,
            }
        )


def test_five_thousand_events_of_fifty_clients_go_through_two_connections(
    settings: Settings, database: TestDatabase
) -> None:
    clients = [Client(number, settings) for number in range(CLIENTS)]
    apply(CONFIG, {}, actor="test", services=clients[0].services)
    for client in clients:
        client.send(0)  # all of them are connected from now on

    with ThreadPoolExecutor(CLIENTS) as pool:
        for end in [pool.submit(client.run) for client in clients]:
            end.result()

    with psycopg.connect(database.admin_url, autocommit=True) as ledger:
        pooled = count(ledger, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drumbeat'")

        def at_rest() -> bool:
            clients[0].settle()
            return count(ledger, "SELECT count(*) FROM effects WHERE status = 'accepted'") == 2 * EVENTS

        eventually(at_rest, within=200)
    for client in clients:
        client.close()
    with urllib.request.urlopen(f"{settings.sandbox_url}/_sandbox/counts?effects=0") as reply:
        found = json.loads(reply.read())
    assert (found["done_once"], found["twice"]) == (2 * EVENTS, [])
    assert 0 < pooled <= CONNECTIONS


def count(ledger: psycopg.Connection, sql: LiteralString) -> int:
    row = ledger.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
