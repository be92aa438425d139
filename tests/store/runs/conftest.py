"""A campaign with an audience on a real ledger and a real Valkey; its provider answers as a test says."""

from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.local.servers import Valkey
from tests.conftest import TestDatabase
from tests.store.runs.stage import Stage


@pytest.fixture
def stage(database: TestDatabase, redis: "Redis", valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("MAIL_KEY", "secret")
    with Stage.on(database, valkey) as stage:
        yield stage
