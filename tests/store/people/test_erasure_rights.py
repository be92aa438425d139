"""What the application's login may erase: what the functions for it erase, and nothing by ways around them."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.people.erasing import OTHER, erased
from tests.store.people.history import said, tell


def test_the_application_can_delete_nothing_but_by_these_functions(database: TestDatabase) -> None:
    for forbidden in (
        "DELETE FROM payloads",
        "DELETE FROM requests",
        "UPDATE contacts SET erased_at = NULL",
        "UPDATE events SET key = ''",
        "SELECT erase_events('{}', '{}')",
        "SELECT forget_lead('')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.run(forbidden)


def test_an_event_from_after_an_erasure_is_not_erased_by_a_row_that_makes_it_older(services: Services) -> None:
    erased(services)
    late = said({"email": OTHER}, key="late", at=datetime.now(UTC) + timedelta(hours=1))
    tell(services, late)

    services.db.run(
        "INSERT INTO event_contacts SELECT key, %s, '-infinity' FROM contacts WHERE suppression_kind = 'erased'",
        (late.id,),
    )

    assert len(services.db.run("SELECT 1 FROM payloads")) == 1


def test_the_application_makes_no_trigger_of_the_owners_functions(database: TestDatabase) -> None:
    database.run("CREATE TEMP TABLE forged (contact bytea, event_id uuid, received_at timestamptz)")
    functions = database.run(
        "SELECT proname AS name FROM pg_proc"
        " WHERE prosecdef AND prorettype = 'trigger'::regtype AND pronamespace = 'public'::regnamespace"
    )

    for name in (row["name"] for row in functions):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.run(
                f"CREATE TRIGGER forged AFTER INSERT ON forged REFERENCING NEW TABLE AS added EXECUTE FUNCTION {name}()"
            )

    assert len(functions) >= 10
