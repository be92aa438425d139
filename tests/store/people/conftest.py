"""A door whose ledger, cache and queues are real, services of configured versions, and people who agreed to a list."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from drumbeat.infrastructure.settings import Settings
from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.people.wishes import Wish, WishKind
from drumbeat.services import Services
from tests.conftest import TestDatabase, url_of
from tests.store.people.history import apply_versions, services_of
from tests.store.rows import waiting

KEY = b"ada"


@pytest.fixture
def door(database: TestDatabase, redis: Redis, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    sqs = Sqs("us-east-1", sqs_endpoint)
    urls = {
        f"{name.upper()}_QUEUE_URL": sqs.call("CreateQueue", QueueName=f"{name}{uuid.uuid4().hex}")["QueueUrl"]
        for name in ("effects", "buffer", "wishes")
    }
    settings = {"DATABASE_URL": database.url, "REDIS_URL": url_of(redis), "DRUMBEAT_SECRET": "for tests"}
    services = Services(Settings.from_env(settings | urls | {"DRUMBEAT_LOCAL": "1"}))
    services.__dict__ |= {"db": database, "sqs": sqs}
    yield Door(services)
    services.redis.close()
    sqs.close()


@pytest.fixture
def services(database: TestDatabase) -> Iterator[Services]:
    """Services over a ledger whose configurations say what becomes of people."""
    services = services_of(database)
    apply_versions(services)
    yield services
    services.db.close()


def mail(db: Database, list: str | None = "news", **changes: Any) -> UUID:
    """Return an effect that mails a person who agreed to `news` and `offers` on the first day."""
    effect = waiting(db, contact=KEY, list=list, **changes)
    db.run(
        "UPDATE contacts SET consents = consents_merged("
        " consent_fact('news', 'given', true, '2026-01-01', '00000000-0000-0000-0000-000000000001'),"
        " consent_fact('offers', 'given', true, '2026-01-01', '00000000-0000-0000-0000-000000000001'))"
        " WHERE key = %s",
        (KEY,),
    )
    return effect


def leaving(effect: UUID, *lists: str | None, at: datetime) -> Wish:
    """Return the wish to leave these lists, or the mail's own: also where it is None among them."""
    return Wish(WishKind.WITHDRAW, effect, uuid.uuid4(), lists or None, at, {"ip": "203.0.113.0"})


def confirming(mail: UUID, *, at: datetime) -> Wish:
    """Return the wish to confirm what this mail asks about."""
    return Wish(WishKind.CONFIRM, mail, uuid.uuid4(), None, at, {"origin": "https://example.com"})


def states(db: Database, key: bytes = KEY) -> dict[str, str]:
    """Return how the person stands to each list."""
    (row,) = db.run(
        "SELECT consent_state(consents, 'news') AS news, consent_state(consents, 'offers') AS offers"
        "  FROM contacts WHERE key = %s",
        (key,),
    )
    return row
