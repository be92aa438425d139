"""The ledger over which the console is measured is one that the product could have written."""

from collections.abc import Iterator

import pytest

from bench import history
from drumbeat.audit import verify
from drumbeat.audit.violations import Violation
from drumbeat.infrastructure.settings import Settings
from drumbeat.ledger.database import Database
from drumbeat.services import Services
from drumbeat.views.hours import hourly
from tests.conftest import TestDatabase
from tests.store.views.test_hours import JOURNAL

EVENTS = 1_200


@pytest.fixture
def services(database: TestDatabase, owner: Database) -> Iterator[Services]:
    services = Services(
        Settings.from_env({"DRUMBEAT_LOCAL": "1", "DATABASE_URL": database.url, "DRUMBEAT_SECRET": "history"})
    )
    history.fill(owner, services.contact_secret, events=EVENTS)
    yield services
    services.db.close()


def found(services: Services) -> tuple[list[Violation], int]:
    items, events, after = [], 0, None
    while True:
        chunk = verify(services, after=after)
        items += chunk.items
        events += chunk.checked.events
        if (after := chunk.next) is None:
            return items, events


def test_verify_finds_it_in_order_and_its_hours_are_those_of_the_journal(services: Services, owner: Database) -> None:
    assert found(services) == ([], EVENTS)
    kinds = {row["type"]: row["n"] for row in owner.run("SELECT type, count(*) AS n FROM events GROUP BY 1")}
    assert kinds.keys() == {"LEAD_CAPTURE", "FEEDBACK", "CONTENT_PUBLISH", "CAMPAIGN_TRIGGER"}
    since, until = owner.run("SELECT min(at) AS since, max(at) AS until FROM journal")[0].values()
    assert [(each.hour, each.account, each.accepted, each.attempts) for each in hourly(owner, since, until)] == [
        (row["hour"], row["account"], row["accepted"], row["attempts"]) for row in owner.run(JOURNAL)
    ]

    owner.run("SET session_replication_role = replica")
    owner.run("UPDATE effects SET contact = (SELECT max(key) FROM contacts) WHERE step = 'hello'")
    assert {item.kind for item in found(services)[0]} >= {"effect-other"}
