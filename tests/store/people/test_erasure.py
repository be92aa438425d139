"""A person's bytes are erased wherever they lie, and with them the copies that come later; what says nothing stays."""

import hashlib
import json
import threading
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from drumbeat.audit import verify
from drumbeat.core import ids
from drumbeat.core.address import contact_key, keys_of
from drumbeat.core.errors import Invalid, Unavailable
from drumbeat.core.events import Arrival, Event
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql, splits_sql
from drumbeat.delivery.person import person_of
from drumbeat.delivery.requests import freeze
from drumbeat.ingest import parking_sql
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.people import erasure, erasure_sql, suppressions, wishes
from drumbeat.people.wishes import Taken
from drumbeat.planning.plan import NEVER_ENDS, plan
from drumbeat.services import Services
from drumbeat.views import consent_receipt
from tests.conftest import TestDatabase
from tests.store.people.conftest import leaving
from tests.store.people.history import delivered, plan_them, record, said, split, tell, version_of
from tests.store.people.test_any_order import rebuilt
from tests.store.rows import LEASE, as_json, claimed, closing, new_effect, opening

MARK = "zq7mark"
ADDRESS = f"{MARK}@{MARK}.example"
OTHER = "bob@other.example"
LEAD = {"email": ADDRESS, "name": MARK, "plan": "paid"}
QUOTED = f"asked by {ADDRESS} on the phone"
GIVEN = {"list": "news", "kind": "given"}


@pytest.fixture
def key(services: Services) -> bytes:
    return contact_key(services.contact_secret, ADDRESS)


def everything(owner: Database) -> list[str]:
    """Return all rows of all tables, each as one text, and all bytes in them as what they say, compressed or not."""
    shown: list[str] = []
    tables = owner.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    for table in (row["tablename"] for row in tables):
        for row in owner.run(f"SELECT to_jsonb(t) AS columns FROM {table} AS t"):
            shown.append(f"{table}: " + ", ".join(f"{name} {_read(value)}" for name, value in row["columns"].items()))
    return shown


def _read(value: object) -> str:
    """Return a value as text; bytes come as hex."""
    if not isinstance(value, str) or not value.startswith("\\x"):
        return json.dumps(value)
    raw = bytes.fromhex(value[2:])
    try:
        return zlib.decompress(raw).decode(errors="replace")
    except zlib.error:
        return raw.decode(errors="replace")


def marks(owner: Database) -> list[str]:
    """Return the rows in which something of the person is left."""
    return [row for row in everything(owner) if MARK in row]


def erased(services: Services, address: str = ADDRESS) -> erasure.Erased:
    return erasure.erase(address, actor="person:test", services=services)


def effect_of(event: Event, step: str = "hello", **changes: Any) -> plans_sql.NewEffect:
    return new_effect(event.id, step, id=ids.effect_id(event.id, "welcome", step, ADDRESS), **changes)


def with_effects(services: Services, event: Event, *effects: plans_sql.NewEffect) -> None:
    """Record an event and its plan, with these effects."""
    record(services.db, [event])
    plan_now(services, event, *effects)


def plan_now(services: Services, event: Event, *effects: plans_sql.NewEffect) -> list[Any]:
    made = plan(event, services.configuration(version_of(event)))
    person = person_of(event, made, services)
    new = plans_sql.NewPlan(event.id, made.version, made.hash, {}, None, made.semantics, person)
    return plans_sql.record(services.db, [new], effects, LEASE)


def sent(services: Services, effect: UUID, to: Status = Status.ACCEPTED) -> None:
    """Send an effect, and let its call end so; `sending`: leave it open."""
    frozen, digest = freeze(Request("POST", "https://mail.example", {}, as_json(LEAD)))
    one = claimed(services.db, effect)
    attempts_sql.open_attempts(services.db, [opening(one, frozen=frozen, request_hash=digest)])
    if to is not Status.SENDING:
        kind = {Status.ACCEPTED: "accepted", Status.UNKNOWN: "unknown"}[to]
        attempts_sql.close_attempts(services.db, [closing(one, kind, to)])


def statuses(db: Database, event: UUID) -> dict[str, tuple[str, str | None, bool | None]]:
    rows = db.run("SELECT step, status, reason_code, maybe_sent FROM effects WHERE event_id = %s", (event,))
    return {row["step"]: (row["status"], row["reason_code"], row["maybe_sent"]) for row in rows}


def copy_of(event: Event, **changes: Any) -> Arrival:
    body = changes.pop("body", event.body)
    values = {name: getattr(event, name) for name in ("id", "source", "key", "type", "door", "received_at")}
    return Arrival(**values | changes, fingerprint=hashlib.sha256(body).digest(), scheduled_at=None, body=body)


# ---------------------------------------------------------------- what goes, and what stays


def test_nothing_of_the_person_is_left_in_any_table(services: Services, owner: Database, key: bytes) -> None:
    event = said(LEAD, key=ADDRESS, consent=[GIVEN], evidence={"form": MARK})
    refused, waiting, other = effect_of(event, "refused"), effect_of(event, "waiting"), effect_of(event, "other")
    with_effects(services, event, refused, waiting, other)
    frozen, digest = freeze(Request("POST", "https://x.example", {}, as_json(LEAD)))
    quoted = Reason(ReasonCode.REFUSED_BY_PROVIDER, QUOTED)
    one = claimed(services.db, refused.id)
    attempts_sql.open_attempts(services.db, [opening(one, frozen=frozen, request_hash=digest)])
    attempts_sql.close_attempts(
        services.db, [closing(one, "refused", Status.REFUSED, reason=quoted, learned=quoted, reference=ADDRESS)]
    )
    ingest_sql.keep_conflicts(services.db, [copy_of(event, body=as_json({"payload": LEAD, "again": 1}))])
    parking_sql.park(services.db, [copy_of(said(LEAD, key=f"parked {ADDRESS}"))], caller="shop")
    suppressions.suppress(ADDRESS, reason=QUOTED, actor="test", services=services)
    services.db.run(
        "INSERT INTO dismissals (event_id, n, actor, reason, conflicts, flows, outcome)"
        " VALUES (%s, 1, 'test', %s, 0, '{}', 0)",
        (event.id, QUOTED),
    )
    owner.run("UPDATE plans SET failed = %s", (json.dumps({"welcome": QUOTED}),))
    assert {row.partition(":")[0] for row in marks(owner)} == {
        "conflicts", "dismissals", "effects", "events", "journal", "leads", "outcomes", "parked", "payloads", "plans",
        "requests", "suppressions", "contacts",
    }  # fmt: skip

    done = erased(services)

    assert (done.events, done.copies, done.next) == (1, 2, None)
    assert marks(owner) == []
    kept = services.db.run("SELECT suppression_kind, suppression_reason, erased_at > received_at AS later FROM contacts"
                           " JOIN event_contacts ON contact = key")  # fmt: skip
    assert kept == [{"suppression_kind": "erased", "suppression_reason": "erased", "later": True}]
    assert [row["reason"] for row in services.db.run("SELECT reason FROM suppressions ORDER BY seq")] == [
        "asked by [address] on the phone",
        "erased",
    ]
    assert services.db.run("SELECT list, kind FROM consents WHERE contact = %s", (key,)) == [
        {"list": "news", "kind": "given"}
    ]


def test_the_events_of_others_stay_to_the_byte(services: Services, owner: Database) -> None:
    mine, theirs = said(LEAD, key="a"), said({"email": OTHER, "name": "Bob"}, key="b", consent=[GIVEN])
    effect = new_effect(theirs.id)
    with_effects(services, theirs, effect)
    sent(services, effect.id)
    tell(services, mine)
    about = (OTHER, str(theirs.id), str(effect.id))
    before = [row for row in everything(owner) if any(name in row for name in about)]

    erased(services)

    assert len(before) > 8
    assert [row for row in everything(owner) if any(name in row for name in about)] == before


def test_of_a_delivery_about_many_the_whole_goes_and_the_parts_of_others_stay(
    services: Services, owner: Database
) -> None:
    people = [LEAD, {"email": OTHER, "name": "Bob"}]
    facts = split(services, [delivered(*people, key="d")])
    plan_them(services, facts)

    erased(services)

    assert marks(owner) == []
    left = services.db.run("SELECT body FROM payloads")
    assert [json.loads(row["body"])["email"] for row in left] == [OTHER]
    assert services.db.run("SELECT pruned_at IS NOT NULL AS pruned FROM deliveries") == [{"pruned": True}]


def test_what_waits_ends_and_what_is_on_its_way_is_left_to_its_worker(services: Services) -> None:
    event = said(LEAD, key="a")
    steps = {name: effect_of(event, name) for name in ("accepted", "waiting", "claimed", "held", "sending", "unknown")}
    steps["after"] = effect_of(event, "after", after=steps["waiting"].id)
    steps["waiting"] = effect_of(event, "waiting", dependents=(steps["after"].id,))
    with_effects(services, event, *steps.values())
    for name, to in (("accepted", Status.ACCEPTED), ("sending", Status.SENDING), ("unknown", Status.UNKNOWN)):
        sent(services, steps[name].id, to)
    unfit = Reason(ReasonCode.NOT_RENDERED, "no name")
    attempts_sql.open_attempts(services.db, [opening(claimed(services.db, steps["held"].id), "held", reason=unfit)])
    taken = claimed(services.db, steps["claimed"].id)

    erased(services)

    ended = ("cancelled", "erased", False)
    assert statuses(services.db, event.id) == {
        "accepted": ("accepted", None, None),
        "waiting": ended,
        "after": ended,
        "claimed": ended,
        "held": ended,
        "sending": ("sending", None, None),
        "unknown": ("unknown", None, None),
    }
    frozen, digest = freeze(Request("POST", "https://mail.example", {}, as_json(LEAD)))
    opened = attempts_sql.open_attempts(services.db, [opening(taken, frozen=frozen, request_hash=digest)])
    assert (opened, services.db.run("SELECT 1 FROM requests")) == ({}, [])  # its worker had the body in its hands
    assert verify(services).items == []


def test_the_ledger_keeps_its_promises_afterwards_and_the_views_are_what_the_log_gives(services: Services) -> None:
    tell(services, said(LEAD, key="a", consent=[GIVEN]), said({"email": OTHER}, key="b"))
    plan_them(services, split(services, [delivered(LEAD, {"email": OTHER}, key="d")]))

    erased(services)

    assert verify(services).items == []
    assert [item for chunk in rebuilt(services) for item in chunk.items] == []
    assert [item for chunk in rebuilt(services, check=False) for item in chunk.items] == []
    assert services.db.run("SELECT address ->> 'v' AS address FROM leads") == [{"address": OTHER}]


def test_an_erasure_goes_on_where_it_was_cut_and_is_harmless_twice(
    services: Services, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.people.erasure.EVENTS_AT_ONCE", 2)
    monkeypatch.setattr("drumbeat.people.erasure.SECONDS_AT_ONCE", -1.0)
    tell(services, *(said(LEAD, key=str(n)) for n in range(5)))

    first = erased(services)
    assert (first.events, first.next is None, len(marks(owner)) > 0) == (2, False, True)
    second = erasure.erase(ADDRESS, actor="person:test", services=services, after=first.next)
    third = erasure.erase(ADDRESS, actor="person:test", services=services, after=second.next)

    assert (second.events, third.events, third.next, marks(owner)) == (2, 1, None, [])
    erased(services)
    assert services.db.run("SELECT reason, lifted FROM suppressions") == [{"reason": "erased", "lifted": False}]


def test_an_address_that_nothing_names_is_barred_as_well(services: Services, key: bytes) -> None:
    assert erased(services).events == 0

    assert services.db.run("SELECT suppression_kind FROM contacts WHERE key = %s", (key,)) == [
        {"suppression_kind": "erased"}
    ]


def test_it_is_said_before_what_would_go(services: Services) -> None:
    event = said(LEAD, key="a")
    done, waits = effect_of(event, "done"), effect_of(event, "waits")
    with_effects(services, event, done, waits)
    sent(services, done.id)

    before = erasure.preview(ADDRESS, services)
    erased(services)
    after = erasure.preview(ADDRESS, services)

    assert (before.events, before.requests, before.unfinished, before.lead, before.erased_at) == (1, 1, 1, True, None)
    assert (after.events, after.requests, after.unfinished, after.lead) == (0, 0, 0, False)
    assert after.erased_at is not None


# ---------------------------------------------------------------- whom it does not touch


def test_an_address_of_the_configuration_is_refused(services: Services, owner: Database) -> None:
    with pytest.raises(Invalid, match="configuration"):  # its sender
        erased(services, "Ada@example.com")

    assert erased(services, "da@example.com").events == 0  # a part of it is another address
    assert services.db.run("SELECT count(*) AS people FROM contacts") == [{"people": 1}]


@pytest.mark.parametrize("address", ["no address", "a@b@c.example"])
def test_what_is_no_address_is_refused(services: Services, address: str) -> None:
    with pytest.raises(Invalid, match="nothing was changed"):
        erased(services, address)


def test_another_person_whose_address_the_first_reading_took_for_this_one_keeps_theirs(services: Services) -> None:
    tell(services, said({"email": "ada@fass.example", "name": "another"}, key="a"))
    tell(services, said({"email": "ada@faß.example", "name": MARK}, key="b"))

    done = erased(services, "ada@faß.example")

    (left,) = services.db.run("SELECT body FROM payloads")
    assert (done.events, json.loads(left["body"])["payload"]["name"]) == (1, "another")
    assert services.db.run("SELECT attributes -> 'name' ->> 'v' AS name FROM leads") == [{"name": "another"}]


def test_the_suppression_stays_for_ever(services: Services) -> None:
    erased(services)

    with pytest.raises(Invalid, match="for ever"):
        suppressions.lift(ADDRESS, reason="they came back", actor="test", services=services)

    assert suppressions.check(ADDRESS, services).suppressed


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


# ---------------------------------------------------------------- its rights and its price


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


def test_a_key_of_an_erased_event_is_the_same_in_both_languages(database: TestDatabase) -> None:
    event = uuid.uuid4()

    assert database.run("SELECT erased_key(%s) AS key", (event,)) == [{"key": ids.erased_key(event)}]


def test_nothing_of_a_large_ledger_is_read_in_full(services: Services, owner: Database) -> None:
    tell(
        services,
        *(said({"email": f"p{n}@other.example"}, key=str(n)) for n in range(300)),
        said(LEAD, key="a", consent=[GIVEN]),
    )
    owner.run("ANALYZE")
    read = "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0"
    large = {"events", "payloads", "plans", "effects", "journal", "requests", "attempts", "outcomes", "contacts"}
    large |= {"event_contacts", "leads", "consents", "conflicts", "deliveries"}
    keys = keys_of(services.contact_secret, ADDRESS)

    with services.db.transaction():
        services.db.run("SET LOCAL enable_seqscan = off")  # so few rows are cheaper to read in full
        erasure_sql.held(services.db, keys)
        erasure_sql.bar(services.db, keys, actor="person:test")
        erasure_sql.erase(services.db, keys, after=erasure_sql.START, most=10)
        consent_receipt.receipt(services.db, keys=keys.known, reading=lambda *_: None)
        found = {row["relname"] for row in services.db.run(read)}

    assert found & large == set()
