"""Leads, a page at a time, and the whole story of one person."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from drumbeat import views
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.consent import CONFIRMED_WITHIN, UNVERIFIED_SOURCE
from drumbeat.core.errors import Invalid
from drumbeat.core.events import Event
from drumbeat.people.suppressions import lift, suppress
from drumbeat.services import Services
from drumbeat.views import PersonStory
from drumbeat.views.lead_pages import LeadFilter
from drumbeat.views.person_history import Unverified
from tests.store.people.history import START, record, said, tell

UNSET = {"$unset": True}
MINUTE = timedelta(minutes=1)


def known(services: Services, address: str) -> tuple[bytes, ...]:
    """Return the keys under which the ledger may know an address."""
    return keys_of(services.contact_secret, normalise(address, SEMANTICS)).known


def listed(services: Services, where: str | None = None, limit: int = 50) -> list[str]:
    """Return the addresses of all pages."""
    found, cursor = [], None
    while True:
        page = views.leads(services.db, LeadFilter.read(where), cursor=cursor, limit=limit)
        found += [item.address for item in page.items]
        if (cursor := page.next) is None:
            return found


def story(services: Services, address: str = "ada@example.com", **more: Any) -> PersonStory:
    found = views.person(
        services.db, keys=known(services, address), reading=lambda frozen, hash: (frozen, hash), **more
    )
    assert found is not None
    return found


def many(services: Services, count: int, **more: Any) -> list[str]:
    """Let people sign up, two in each minute; return them, newest first."""
    tell(
        services,
        *(
            said({"email": f"p{n}@example.com", "n": n}, key=str(n), at=START + timedelta(minutes=n // 2), **more)
            for n in range(count)
        ),
    )
    return [f"p{n}@example.com" for n in reversed(range(count))]


def test_a_lead_is_what_its_events_say(services: Services) -> None:
    tell(
        services,
        said({"email": "ada@example.com", "plan": "trial", "seats": 3, "gone": 1}, key="a"),
        said(
            {"email": "Ada <ADA@Example.com>", "plan": "paid", "seats": " ", "gone": UNSET},
            key="b",
            at=START + timedelta(minutes=1),
            consent=[{"list": "news", "kind": "given"}],
        ),
    )

    (item,) = views.leads(services.db, LeadFilter()).items

    assert item.address == "ADA@example.com"  # as it was written last
    assert item.attributes == {"plan": "paid", "seats": 3}
    assert item.consent == {"news": "given"}
    assert item.suppressed is None
    assert (item.since, item.changed) == (START, START + timedelta(minutes=1))


def test_every_lead_is_listed_once_newest_first_while_others_arrive(services: Services) -> None:
    people = many(services, 7)

    first = views.leads(services.db, LeadFilter(), limit=3)
    tell(services, said({"email": "later@example.com"}, key="later", at=START + timedelta(days=1)))
    rest = views.leads(services.db, LeadFilter(), cursor=first.next, limit=50)

    found = [item.address for item in (*first.items, *rest.items)]
    assert sorted(found) == sorted(people)
    assert [item.since for item in (*first.items, *rest.items)] == sorted(
        (item.since for item in (*first.items, *rest.items)), reverse=True
    )


def test_a_filter_reads_so_many_leads_for_a_page_and_misses_none(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.views.lead_pages.READ_FOR_A_PAGE", 3)
    many(services, 11)

    first = views.leads(services.db, LeadFilter.read("n=0"), limit=2)

    assert (first.items, first.next is not None) == ([], True)
    assert listed(services, "n=0", limit=2) == ["p0@example.com"]
    assert listed(services, "n=10", limit=2) == ["p10@example.com"]
    assert listed(services, "n=11", limit=2) == []


def test_filters_know_consent_fields_and_suppressions(services: Services) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("given", {}),
        ("withdrawn", {"plan": "trial"}),
        ("pending", {"plan": True}),
    ]
    for n, (kind, more) in enumerate(cases):
        consent = [{"list": "news", "kind": kind}]
        recently = datetime.now(UTC) - timedelta(days=1)
        tell(
            services, said({"email": f"p{n}@example.com"} | more, key=str(n), door="form", at=recently, consent=consent)
        )
    suppress("p1@example.com", reason="asked", actor="test", services=services)
    services.db.run(
        "UPDATE contacts SET complained_at = drumbeat_now() WHERE key = %s", (known(services, "p2@example.com")[0],)
    )

    assert listed(services, "list:news") == listed(services, "list:news=given") == ["p0@example.com"]
    assert listed(services, "list:news=withdrawn") == ["p1@example.com"]
    assert listed(services, "list:news=pending") == ["p2@example.com"]
    assert listed(services, "list:offers") == []
    assert listed(services, "plan=trial") == ["p1@example.com"]
    assert listed(services, "plan=true") == ["p2@example.com"]
    assert sorted(listed(services, "suppressed")) == ["p1@example.com", "p2@example.com"]


@pytest.mark.parametrize("where", ["news", "list:", "list:news=none", "list:news=", "=x", "Suppressed"])
def test_what_is_no_filter_is_refused_with_what_there_is(where: str) -> None:
    with pytest.raises(Invalid, match="where takes list:NAME"):
        LeadFilter.read(where)


def test_a_cursor_of_another_list_is_refused(services: Services) -> None:
    for cursor in ("", "x", "1-zz", f"{10**30}-00"):
        with pytest.raises(Invalid, match="cursor"):
            views.leads(services.db, LeadFilter(), cursor=cursor)


def test_the_story_says_since_when_and_by_which_event(services: Services) -> None:
    first = said({"email": "ada@example.com", "plan": "trial", "note": "x" * 600, "was": "x" * 600}, key="a")
    second = said({"email": "ada@example.com", "was": "short"}, key="b", at=START + timedelta(minutes=1))
    tell(services, second, first)

    told = story(services)

    assert [(each.name, each.value, each.since, each.event_id) for each in told.attributes] == [
        ("plan", "trial", START, first.id),
        ("was", "short", second.received_at, second.id),
    ]
    assert [(each.name, each.event_id) for each in told.refused] == [("note", first.id)]
    assert [each.event_id for each in told.events] == [second.id, first.id]
    assert views.person(services.db, id=told.id, reading=lambda *_: None) == told


def test_consent_is_shown_with_what_proves_it(services: Services) -> None:
    evidence = {"form": "https://fernwood.example.com/", "ip": "192.0.2.0", "text": "Yes, write to me."}
    given = said(
        {"email": "ada@example.com"},
        key="a",
        door="form",
        consent=[{"list": "news", "kind": "given"}],
        evidence=evidence,
    )
    machine = said(
        {"email": "ada@example.com"},
        key="b",
        at=START + timedelta(minutes=1),
        consent=[{"list": "offers", "text": "at the fair", "at": "2025-01-01"}],
    )
    left = said(
        {"email": "ada@example.com"},
        key="c",
        type="CONSENT",
        door="unsubscribe",
        at=START + timedelta(minutes=2),
        consent=[{"list": "*", "kind": "withdrawn"}],
    )
    again = said(
        {"email": "ada@example.com"},
        key="d",
        type="CONSENT",
        door="form",
        at=datetime.now(UTC) - timedelta(days=6),
        consent=[{"list": "offers", "kind": "pending"}],
    )
    tell(services, given, machine, left, again)

    told = story(services)

    assert {each.list: (each.state, each.asked, each.until) for each in told.consent} == {
        "*": ("withdrawn", None, None),
        "news": ("withdrawn", None, None),
        "offers": ("withdrawn", again.received_at, again.received_at + CONFIRMED_WITHIN),
    }
    assert [(each.event_id, each.list, each.kind, each.evidence) for each in told.consent_history] == [
        (again.id, "offers", "pending", None),
        (left.id, "*", "withdrawn", None),
        (machine.id, "offers", "pending", {"text": "at the fair", "at": "2025-01-01"}),
        (given.id, "news", "given", evidence),
    ]


def test_a_statement_about_consent_that_changed_nothing_says_why(services: Services) -> None:
    def statement(minute: int, door: str, kind: str, on: str = "news") -> Event:
        return said(
            {"email": "ada@example.com"},
            key=str(minute),
            door=door,
            at=START + timedelta(minutes=minute),
            type="CONSENT" if door == "unsubscribe" else "LEAD_CAPTURE",
            consent=[{"list": on, "kind": kind}],
        )

    doors = ["import", "import", "form", "api", "unsubscribe", "api", "form"]
    kinds = ["given"] * 4 + ["withdrawn"] + ["given"] * 2
    told_of = [statement(minute, *one) for minute, one in enumerate(zip(doors, kinds, strict=True))]
    every = [statement(10, "unsubscribe", "withdrawn", "*"), statement(11, "import", "given", "offers")]
    tell(services, *told_of, *every)

    history = [(fact.door, fact.kind, fact.no_effect) for fact in reversed(story(services).consent_history)]

    assert history == [
        ("import", "given", None),
        ("import", "given", "given_before"),
        ("form", "given", None),
        ("api", "given", "given_before"),
        ("unsubscribe", "withdrawn", None),
        ("api", "given", "left"),
        ("form", "given", None),
        ("unsubscribe", "withdrawn", None),
        ("import", "given", "left"),
    ]


def test_a_sign_up_is_a_lead_when_it_is_confirmed_and_its_person_is_shown_before(services: Services) -> None:
    now = datetime.now(UTC)

    def signed_up(kind: str, key: str, **door: Any) -> Event:
        return said({"email": "ada@example.com"}, key=key, at=now, consent=[{"list": "offers", "kind": kind}], **door)

    tell(services, signed_up("pending", "s", type="CONSENT", door="form"))
    told = story(services)

    assert listed(services, "list:offers=pending") == []
    assert [(each.list, each.state, each.until) for each in told.consent] == [
        ("offers", "pending", now + CONFIRMED_WITHIN)
    ]
    assert len(told.events) == 1

    tell(services, signed_up("given", "c", door="confirm"))

    assert listed(services, "list:offers") == ["ada@example.com"]


def test_a_sign_up_that_is_not_confirmed_in_time_has_expired(services: Services) -> None:
    now = datetime.now(UTC)
    since = {"in time": now - CONFIRMED_WITHIN + MINUTE, "late": now - CONFIRMED_WITHIN - MINUTE}
    since["again"] = since["late"]
    for name, at in [*since.items(), ("again", now)]:
        consent = [{"list": "offers", "kind": "pending"}]
        address = f"{name.replace(' ', '.')}@example.com"
        tell(services, said({"email": address}, key=f"{name} {at}", door="form", at=at, consent=consent))

    assert sorted(listed(services, "list:offers=pending")) == ["again@example.com", "in.time@example.com"]
    assert listed(services, "list:offers=expired") == ["late@example.com"]
    (late,) = views.leads(services.db, LeadFilter.read("list:offers=expired")).items
    assert late.consent == {"offers": "expired"}
    (standing,) = story(services, "late@example.com").consent
    assert (standing.state, standing.asked, standing.until) == ("expired", None, since["late"] + CONFIRMED_WITHIN)


def test_one_who_left_and_signs_up_again_waits_only_so_long(services: Services) -> None:
    def statement(minute: int, kind: str, door: str) -> Event:
        consent = [{"list": "offers", "kind": kind}]
        at = START + timedelta(minutes=minute)
        return said({"email": "ada@example.com"}, key=str(minute), type="CONSENT", door=door, at=at, consent=consent)

    tell(services, statement(0, "withdrawn", "unsubscribe"), statement(1, "pending", "form"))

    (standing,) = story(services).consent
    assert (standing.state, standing.asked, standing.until) == ("withdrawn", None, None)  # START is long ago


def test_one_who_left_is_not_asked_again_by_a_programs_word(services: Services) -> None:
    now = datetime.now(UTC)

    def statement(days: int, kind: str, door: str) -> Event:
        consent = [{"list": "offers", "kind": kind}]
        at = now - timedelta(days=days)
        return said({"email": "ada@example.com"}, key=str(days), type="CONSENT", door=door, at=at, consent=consent)

    tell(services, statement(4, "withdrawn", "unsubscribe"), statement(3, "pending", "api"))
    (standing,) = story(services).consent
    assert (standing.state, standing.asked, standing.until) == ("withdrawn", None, None)
    assert story(services).consent_history[0].no_effect == "left"

    back = statement(2, "pending", "form")
    tell(services, back, statement(1, "pending", "api"))
    (standing,) = story(services).consent
    assert (standing.state, standing.asked) == ("withdrawn", back.received_at)


@pytest.mark.parametrize("waits", [True, False])
def test_a_press_that_may_be_a_programs_is_shown_with_what_it_was(services: Services, *, waits: bool) -> None:
    at = datetime.now(UTC) - (timedelta(days=1) if waits else timedelta(days=8))
    pending = [{"list": "offers", "kind": "pending"}]
    sign_up = said({"email": "ada@example.com"}, key="a", type="CONSENT", door="form", at=at, consent=pending)
    noted = {"unverified": "it did not come from the page", "user_agent": "[Scanner]/1", "ip": "192.0.2.0/24"}
    press = said(
        {"email": "ada@example.com"},
        key="b",
        source=UNVERIFIED_SOURCE,
        type="CONSENT",
        door="confirm",
        at=at + MINUTE,
        consent=[],
        evidence=noted,
    )
    tell(services, sign_up, press)

    told = story(services)

    assert [(each.event_id, each.unverified) for each in told.events] == [
        (press.id, Unverified("it did not come from the page", "[Scanner]/1", "192.0.2.0/24", can_confirm=waits)),
        (sign_up.id, None),
    ]
    assert len(told.consent_history) == 1


def test_who_has_no_lead_is_shown_with_what_is_known(services: Services) -> None:
    suppress("ada@example.com", reason="asked", actor="ann", services=services)
    lift("ada@example.com", reason="came back", actor="bob", services=services)

    told = story(services)

    assert (told.address, told.suppressed, told.attributes, told.events) == (None, None, [], [])
    assert [(each.lifted, each.reason, each.actor) for each in told.suppressions] == [
        (True, "came back", "bob"),
        (False, "asked", "ann"),
    ]


def test_of_whom_nothing_is_known_there_is_no_story(services: Services) -> None:
    nothing = views.person(services.db, keys=known(services, "ada@example.com"), reading=lambda *_: None)

    assert nothing is None
    assert views.person(services.db, id=uuid4(), reading=lambda *_: None) is None


def test_what_is_known_under_the_first_reading_of_an_address_is_the_persons_too(services: Services) -> None:
    tell(services, said({"email": "user@faß.de", "plan": "paid"}, key="a", at=START + timedelta(minutes=1)))
    before = said({"email": "user@fass.de", "plan": "trial", "seats": 3}, key="b")
    tell(services, before)

    told = story(services, "user@faß.de")

    assert told.address == "user@xn--fa-hia.de"
    assert {each.name: each.value for each in told.attributes} == {"plan": "paid", "seats": 3}
    assert len(told.events) == 2
    assert len(views.events(services.db, views.EventFilter(contacts=known(services, "user@faß.de"))).items) == 2


def test_consent_under_the_first_reading_of_an_address_is_another_persons(services: Services) -> None:
    def statement(email: str, minute: int, door: str, kind: str) -> Event:
        at = START + timedelta(minutes=minute)
        return said({"email": email}, key=str(minute), door=door, at=at, consent=[{"list": "news", "kind": kind}])

    tell(
        services,
        statement("user@faß.de", 0, "form", "given"),
        statement("user@fass.de", 1, "form", "withdrawn"),
        statement("user@faß.de", 2, "import", "given"),
    )

    told = story(services, "user@faß.de")

    assert [(each.list, each.state) for each in told.consent] == [("news", "given")]
    assert [(each.door, each.no_effect) for each in told.consent_history] == [
        ("import", "given_before"),
        ("form", None),
    ]
    assert [each.state for each in story(services, "user@fass.de").consent] == ["withdrawn"]
    assert views.person(services.db, id=told.id, reading=lambda *_: None) == told


def test_who_is_known_under_the_first_reading_alone_has_agreed_to_nothing(services: Services) -> None:
    tell(services, said({"email": "user@fass.de"}, key="a", door="form", consent=[{"list": "news", "kind": "given"}]))
    suppress("user@fass.de", reason="asked", actor="ann", services=services)

    told = story(services, "user@faß.de")

    assert (told.consent, told.consent_history, told.suppressed, len(told.events)) == ([], [], "asked", 1)


def test_events_are_found_by_whom_they_name(services: Services) -> None:
    ours = [
        said({"email": "ada@example.com"}, key="a"),
        said({"email": "<Ada@Example.COM>"}, key="b", type="CONSENT", door="replay", at=START + timedelta(minutes=1)),
    ]
    tell(services, *ours, said({"email": "eve@example.com"}, key="c"))
    record(services.db, [said({"email": "ada@example.com"}, key="not planned yet")])
    filter = views.EventFilter(contacts=known(services, "ADA@example.com"))

    pages = [views.events(services.db, filter, limit=1)]
    pages.append(views.events(services.db, filter, limit=1, cursor=pages[0].next))

    assert [item.event_id for page in pages for item in page.items] == [ours[1].id, ours[0].id]
    assert pages[1].next is None


def test_who_was_suppressed_under_a_former_reading_of_their_address_is_listed_as_such(services: Services) -> None:
    tell(services, said({"email": "user@faß.de"}, key="a"), said({"email": "ada@example.com"}, key="b"))
    _, former = known(services, "user@faß.de")
    services.db.run(
        "UPDATE contacts SET suppressed_at = drumbeat_now(), suppression_reason = 'left' WHERE key = %s", (former,)
    )

    (item,) = views.leads(services.db, LeadFilter.read("suppressed")).items

    assert (item.address, item.suppressed) == (normalise("user@faß.de", SEMANTICS), "left")
    assert story(services, "user@faß.de").suppressed == "left"
