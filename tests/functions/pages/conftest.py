from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.functions.console import build_services, close
from tests.functions.pages.visitor import Visitor


@pytest.fixture
def visitor(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Visitor]:
    """A browser that has not signed in."""
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield Visitor(services)
    close(services)
