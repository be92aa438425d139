"""The release before lifts suppressions beside this one: what it knows nothing of holds all the same."""

from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID

import pytest

from drumbeat.audit import verify
from drumbeat.core.address import Keys, contact_key, keys_of
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger.database import Database
from drumbeat.people import sql as people_sql
from drumbeat.people import suppressions
from drumbeat.services import Services
from tests.releases import before
from tests.store.people.erasing import ADDRESS, erased
from tests.store.reports import report, reported, tell
from tests.store.rows import closing, sending

ADA = b"ada"


@pytest.fixture
def their_sql() -> ModuleType:
    return before.module("drumbeat.people.sql")


def lifted(their_sql: ModuleType, db: Database, key: bytes) -> bool:
    """Lift a suppression as the release before does; return whether that changed anything."""
    return bool(their_sql.change(db, key, None, reason="asked again", actor="person:test", lifted=True))


def sent(db: Database) -> UUID:
    """Return an effect whose mail was accepted."""
    effect = sending(db, contact=ADA)
    attempts_sql.close_attempts(db, [closing(effect, "accepted", Status.ACCEPTED)])
    return effect.id


def test_it_lifts_no_erased_person_and_appends_none(services: Services, their_sql: ModuleType) -> None:
    erased(services)

    changed = lifted(their_sql, services.db, contact_key(services.contact_secret, ADDRESS))

    assert not changed
    assert suppressions.check(ADDRESS, services).entries[0].reason == "erased"
    assert services.db.run("SELECT reason, lifted FROM suppressions") == [{"reason": "erased", "lifted": False}]
    assert verify(services).items == []


def test_no_update_gives_an_erased_person_another_reason(services: Services) -> None:
    erased(services)
    key = contact_key(services.contact_secret, ADDRESS)

    services.db.run(
        "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'x', suppression_kind = 'manual',"
        " confirmations = '{\"news\": []}' WHERE key = %s",
        (key,),
    )

    assert services.db.run("SELECT suppression_reason, suppression_kind, confirmations FROM contacts") == [
        {"suppression_reason": "erased", "suppression_kind": "erased", "confirmations": {"news": []}}
    ]


def test_a_bounce_that_it_lifted_counts_no_more(services: Services, their_sql: ModuleType) -> None:
    db = services.db
    first, second = sent(db), sent(db)
    tell(db, report("bounced", first), report("complained", first))

    changed = lifted(their_sql, db, ADA)
    tell(db, report("delivered", second, hour=1))
    after = reported(db, ADA)
    tell(db, report("bounced", second, at=datetime.now(UTC), name="again"))

    assert changed
    assert (after["suppressed_at"], after["suppression_kind"], after["complained_at"]) == (None, None, None)
    assert reported(db, ADA)["suppression_kind"] == "bounce"
    assert [item.kind for item in verify(services).items if item.kind == "reports-fold"] == []


def test_a_word_that_it_lifted_does_not_give_way_to_an_old_bounce(services: Services, their_sql: ModuleType) -> None:
    db = services.db
    first, second = sent(db), sent(db)
    tell(db, report("bounced", first))
    assert people_sql.change(db, Keys(ADA, None), reason="asked", actor="person:test", lifted=False)

    lifted(their_sql, db, ADA)
    tell(db, report("delivered", second, hour=1))

    assert reported(db, ADA)["suppressed_at"] is None


def test_a_suppression_of_a_person_who_was_erased_by_both_keys_stays_by_both(
    services: Services, their_sql: ModuleType
) -> None:
    erased(services, "ada@faß.example")
    keys = keys_of(services.contact_secret, "ada@faß.example")

    changed = their_sql.change(
        services.db, keys.today, keys.former, reason="asked again", actor="person:test", lifted=True
    )

    assert not changed
    assert services.db.run("SELECT suppression_kind FROM contacts WHERE suppressed_at IS NOT NULL") == [
        {"suppression_kind": "erased"},
        {"suppression_kind": "erased"},
    ]
