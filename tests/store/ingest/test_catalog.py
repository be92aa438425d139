"""The copy of the sources in Redis, when another program's value stands there."""

import pytest
from redis import Redis

from drumbeat.core.errors import Unavailable
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.infrastructure.settings import Settings
from drumbeat.ingest.catalog import KEY, Catalog
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.strange import STRANGE


def catalog(database: Database, valkey: Valkey, lean: LeanRedis) -> Catalog:
    services = Services(Settings.from_env({"DATABASE_URL": database.url, "REDIS_URL": valkey.url}))
    services.db, services.redis = database, lean
    return Catalog(services)


@pytest.mark.point(32)
@pytest.mark.parametrize("kind", STRANGE)
def test_a_value_that_is_not_ours_is_no_source_and_no_crash(
    valkey: Valkey, lean: LeanRedis, redis: Redis, kind: str
) -> None:
    STRANGE[kind](redis, lean.key(KEY))

    with pytest.raises(Unavailable):
        catalog(Database("postgresql://nothing@127.0.0.1:1/ledger"), valkey, lean).sources()


@pytest.mark.parametrize("kind", STRANGE)
def test_it_does_not_keep_the_ledger_from_being_read(
    database: TestDatabase, valkey: Valkey, lean: LeanRedis, redis: Redis, kind: str
) -> None:
    STRANGE[kind](redis, lean.key(KEY))

    assert catalog(database, valkey, lean).sources() == {}
