"""What people wrote as a reason stays, and says no address of a person who was erased."""

import psycopg
import pytest

from drumbeat.core.invariants import Invariant
from drumbeat.ingest import parking, parking_sql
from drumbeat.ledger import stops, violations
from drumbeat.ledger.database import Database
from drumbeat.ledger.violations import Found
from drumbeat.services import Services
from tests.store.people.erasing import OTHER, QUOTED, copy_of, erased, marks
from tests.store.people.history import said
from tests.store.rows import waiting

PERSON = "person:ada"
KEPT = "asked by [address] on the phone"


def everything_is_decided_about(services: Services) -> None:
    """Let a person write an address wherever a reason is asked for."""
    db = services.db
    parking_sql.park(db, [copy_of(said({"email": OTHER}, key="order"))], caller="shop")
    parking.discard(parking_sql.Choice(caller="shop"), reason=QUOTED, actor=PERSON, services=services)
    violations.record(db, [Found(Invariant.DUPLICATES, "accepted-twice", waiting(db), "1", {"generation": 1})])
    violations.resume(db, Invariant.DUPLICATES, actor=PERSON, reason=QUOTED)
    stops.stop(db, "crm", reason=QUOTED, actor=PERSON)
    stops.lift(db, "crm", reason=QUOTED, actor=PERSON)
    stops.stop(db, "mail", reason="moving house", actor=PERSON)
    stops.stop(db, None, reason=QUOTED, actor=PERSON)


def test_it_is_kept_without_addresses(services: Services, owner: Database) -> None:
    everything_is_decided_about(services)
    before = {row.partition(":")[0] for row in marks(owner)}

    erased(services)

    assert before == {"gate", "parked", "stop_journal", "violations"}
    assert marks(owner) == []
    assert [(each.account, each.reason, each.actor) for each in stops.in_force(services.db)] == [
        ("mail", "moving house", PERSON),
        (None, KEPT, PERSON),
    ]
    assert owner.run("SELECT reason FROM stop_journal ORDER BY id") == [
        {"reason": reason} for reason in (KEPT, KEPT, "moving house", KEPT)
    ]
    assert (
        owner.run("SELECT reason FROM parked UNION ALL SELECT resume_reason FROM violations") == [{"reason": KEPT}] * 2
    )


def test_what_holds_no_address_is_not_written_again(services: Services, owner: Database) -> None:
    stops.stop(services.db, None, reason="50% off was wrong", actor=PERSON)
    places = "SELECT xmin::text FROM gate UNION ALL SELECT xmin::text FROM stop_journal"
    before = owner.run(places)

    erased(services)

    assert owner.run(places) == before


@pytest.mark.parametrize(
    "changed",
    [
        "parked SET reason = 'another'",
        "parked SET decided_by = 'person:bob'",
        "violations SET resume_reason = 'another'",
        "violations SET resumed_by = 'person:bob'",
    ],
)
def test_who_decided_and_why_stays_otherwise_as_it_was(services: Services, owner: Database, changed: str) -> None:
    everything_is_decided_about(services)

    with pytest.raises(psycopg.Error, match=r"for good|not changed any more"):
        owner.run(f"UPDATE {changed}")
