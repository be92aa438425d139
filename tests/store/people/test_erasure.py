"""A person's bytes are erased wherever they lie, and with them the copies that come later; what says nothing stays."""

import json
import uuid

import pytest

from drumbeat.audit import verify
from drumbeat.core import ids
from drumbeat.core.address import contact_key, keys_of
from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ingest import parking_sql
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger.database import Database
from drumbeat.people import erasure, erasure_sql, suppressions
from drumbeat.services import Services
from drumbeat.views import consent_receipt
from tests.conftest import TestDatabase
from tests.store.people.erasing import (
    ADDRESS,
    GIVEN,
    LEAD,
    MARK,
    OTHER,
    QUOTED,
    copy_of,
    effect_of,
    erased,
    everything,
    marks,
    sent,
    statuses,
    with_effects,
)
from tests.store.people.history import delivered, plan_them, said, split, tell
from tests.store.people.test_any_order import rebuilt
from tests.store.rows import as_json, claimed, closing, new_effect, opening


@pytest.fixture
def key(services: Services) -> bytes:
    return contact_key(services.contact_secret, ADDRESS)


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


# ---------------------------------------------------------------- its price


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
        erasure_sql.erase(services.db, keys, after=erasure_sql.START, last=None, most=10)
        consent_receipt.receipt(services.db, keys=keys.known, reading=lambda *_: None)
        found = {row["relname"] for row in services.db.run(read)}

    assert found & large == set()
