"""What could not be planned is summarised by cause."""

from datetime import timedelta
from uuid import UUID

from drumbeat import views
from drumbeat.delivery import plans_sql
from drumbeat.ledger.database import Database
from drumbeat.operations import dismissals_sql
from tests.store.rows import LEASE, configured, recorded, unplannable


def summary(db: Database) -> list[tuple[str, str, int]]:
    return [(each.flow, each.reason, each.events) for each in views.unplannable(db)]


def of(db: Database, *reasons: str) -> list[UUID]:
    """Record events, and for each why its flow could not be planned."""
    events = [recorded(db) for _ in reasons]
    for event, reason in zip(events, reasons, strict=True):
        unplannable(db, event, reason)
    return events


def test_it_is_counted_by_flow_and_reason_the_commonest_first(database: Database) -> None:
    events = of(database, "no name", "no address", "no address")
    unplannable(database, recorded(database), "no address", flow="welcome")

    assert summary(database) == [("offer", "no address", 2), ("offer", "no name", 1), ("welcome", "no address", 1)]
    assert views.unplannable(database)[0].example == min(events[1:], key=str)


def test_what_a_later_version_planned_or_a_person_dismissed_is_no_part_of_it(database: Database) -> None:
    first, second, _ = of(database, "no name", "no address", "no text")
    configured(database, 2)
    plans_sql.record(database, [plans_sql.NewPlan(first, 2, b"hash", {}, "offer")], [], LEASE)
    dismissals_sql.dismiss(database, second, reason="a test", actor="person:ada")

    assert summary(database) == [("offer", "no text", 1)]


def test_it_is_of_the_last_24_hours(database: Database, owner: Database) -> None:
    old, _ = of(database, "no name", "no address")
    owner.run("UPDATE events SET received_at = received_at - interval '25 hours' WHERE id = %s", (old,))

    assert summary(database) == [("offer", "no address", 1)]
    assert len(views.unplannable(database, timedelta(hours=26))) == 2
