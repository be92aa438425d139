"""Two installations on one Redis: neither sees what the other has written."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from redis import Redis
from redis.crc import key_slot

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.configuration.apply import apply
from drumbeat.core.configuration import Limit
from drumbeat.core.errors import Unavailable
from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest.catalog import KEY as CATALOG
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Postgres
from drumbeat.relay.sweep import LOCK_KEY, LOCK_SECONDS, sweep
from drumbeat.services import Services
from drumbeat.throttle.limiter import Ask, Granted, TokenRequest
from drumbeat.wakeups.due_index import KEY
from tests.conftest import fresh_ledger, url_of

CALLER = ApiKey("shop", frozenset({"ingest"}))
LEAD = json.dumps(
    {"type": "LEAD_CAPTURE", "source": "crm", "payload": {"email": "ada@example.com"}, "idempotencyKey": "order-1"}
).encode()
SOURCE = """
version: 1
accounts: {}
sources: {%s: {webhook: github, type: LEAD_CAPTURE, secrets: ["env:SHOP_SECRET"], map: {email: email}}}
flows: {}
"""


@dataclass
class Stage:
    """One installation: its services, and its API."""

    services: Services
    api: Single

    def keys(self, redis: Redis) -> set[str]:
        """Return what it has in Redis, without the prefix."""
        prefix = self.services.redis_prefix
        keys: Any = redis.keys(f"{prefix}*")
        return {key.decode().removeprefix(prefix) for key in keys}


@pytest.fixture(
    params=[("prod", "staging", "another secret"), ("prod", "prod", "secret"), ("prod", "prod", "another secret")],
    ids=["two stages", "copied parameters", "one name in two accounts"],
)
def stages(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    redis: Redis,
    sqs_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Stage, Stage]]:
    """Two installations, each with a ledger and queues of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    here, there, secret = request.param
    with ExitStack() as stack:
        made = partial(_stage, stack, postgres, redis, sqs_endpoint)
        both = made(here, "secret"), made(there, secret)
        for stage in both:
            access_sql.add(stage.services.db, CALLER.id, "shop", CALLER.scopes, actor="test")
        yield both


def _stage(stack: ExitStack, postgres: Postgres, redis: Redis, endpoint: str, name: str, secret: str) -> Stage:
    sqs = Sqs("us-east-1", endpoint)
    stack.callback(sqs.close)
    settings = {
        "STAGE": name,
        "DRUMBEAT_LOCAL": "1",
        "DRUMBEAT_SECRET": secret,
        "DATABASE_URL": stack.enter_context(fresh_ledger(postgres)).url,
        "REDIS_URL": url_of(redis),
        "EFFECTS_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"],
        "BUFFER_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"],
        "AWS_ENDPOINT_URL": endpoint,
    }
    services = Services(Settings.from_env(settings))
    stack.callback(services.redis.close)
    stack.callback(services.sqs.close)
    stack.callback(services.db.close)
    return Stage(services, Single(Door(services)))


def test_what_one_has_recorded_is_new_to_the_other(stages: tuple[Stage, Stage]) -> None:
    receipts = [stage.api.ingest(LEAD, caller=CALLER) for stage in (*stages, *stages)]

    assert [receipt.replayed for receipt in receipts] == [False, False, True, True]
    recorded = [stage.services.db.run("SELECT key FROM events") for stage in stages]
    assert recorded == [[{"key": "order-1"}], [{"key": "order-1"}]]


def test_one_trusts_no_due_index_of_the_other_and_takes_nothing_from_it(stages: tuple[Stage, Stage]) -> None:
    ours, theirs = (stage.services.due_index for stage in stages)
    theirs.watch(full_at=2.0)
    theirs.set({"effect:1": 1.0})

    before = ours.due(10.0)
    ours.set({"effect:2": 1.0})
    ours.watch(full_at=20.0)
    ours.forget(["effect:1", "effect:2"], 10.0)

    assert (before.missing, before.members) == (True, frozenset())
    assert ours.due(10.0).members == frozenset()
    assert theirs.due(10.0).members == {"effect:1", "full"}


def test_one_sweeps_while_the_other_does(stages: tuple[Stage, Stage]) -> None:
    ours, theirs = (stage.services for stage in stages)
    theirs.redis.set(LOCK_KEY, "its relay", ex=LOCK_SECONDS, nx=True)

    summary = sweep(ours)

    assert (summary.locked_elsewhere, summary.full) == (False, True)
    assert theirs.redis.get(LOCK_KEY) == b"its relay"


def test_the_rate_of_an_account_is_not_that_of_its_namesake(stages: tuple[Stage, Stage]) -> None:
    ours, theirs = (stage.services.throttle for stage in stages)
    request = [TokenRequest("mail", (Limit(1, 3600, 1),), (Ask(),))]
    theirs.take(request)
    theirs.take(request)

    assert ours.take(request) == {"mail": [Granted()]}
    assert ours.queues(["mail"]) == {"mail": 0.0}
    assert theirs.queues(["mail"])["mail"] > 0


def test_sources_that_only_the_other_has_are_not_known_while_the_ledger_is_away(
    stages: tuple[Stage, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "of a source")
    ours, theirs = stages
    apply(SOURCE % "shop", {}, actor="test", services=theirs.services)
    assert "shop" in Door(theirs.services).catalog.sources()
    for stage in stages:
        stage.services.db.close()
        stage.services.db = Database("postgresql://nothing@127.0.0.1:1/ledger")

    assert "shop" in Door(theirs.services).catalog.sources()
    with pytest.raises(Unavailable):
        Door(ours.services).catalog.sources()


def test_every_key_begins_with_the_prefix_of_its_stage_and_an_account_stays_on_one_node(
    stages: tuple[Stage, Stage], redis: Redis
) -> None:
    for stage in stages:
        stage.api.ingest(LEAD, caller=CALLER)
        stage.services.throttle.take([TokenRequest("mail", (), (Ask(),))])
        sweep(stage.services)

    ours, theirs = (stage.keys(redis) for stage in stages)
    assert ours == theirs
    assert {KEY, "{mail}:throttle", CATALOG} < ours
    assert len(redis.keys()) == len(ours) + len(theirs) + 1  # and the list of stages
    assert {key_slot(stage.services.redis.key("{mail}:throttle").encode()) for stage in stages} == {key_slot(b"mail")}
