"""What happened to a person is told page by page: all of it, once, in order, and at the cost of a page."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from drumbeat import views
from drumbeat.core.address import contact_key
from drumbeat.delivery import plans_sql
from drumbeat.ledger.database import Database
from drumbeat.people.suppressions import lift, suppress
from drumbeat.services import Services
from drumbeat.views import PersonStory, person_effects, person_history
from drumbeat.views.lead_pages import LeadFilter
from drumbeat.views.pages import everything
from tests.conftest import TestDatabase
from tests.store.history.readings import Recording
from tests.store.history.test_statements import explained, nodes
from tests.store.people.history import START, plan_them, record, said, tell
from tests.store.people.test_leads import many, story
from tests.store.rows import LEASE, new_effect

ADDRESS = "ada@example.com"
MINUTE = timedelta(minutes=1)
LISTS = ("news", "offers")

type Told = Mapping[str, list[Any]]


class Little:
    """Room for so many items in each answer."""

    def __init__(self, items: int) -> None:
        self.left = items

    def __call__(self, found: object) -> bool:
        self.left -= len(found) if isinstance(found, list) else 1
        return self.left >= 0


def pages(services: Services, items: int | None = None) -> list[PersonStory]:
    """Return all pages of the story, each with room for so many entries."""
    told: list[PersonStory] = []
    while not told or told[-1].next is not None:
        fits = everything if items is None else Little(items)
        told.append(story(services, cursor=told[-1].next if told else None, fits=fits))
    return told


def eventful(services: Services) -> Told:
    """Give a person a history of which much is of one instant; return what has to be told, newest first."""
    events = [
        said(
            {"email": ADDRESS},
            key=str(n),
            at=START + n // 3 * MINUTE,
            consent=[{"list": name, "kind": "given"} for name in LISTS[: n % 3]],
        )
        for n in range(11)
    ]
    record(services.db, events)
    plan_them(services, events)
    contact = contact_key(services.contact_secret, ADDRESS)
    acted_on = events[4:7]
    effects = [new_effect(each.id, f"s{n}", id=uuid4(), contact=contact) for each in acted_on for n in range(4)]
    plans_sql.record(
        services.db, [plans_sql.NewPlan(each.id, 1, b"h", {}, "welcome") for each in acted_on], effects, LEASE
    )
    for n in range(3):
        suppress(ADDRESS, reason=str(n), actor="ann", services=services)
        lift(ADDRESS, reason=str(n), actor="bob", services=services)
    newest = sorted(events, key=lambda each: (each.received_at, each.id), reverse=True)
    return {
        "events": [each.id for each in newest],
        "effects": [(each.id, f"s{n}") for each in newest if each in acted_on for n in range(4)],
        "facts": [(each.id, name) for each in newest for name in LISTS[: int(each.key) % 3]],
        "suppressions": [(n, lifted) for n in "210" for lifted in (True, False)],
    }


def told_of(pages: list[PersonStory]) -> Told:
    """Return what these pages tell."""
    return {
        "events": [each.event_id for page in pages for each in page.events],
        "effects": [(each.event_id, each.step) for page in pages for each in page.effects],
        "facts": [(each.event_id, each.list) for page in pages for each in page.consent_history],
        "suppressions": [(each.reason, each.lifted) for page in pages for each in page.suppressions],
    }


@pytest.mark.parametrize("items", [None, 1, 2, 5])
@pytest.mark.parametrize("effects", [1, 3, 500])
@pytest.mark.parametrize("entries", [1, 4, 100])
def test_all_that_happened_is_told_once_and_in_order_whatever_a_page_holds(
    services: Services, monkeypatch: pytest.MonkeyPatch, entries: int, effects: int, items: int | None
) -> None:
    happened = eventful(services)
    monkeypatch.setattr(person_history, "ENTRIES_SHOWN", entries)
    monkeypatch.setattr(person_effects, "EFFECTS_SHOWN", effects)

    told = pages(services, items)

    assert told_of(told) == happened
    assert len(told) > 1 or (entries, effects, items) == (100, 500, None)


def test_a_page_has_no_more_than_fits_and_one_entry_at_least(services: Services) -> None:
    happened = eventful(services)
    statements = len({event for event, _ in happened["facts"]})  # what one event said of consent is one entry

    sizes = [sum(map(len, told_of([page]).values())) for page in pages(services, 3)]

    assert set(sizes) <= {1, 2, 3}
    assert len(pages(services, 0)) == statements + sum(len(happened[name]) for name in happened if name != "facts")


def test_the_first_consent_of_a_busy_person_is_told_with_its_evidence(services: Services) -> None:
    given = [{"list": "news", "kind": "given"}]
    first = said({"email": ADDRESS}, key="first", door="form", consent=given, evidence={"ip": "192.0.2.0/24"})
    later = [said({"email": ADDRESS}, key=str(n), at=START + n * MINUTE, consent=given) for n in range(1, 251)]
    tell(services, first, *later)

    *others, oldest = [fact for page in pages(services) for fact in page.consent_history]

    assert (len(others), {fact.no_effect for fact in others}) == (250, {"given_before"})
    assert (oldest.event_id, oldest.no_effect, oldest.evidence) == (first.id, None, {"ip": "192.0.2.0/24"})


def test_a_page_of_leads_ends_before_the_one_that_does_not_fit(services: Services) -> None:
    people = many(services, 7)
    found: list[list[str]] = []
    cursor: str | None = None
    while not found or cursor is not None:
        page = views.leads(services.db, LeadFilter(), cursor=cursor, limit=5, fits=Little(2))
        found.append([item.address for item in page.items])
        cursor = page.next

    assert [*map(len, found)] == [2, 2, 2, 1]
    assert sorted(address for some in found for address in some) == sorted(people)
    assert len(views.leads(services.db, LeadFilter(), fits=Little(0)).items) == 1


# ---------------------------------------------------------------- what a page costs

EVENTS = 3_000
BUSY = """
    WITH busy AS (
        INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
        SELECT md5('busy' || n)::uuid, 'site', 'busy-' || n, 'LEAD_CAPTURE', 'api', '',
               %(start)s + n * interval '1 second'
          FROM generate_series(1, %(events)s) AS n
     RETURNING id, received_at
    ), said AS (
        INSERT INTO consents (contact, list, event_id, kind, by_person, at)
        SELECT %(contact)s, 'news', id, 'given', false, received_at FROM busy
    )
    INSERT INTO event_contacts (contact, event_id, received_at) SELECT %(contact)s, id, received_at FROM busy
"""
TABLES = {"event_contacts", "consents", "events"}


def rows_read(database: TestDatabase, asked: Recording) -> Iterator[tuple[str, float]]:
    """Give each table with the rows that a part of a statement read of it, those that it left out too."""
    for sql, parameters in asked.asked:
        for node in nodes(explained(database.url, sql, parameters)):
            if node.get("Relation Name") in TABLES:
                rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                yield node["Relation Name"], rows * node["Actual Loops"]


def test_a_page_of_a_busy_person_costs_a_page(services: Services, owner: Database, database: TestDatabase) -> None:
    tell(services, said({"email": ADDRESS}, key="a", consent=[{"list": "news"}]))
    contact = contact_key(services.contact_secret, ADDRESS)
    owner.run(BUSY, {"contact": contact, "start": START, "events": EVENTS})
    owner.run("ANALYZE")
    asked = Recording(database.url)
    second = story(services).next

    views.person(asked, keys=[contact], cursor=second, reading=lambda *_: None)
    views.events(asked, views.EventFilter(contacts=(contact,)), limit=100)

    read = [*rows_read(database, asked)]
    asked.close()
    assert {table for table, _ in read} == TABLES
    assert max(rows for _, rows in read) <= 2 * person_history.ENTRIES_SHOWN
