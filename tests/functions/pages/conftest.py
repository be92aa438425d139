from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.configuration.document import compile_document
from drumbeat.ledger import configs
from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.functions.console import build_services, close
from tests.functions.pages.visitor import Visitor
from tests.store.delivery.workers import DOCUMENT


@pytest.fixture
def visitor(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Visitor]:
    """A browser that has not signed in."""
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    compiled = compile_document(DOCUMENT, {})
    configs.insert(services.db, hash=b"1", document="", templates={}, compiled=compiled, identities={}, actor="test")
    yield Visitor(services)
    close(services)
