"""Services over a ledger whose configurations say what becomes of people."""

from collections.abc import Iterator

import pytest

from drumbeat.infrastructure.settings import Settings
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.people.history import apply_versions


def services_of(database: TestDatabase) -> Services:
    """Return services that know the ledger alone."""
    environment = {"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "for tests"}
    return Services(Settings.from_env(environment))


@pytest.fixture
def services(database: TestDatabase) -> Iterator[Services]:
    services = services_of(database)
    apply_versions(services)
    yield services
    services.db.close()
