"""Bodies that could not be read or mapped name no one in the ledger; an erasure looks into them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumbeat.core.events import Event
from drumbeat.core.ids import event_id
from drumbeat.ledger.database import Database
from drumbeat.people import erasure, erasure_sql
from drumbeat.planning.plan import NEVER_ENDS
from drumbeat.services import Services
from tests.store.people.erasing import ADDRESS, LEAD, MARK, OTHER, erased, marks
from tests.store.people.history import plan_them, record, said, tell
from tests.store.people.test_any_order import rebuilt


def unread(body: bytes, *, key: str = "u", **changes: Any) -> Event:
    """Return an event whose body is exactly this."""
    event = said({}, key=key, source="reports", type="FEEDBACK", door="webhook")
    return replace(event, body=body, **changes)


def plan_without_people(services: Services, *events: Event, failed: str = "{}") -> None:
    """Record events and plans that name no one, as where a body cannot be read."""
    record(services.db, events)
    services.db.run(
        "INSERT INTO plans (event_id, version, hash, failed, semantics)"
        " SELECT id, 1, '', %s, 4 FROM unnest(%s::uuid[]) AS id",
        (failed, [event.id for event in events]),
    )


UNREAD = {
    "no JSON": f"delivered to {ADDRESS} at nine".encode(),
    "a form": f"event=bounced&to={MARK}%40{MARK}.example".encode(),
    "a report without a kind": json.dumps({"event": "?", "recipient": ADDRESS}).encode(),
    "too many reports": json.dumps([{"n": n} for n in range(2000)] + [{"recipient": ADDRESS}]).encode(),
    "a link": json.dumps({"url": f"https://x.example/?to={ADDRESS}&n=1"}).encode(),
    "JSON within JSON": json.dumps({"Message": json.dumps({"mail": {"to": [ADDRESS]}})}).encode(),
}
READ = """
    SELECT coalesce(sum(idx_tup_fetch) FILTER (WHERE relname = 'payloads'), 0) AS bodies, sum(seq_tup_read) AS in_full
      FROM pg_stat_xact_user_tables
"""


@pytest.mark.parametrize("failed", ["{}", json.dumps({"welcome": NEVER_ENDS}), json.dumps({"welcome": "no field"})])
@pytest.mark.parametrize("body", UNREAD.values(), ids=UNREAD)
def test_a_body_that_no_plan_could_read_is_erased(
    services: Services, owner: Database, body: bytes, failed: str
) -> None:
    event = unread(body)
    plan_without_people(services, event, failed=failed)

    done = erased(services)

    assert (done.events, marks(owner)) == (1, [])
    assert services.db.run("SELECT 1 FROM payloads") == []


def test_a_delivery_whose_map_finds_nothing_is_erased(services: Services, owner: Database) -> None:
    event = said({"address": {"of": ADDRESS}}, key="a", source="shop", door="webhook")
    tell(services, event)
    assert services.db.run("SELECT 1 FROM event_contacts") == []

    erased(services)

    assert marks(owner) == []


def test_the_bodies_of_others_and_of_those_who_read_about_no_one_stay(services: Services) -> None:
    theirs = unread(f"delivered to {OTHER}".encode(), key="theirs")
    post = said({"text": "Version 2 is out"}, key="post", type="CONTENT_PUBLISH")
    plan_without_people(services, theirs, post)

    assert erased(services).events == 0

    assert len(services.db.run("SELECT 1 FROM payloads")) == 2
    assert services.db.run("SELECT 1 FROM event_contacts") == []


def test_what_came_after_the_bar_is_a_new_fact_and_kept(services: Services) -> None:
    late = unread(UNREAD["no JSON"], received_at=datetime.now(UTC) + timedelta(hours=1))
    plan_without_people(services, late)

    assert erased(services).events == 0

    assert len(services.db.run("SELECT 1 FROM payloads")) == 1
    assert [item for chunk in rebuilt(services) for item in chunk.items] == []


@pytest.mark.parametrize(("plans", "bodies"), [(1, 1), (2, 5), (5, 2), (7, 7)])
def test_every_body_is_looked_into_once_however_they_lie(
    services: Services, owner: Database, monkeypatch: pytest.MonkeyPatch, plans: int, bodies: int
) -> None:
    monkeypatch.setattr("drumbeat.people.erasure_sql.PLANS_AT_ONCE", plans)
    monkeypatch.setattr("drumbeat.people.erasure_sql.COPIES_AT_ONCE", bodies)
    texts = [f"to {ADDRESS if n % 3 == 0 else OTHER}".encode() for n in range(14)]
    plan_without_people(services, *(unread(text, key=str(n)) for n, text in enumerate(texts)))
    tell(services, *(said(LEAD, key=str(n)) for n in range(6)))
    tell(services, *(said({"email": OTHER}, key=f"b{n}") for n in range(6)))

    seen, after = [], erasure_sql.START
    while True:
        span = erasure_sql.unread(services.db, after=after)
        seen += [copy.event_id for copy in span.unread]
        if span.last is None:
            break
        after = span.last

    assert seen == sorted(event_id("reports", str(n)) for n in range(14))
    assert (erased(services).events, marks(owner)) == (5 + 6, [])
    assert len(services.db.run("SELECT 1 FROM payloads")) == 9 + 6


def test_an_erasure_that_was_cut_goes_on_among_bodies(
    services: Services, owner: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.people.erasure_sql.COPIES_AT_ONCE", 2)
    monkeypatch.setattr("drumbeat.people.erasure.SECONDS_AT_ONCE", -1.0)
    plan_without_people(services, *(unread(UNREAD["no JSON"], key=str(n)) for n in range(5)))

    parts = [erased(services)]
    while parts[-1].next is not None:
        parts.append(erasure.erase(ADDRESS, actor="person:test", services=services, after=parts[-1].next))

    assert [part.events for part in parts] == [2, 2, 1]
    assert marks(owner) == []


def test_what_is_looked_through_is_read_by_its_index(services: Services, owner: Database) -> None:
    plan_without_people(services, *(unread(b"to none", key=str(n)) for n in range(300)))
    record(services.db, leads := [said({"email": f"p{n}@other.example"}, key=str(n)) for n in range(300)])
    plan_them(services, leads)
    owner.run("ANALYZE")

    services.db.run("SET enable_seqscan = off")  # so few rows are cheaper to read in full
    with services.db.transaction():
        before = services.db.run(READ)[0]
        span = erasure_sql.unread(services.db, after=erasure_sql.START)
        after = services.db.run(READ)[0]

    assert (len(span.unread), {name: after[name] - before[name] for name in after}) == (
        50,
        {"bodies": 50, "in_full": 0},
    )
