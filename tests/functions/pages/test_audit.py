"""Audit on pages: verified part by part, what was stopped, who has keys, what waits for a decision."""

import re
from uuid import UUID, uuid4

import pytest

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.core.events import Arrival
from drumbeat.core.invariants import Invariant
from drumbeat.ingest import parking, parking_sql
from drumbeat.ledger import violations
from drumbeat.ledger.database import Database
from tests.functions.pages.visitor import Visitor
from tests.store.rows import recorded, waiting

OPERATES = ("read", "operate")


def test_who_stopped_what_and_who_let_it_go_on_is_listed_with_why(visitor: Visitor) -> None:
    waiting(visitor.services.db)
    visitor.sign_in("read", "operate")
    visitor.post("/accounts/mail/pause", reason="checking the domain")
    visitor.post("/accounts/mail/resume", reason="it is fine")

    html, table = visitor.get("/audit").html, visitor.get("/audit?format=csv")

    assert html.index("it is fine") < html.index("checking the domain") and "person:ada" in html
    assert table.headers["Content-Type"].startswith("text/csv") and "checking the domain" in table.html
    assert visitor.get("/audit?cursor=x").status == 400


def test_each_invariant_is_shown_and_what_breaks_one_goes_on_with_a_reason(visitor: Visitor) -> None:
    effect, db = waiting(visitor.services.db), visitor.services.db
    visitor.sign_in(*OPERATES)
    whole = visitor.get("/audit").html
    violations.record(db, [violations.Found(Invariant.DUPLICATES, "accepted-twice", effect, facts={"generation": 1})])
    broken = visitor.get("/audit").html

    visitor.post("/go-on", invariant="duplicates", reason="the provider confirmed one mail only")

    assert all(f'id="{each}"' in whole for each in Invariant)
    assert whole.count("holds</i>") == len(Invariant)
    assert "1 found</i>" in broken and "generation 1 was accepted more than once" in broken
    assert f'href="/effects/{effect}"' in broken and 'href="/accounts#mail"' in broken
    assert visitor.get("/audit").html.count("holds</i>") == len(Invariant)
    assert [each["resumed_by"] for each in db.run("SELECT resumed_by FROM violations")] == ["person:ada"]


def test_a_violation_that_a_later_release_found_is_named_all_the_same(visitor: Visitor) -> None:
    effect = waiting(visitor.services.db)
    violations.record(visitor.services.db, [violations.Found(Invariant.JOURNAL_GAPS, "of-a-later-release", effect)])
    visitor.sign_in("read")

    html = visitor.get("/audit").html

    assert "of a later release" in html and 'action="/go-on"' not in html


def test_who_has_keys_is_shown_to_who_may_make_them(visitor: Visitor) -> None:
    access_sql.add(visitor.services.db, "old", "the shop", ["read"], actor="person:bob")
    access_sql.revoke(visitor.services.db, "old", actor="person:cyd")
    visitor.sign_in(*OPERATES)
    operators = visitor.get("/audit").html
    reader = Visitor(visitor.services)
    reader.sign_in("read", id="eve")

    readers = reader.get("/audit").html

    assert "the shop" in operators and "person:bob" in operators and "person:cyd" in operators
    assert "the shop" not in readers and "takes the scope" in readers


def test_the_ledger_is_verified_part_by_part_from_where_it_was_left(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.console.audit.AT_ONCE_SECONDS", -1.0)
    monkeypatch.setattr("drumbeat.audit.verify.__kwdefaults__", {"after": None, "limit": 2})
    for _ in range(5):
        recorded(visitor.services.db)
    visitor.sign_in("read")

    page, pages = visitor.get("/audit/verify"), 1
    while following := re.search(r'<a class="button" href="([^"]+)"', page.html):
        assert "% through" in page.html
        page, pages = visitor.get(following[1].replace("&amp;", "&")), pages + 1

    assert pages > 2
    assert "The whole ledger was verified" in page.html and "<b>5</b><span>events" in page.html


def test_verifying_stops_where_a_promise_is_broken_and_names_it(visitor: Visitor, owner: Database) -> None:
    waiting(visitor.services.db)
    owner.run("UPDATE effects SET status = 'accepted'")
    visitor.sign_in("read")

    html = visitor.get("/audit/verify").html

    assert "its journal says" in html and "<b>0</b><span>broken" not in html


def park(visitor: Visitor, *keys: str) -> list[UUID]:
    """Park events of one caller; return their ids."""
    now = visitor.services.clock.now()
    arrivals = [Arrival(uuid4(), "crm", key, "LEAD_CAPTURE", "api", key.encode(), None, now, b"{}") for key in keys]
    parking.park(arrivals, ApiKey("gone", frozenset()), visitor.services.db)
    return [arrival.id for arrival in arrivals]


def test_what_a_revoked_key_sent_is_decided_about_with_a_reason(visitor: Visitor) -> None:
    one, two = park(visitor, "one", "two")
    visitor.sign_in(*OPERATES)
    shown = visitor.get("/audit").html
    asks = visitor.get("/audit/parked?caller=gone").html

    discarded = visitor.post("/audit/parked", decision="discard", event=str(one), reason="a test")
    released = visitor.post("/audit/parked", decision="release", caller="gone", reason="the shop is ours")

    assert "2 to decide about" in shown and "Decide about 2 parked events" in asks
    assert (discarded.location, released.location) == ("/audit?did=discard#parked", "/audit?did=release#parked")
    assert parking_sql.count(visitor.services.db) == 0
    assert [row["id"] for row in visitor.services.db.run("SELECT id FROM events")] == [two]


def test_a_decision_that_names_nothing_or_too_much_changes_nothing(visitor: Visitor) -> None:
    (one,) = park(visitor, "one")
    visitor.sign_in(*OPERATES)

    answers = [
        visitor.post("/audit/parked", decision="discard", reason="x"),
        visitor.post("/audit/parked", decision="discard", reason="x", event=str(one), caller="gone"),
        visitor.post("/audit/parked", decision="burn", reason="x", caller="gone"),
        visitor.post("/audit/parked", decision="discard", reason=" ", caller="gone"),
    ]

    assert [answer.status for answer in answers] == [400] * 4
    assert parking_sql.count(visitor.services.db) == 1
