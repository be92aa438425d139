"""What was received of a person before they were erased, and comes later, is erased as it comes."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from drumbeat.audit import verify
from drumbeat.core import ids
from drumbeat.core.address import contact_key, keys_of
from drumbeat.core.errors import Unavailable
from drumbeat.core.events import Reported
from drumbeat.core.feedback import Kind, Report
from drumbeat.delivery import plans_sql, splits_sql
from drumbeat.ingest import feedback_sql, parking_sql
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.people import suppressions, wishes
from drumbeat.people.wishes import Taken
from drumbeat.planning.plan import NEVER_ENDS, plan
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.store.people.conftest import leaving
from tests.store.people.erasing import (
    ADDRESS,
    GIVEN,
    LEAD,
    MARK,
    OTHER,
    copy_of,
    effect_of,
    erased,
    everything,
    marks,
    plan_now,
    sent,
    statuses,
    with_effects,
)
from tests.store.people.history import delivered, plan_them, record, said, split, tell, version_of
from tests.store.people.test_any_order import rebuilt
from tests.store.rows import LEASE, as_json


@pytest.fixture
def key(services: Services) -> bytes:
    return contact_key(services.contact_secret, ADDRESS)


# ---------------------------------------------------------------- copies that come later


def test_a_body_that_comes_for_an_erased_event_is_not_kept(services: Services, owner: Database) -> None:
    event = said(LEAD, key="a")
    tell(services, event)
    erased(services)

    again = ingest_sql.record_all(services.db, [copy_of(event)])
    another = copy_of(event, body=as_json({"payload": LEAD, "again": 1}))
    kept = ingest_sql.keep_conflicts(services.db, [another]), parking_sql.park(services.db, [another], caller="shop")

    assert (again[event.id].inserted, kept, marks(owner)) == (False, (0, 0), [])


def test_an_event_from_before_is_erased_with_its_plan_and_one_from_after_is_a_new_fact(
    services: Services, owner: Database
) -> None:
    early = said(LEAD, key="early", consent=[GIVEN])
    late = said({"email": ADDRESS, "seats": 3}, key="late", at=datetime.now(UTC) + timedelta(hours=1))
    erased(services)
    record(services.db, [early])

    new = plan_now(services, early, effect_of(early, claim=True))

    assert len(new) == 1
    assert statuses(services.db, early.id) == {"hello": ("cancelled", "erased", False)}
    assert (marks(owner), services.db.run("SELECT 1 FROM leads")) == ([], [])
    tell(services, late)
    (lead,) = services.db.run("SELECT attributes FROM leads")
    assert list(lead["attributes"]) == ["seats"]
    assert suppressions.check(ADDRESS, services).suppressed
    assert verify(services).items == []


def test_a_lead_of_after_takes_nothing_from_before(services: Services) -> None:
    after = datetime.now(UTC) + timedelta(hours=1)
    erased(services)
    tell(services, said({"email": ADDRESS, "seats": 3}, key="late", at=after))

    tell(services, said(LEAD, key="early"))

    assert services.db.run("SELECT attributes ?| '{name,plan}' AS old, since FROM leads") == [
        {"old": False, "since": after}
    ]
    assert [item for chunk in rebuilt(services) for item in chunk.items] == []


def test_what_was_parked_is_erased_when_it_is_released(services: Services, owner: Database) -> None:
    early = said(LEAD, key="early")
    erased(services)
    parking_sql.park(services.db, [copy_of(early)], caller="shop")
    (released,) = parking_sql.release(services.db, [early.id], reason="theirs", actor="test")

    plan_them(services, [early])

    assert (released, marks(owner)) == (early.id, [])


def test_a_delivery_with_an_erased_fact_that_is_split_later_keeps_no_bytes(services: Services, owner: Database) -> None:
    plan_them(services, split(services, [delivered(LEAD, {"email": OTHER}, key="first")]))
    erased(services)
    again = delivered(LEAD, {"email": OTHER}, key="second")
    (fact, _) = services.db.run("SELECT id FROM events WHERE delivery IS NOT NULL ORDER BY key")
    record(services.db, [again])

    made = plan(again, services.configuration(version_of(again)))
    new = plans_sql.NewPlan(again.id, made.version, made.hash, {}, None, made.semantics)
    facts = [one if n else type(one)(fact["id"], one.key, one.body) for n, one in enumerate(made.facts)]
    splits_sql.record(services.db, [splits_sql.Split(new, facts)])

    assert services.db.run("SELECT 1 FROM payloads WHERE event_id = %s", (again.id,)) == []


def test_a_wish_from_before_still_withdraws_and_leaves_nothing(
    services: Services, door: Door, key: bytes, owner: Database
) -> None:
    event = said(LEAD, key="a", consent=[GIVEN])
    effect = effect_of(event, contact=key, list="news")
    with_effects(services, event, effect)
    wish = leaving(effect.id, at=datetime.now(UTC) - timedelta(minutes=1))
    erased(services)

    assert wishes.record(wish, door, waited=True) is Taken.RECORDED

    withdrawal = ids.event_id(wishes.UNSUBSCRIBE_SOURCE, str(wish.id))
    assert services.db.run("SELECT consent_state(consents, 'news') AS news FROM contacts WHERE key = %s", (key,)) == [
        {"news": "withdrawn"}
    ]
    assert services.db.run("SELECT 1 FROM payloads WHERE event_id = %s", (withdrawal,)) == []
    assert [row for row in everything(owner) if "203.0.113.0" in row] == []


def test_what_a_provider_reports_later_of_an_erased_mail_says_nothing_of_the_person(
    services: Services, key: bytes, owner: Database
) -> None:
    event = said(LEAD, key="a")
    mail = effect_of(event, contact=key)
    with_effects(services, event, mail)
    sent(services, mail.id)
    erased(services)
    later = datetime.now(UTC) + timedelta(hours=1)
    report = Report("r1", Kind.BOUNCED, "hard", later, f"{mail.id}-1", said=f"{MARK} is not known")
    bounce = copy_of(said({"to": ADDRESS}, key="r", source="reports", type="FEEDBACK", door="webhook", at=later))

    feedback_sql.record_all(services.db, [replace(bounce, reported=Reported("mail", report))], caller=None)

    assert services.db.run("SELECT kind, said FROM feedback") == [{"kind": "bounced", "said": ""}]
    assert marks(owner) == []
    assert suppressions.check(ADDRESS, services).entries[0].reason == "erased"


def test_an_event_that_was_given_up_is_found_by_its_body(services: Services, owner: Database) -> None:
    event = said(LEAD, key="a")
    record(services.db, [event])
    plans_sql.record(services.db, [plans_sql.NewPlan(event.id, 1, b"", {"welcome": NEVER_ENDS})], [], LEASE)

    erased(services)

    assert marks(owner) == []


def test_a_flow_planned_again_by_a_worker_that_had_the_body_ends_as_well(services: Services) -> None:
    event = said(LEAD, key="a")
    tell(services, event)
    erased(services)

    again = plans_sql.NewPlan(event.id, 2, b"again", {}, "welcome")
    plans_sql.record(services.db, [again], [effect_of(event, version=2, claim=True)], LEASE)

    assert statuses(services.db, event.id) == {"hello": ("cancelled", "erased", False)}


def test_a_plan_that_is_being_recorded_while_its_person_is_erased_is_before_or_after_it(
    services: Services, database: TestDatabase, owner: Database
) -> None:
    tell(services, said(LEAD, key="known"))
    early = said(LEAD, key="early")
    record(services.db, [early])
    keys = keys_of(services.contact_secret, ADDRESS)

    with psycopg.connect(database.url) as barring:
        barring.execute("SELECT bar_person(%s, %s, 'person:test')", (keys.today, keys.former))
        planning = threading.Thread(target=plan_now, args=(services, early, effect_of(early)))
        planning.start()
        while not owner.run("SELECT 1 FROM pg_locks WHERE NOT granted"):  # the plan has read the contact, and waits
            pass
        barring.commit()
        planning.join()

    assert statuses(services.db, early.id) == {"hello": ("cancelled", "erased", False)}
    assert services.db.run("SELECT 1 FROM payloads WHERE event_id = %s", (early.id,)) == []


def test_what_others_hold_too_long_is_said_and_nothing_is_lost(services: Services, database: TestDatabase) -> None:
    tell(services, said(LEAD, key="a"))
    services.db.run("SET lock_timeout = '10ms'")

    with psycopg.connect(database.admin_url) as holding:
        holding.execute("SELECT FROM contacts FOR UPDATE")
        with pytest.raises(Unavailable, match="again"):
            erased(services)

    assert erased(services).events == 1
