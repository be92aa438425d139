"""A world with a clock of its own for tests of campaigns."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.faults.clock import EPOCH, STILL, SimulatedClock
from tests.functions.console import build_services, close

NIGHT = datetime(2030, 3, 10, 6, tzinfo=UTC)  # an hour before New York's clocks go forward, from 2:00 to 3:00
SEEDS = (0, *(pytest.param(seed, marks=pytest.mark.proof) for seed in (1, 2)))


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    yield services
    close(services)


@pytest.fixture
def clock(owner: Database, services: Services) -> SimulatedClock:
    """Everybody's clock, an hour before the night on which half past two does not exist."""
    owner.run(STILL)
    clock = SimulatedClock(owner)
    clock.advance((NIGHT - EPOCH).total_seconds())
    services.clock = clock
    return clock
