"""Pages of people: one is found by address, told of with all that happened, suppressed and erased, and never shown to a
key without `people`.
"""

import csv
import json
from collections.abc import Iterator
from io import StringIO

import pytest
from redis import Redis

from drumbeat.core.address import contact_key
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.requests import freeze
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.people import suppressions
from drumbeat.people.erasure import erase
from drumbeat.services import Services
from drumbeat.views.person_named import named
from tests.conftest import TestDatabase
from tests.functions.console import build_services, close
from tests.functions.pages.visitor import Visitor
from tests.store.people.history import apply_versions, plan_them, record, said, tell
from tests.store.rows import LEASE, claimed, new_effect, opening

IRIS, BOB = "iris@example.com", "bob@example.com"
OPERATOR = ("read", "people", "operate")
LINK = f"https://x.example/u/{'t' * 50}"


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    apply_versions(services)
    yield services
    close(services)


@pytest.fixture
def visitor(services: Services) -> Visitor:
    visitor = Visitor(services)
    visitor.sign_in(*OPERATOR)
    return visitor


@pytest.fixture
def known(services: Services) -> str:
    """Tell of Iris, who agreed to a list and got a mail; a second one was cancelled. Returns her page."""
    event = said(
        {"email": IRIS, "plan": "trial"},
        key="a",
        consent=[{"list": "news", "kind": "given", "text": "Monday notes, please"}],
        evidence={"form": "site"},
    )
    record(services.db, [event])
    plan_them(services, [event])
    hello, bye = (
        new_effect(event.id, step=step, list="news", contact=contact_key(services.contact_secret, IRIS))
        for step in ("hello", "bye")
    )
    plans_sql.record(services.db, [plans_sql.NewPlan(event.id, 1, b"h", {}, "welcome")], [hello, bye], LEASE)
    mail = {"to": [IRIS], "subject": f"Hello Iris {LINK}", "text": "Glad", "html": "<p>Glad</p>"}
    headers = {"content-type": "application/json"}
    frozen, digest = freeze(Request("POST", "https://api.resend.com/emails", headers, json.dumps(mail).encode()))
    why = Reason(ReasonCode.SUPPRESSED, "asked by telephone")
    attempts_sql.open_attempts(
        services.db,
        [
            opening(claimed(services.db, hello.id), request_hash=digest, frozen=frozen),
            opening(claimed(services.db, bye.id), Status.CANCELLED, reason=why),
        ],
    )
    return page_of(services, IRIS)


def page_of(services: Services, address: str) -> str:
    id = named(services.db, [contact_key(services.contact_secret, address)])
    assert id is not None
    return f"/people/{id}"


def suppressed(services: Services, address: str) -> bool:
    return suppressions.check(address, services).suppressed


def test_a_person_is_found_by_address_and_their_page_does_not_name_them_in_its_own(
    visitor: Visitor, known: str
) -> None:
    found = visitor.get("/people?q=IRIS%40Example.com")

    assert (found.status, found.location) == (303, known)
    assert visitor.get(f"/people?q={known.rpartition('/')[2]}").location == known
    assert f"<h1>{IRIS}</h1>" in visitor.get("/people/iris%40example.com").html


def test_of_a_stranger_it_says_that_nothing_is_known_and_offers_to_suppress_them(visitor: Visitor, known: str) -> None:
    shown = visitor.get("/people?q=stranger%40example.com")

    assert shown.status == 404
    assert "Nothing is known of stranger@example.com" in shown.html
    assert 'name="email" type="text" inputmode="email" required' in shown.html
    assert visitor.get("/people?q=nonsense").status == 404
    assert visitor.get("/people/00000000-0000-0000-0000-000000000000").status == 404


def test_a_person_is_told_of_with_what_was_not_sent_and_why(visitor: Visitor, known: str) -> None:
    html = visitor.get(known).html

    assert "“Hello Iris …/u/…”" in html
    assert LINK not in html
    assert "suppressed: asked by telephone" in html
    assert "Monday notes, please" in html
    assert 'data-name="How">by a program, api <a href="/events/' in html
    assert '<i class="badge good">given</i> by a program' in html
    assert html.count('href="/effects/') == 2


def test_leads_are_filtered_read_on_and_taken_as_a_file(visitor: Visitor, services: Services, known: str) -> None:
    tell(services, *(said({"email": f"p{n}@example.com", "plan": "pro"}, key=str(n)) for n in range(3)))

    pro = visitor.get("/people?field=plan&value=pro&limit=2").html
    given = visitor.get("/people?list=news&state=given").html
    suppressions.suppress("p1@example.com", reason="asked", actor="person:x", services=services)
    barred = visitor.get("/people?suppressed=yes").html
    file = visitor.get("/people?field=plan&value=trial&format=csv")

    assert pro.count('<td data-name="Address">') == 2
    assert "?field=plan&amp;value=pro&amp;limit=2&amp;cursor=" in pro
    assert (IRIS in given, "p0@example.com" in given) == (True, False)
    assert ("p1@example.com" in barred, "p0@example.com" in barred) == (True, False)
    assert file.headers["Content-Type"].startswith("text/csv")
    assert [row["address"] for row in csv.DictReader(StringIO(file.html))] == [IRIS]
    assert visitor.get("/people?list=nws").status == 400
    assert visitor.get("/people?list=news&state=maybe").status == 400
    assert visitor.get("/people?field=plan").status == 400


def test_without_people_leads_are_masked_and_no_one_can_be_found(
    visitor: Visitor, services: Services, known: str
) -> None:
    visitor.sign_in_blind()
    shown = visitor.get("/people")

    assert shown.status == 200
    assert "[address]" in shown.html
    assert "iris" not in shown.html
    assert "trial" not in shown.html
    assert "[address]" in visitor.get("/people?format=csv").html
    asked = [f"/people?q={IRIS}", "/people?field=plan&value=trial", "/people?audience=x", known, f"{known}/receipt"]
    assert [visitor.get(path).status for path in asked] == [403] * 5


def test_without_people_an_address_that_is_typed_is_suppressed_and_nothing_is_said_of_it(
    visitor: Visitor, services: Services, known: str
) -> None:
    visitor.sign_in_blind("operate")

    done = visitor.post("/people/suppress", email=IRIS, reason="asked by letter")

    assert (done.status, done.location, suppressed(services, IRIS)) == (303, "/people?did=suppressed", True)
    assert visitor.post(f"{known}/erase", email=IRIS).status == 403


def test_an_address_is_suppressed_and_lifted_with_the_name_of_the_key_and_a_reason(
    visitor: Visitor, services: Services, known: str
) -> None:
    done = visitor.post("/people/suppress", email=IRIS, reason="asked by letter")
    barred, page = suppressed(services, IRIS), visitor.get(done.following).html
    lifted = visitor.post("/people/lift", email=IRIS, reason="asked to come back")
    again = visitor.post("/people/lift", email=IRIS, reason="once more")

    assert (done.status, done.location, barred) == (303, f"{known}?did=suppressed", True)
    assert "<b>Suppressed</b> by person:ada: asked by letter" in page
    assert 'action="/people/lift"' in page
    assert (lifted.location, again.location) == (f"{known}?did=lifted", f"{known}?did=not-suppressed")
    assert not suppressed(services, IRIS)
    assert "<b>Suppression lifted</b> by person:ada: asked to come back" in visitor.get(known).html


def test_who_complained_may_be_suppressed_altogether_or_be_let_back(
    visitor: Visitor, owner: Database, known: str
) -> None:
    owner.run("UPDATE contacts SET complained_at = drumbeat_now()")

    page = visitor.get(known).html

    assert "Mail that belongs to no list may still go to them" in page
    assert 'action="/people/suppress"' in page and 'formaction="/people/lift"' in page


def test_what_lacks_a_scope_a_reason_or_the_sessions_token_changes_nothing(
    visitor: Visitor, services: Services, known: str
) -> None:
    unreasoned = visitor.post("/people/suppress", email=IRIS, reason=" ")
    mistaken = visitor.post("/people/suppress", email="nonsense", reason="x")
    forged = visitor.post("/people/suppress", token="x", email=IRIS, reason="x")
    foreign = visitor.post("/people/suppress", email=IRIS, reason="x", headers={"origin": "https://evil.example"})
    token = visitor.get(f"{known}/erase").token
    visitor.sign_in("read", "people", id="reader")
    page = visitor.get(known).html
    blocked = visitor.post("/people/suppress", token=token, email=IRIS, reason="x")
    asked = visitor.get(f"{known}/erase")

    assert [each.status for each in (unreasoned, mistaken, forged, foreign)] == [400, 400, 403, 403]
    assert (blocked.status, asked.status, "/people/suppress" in page) == (403, 403, False)
    assert not suppressed(services, IRIS)


def test_erasing_says_first_what_goes_and_takes_the_persons_own_address_alone(
    visitor: Visitor, services: Services, known: str
) -> None:
    tell(services, said({"email": BOB}, key="b"))
    asked = visitor.get(f"{known}/erase").html

    refused = [visitor.post(f"{known}/erase", email=typed) for typed in (BOB, "nonsense", "", known[8:])]
    before = payloads(services.db)
    erased = visitor.post(f"{known}/erase", email="IRIS@example.com")
    page = visitor.get(erased.following).html

    assert "the bodies of <b>1</b> event" in asked
    assert "<b>1</b> request" in asked
    assert [each.status for each in refused] == [400] * 4
    assert before == 2
    assert (erased.status, erased.location, payloads(services.db)) == (303, f"{known}?did=erased", 1)
    assert "Erased person" in page
    assert "iris@" not in page
    assert "/people/lift" not in page


def test_an_erasure_that_takes_longer_says_how_to_go_on(
    visitor: Visitor, services: Services, known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(services, *(said({"email": IRIS}, key=f"more {n}") for n in range(3)))
    for name, value in (("EVENTS_AT_ONCE", 2), ("SECONDS_AT_ONCE", -1.0)):
        monkeypatch.setattr(f"drumbeat.people.erasure.{name}", value)

    shown = visitor.post(f"{known}/erase", email=IRIS)
    while shown.status == 200:
        after = shown.html.partition('name="after" value="')[2].partition('"')[0]
        assert "Not all of it is done yet" in shown.html
        shown = visitor.post(f"{known}/erase", email=IRIS, after=after)

    assert (shown.status, payloads(services.db)) == (303, 0)


def test_a_person_known_by_a_suppression_alone_can_be_erased_and_lifted_by_their_address(
    visitor: Visitor, services: Services
) -> None:
    suppressions.suppress(BOB, reason="asked", actor="person:x", services=services)
    page = page_of(services, BOB)

    assert "Their address, which is not kept" in visitor.get(page).html
    assert "Type the address" in visitor.get(f"{page}/erase").html
    assert visitor.post("/people/lift", email=BOB, reason="asked").location == f"{page}?did=lifted"
    assert visitor.post(f"{page}/erase", email=BOB).location == f"{page}?did=erased"


def test_the_receipt_is_a_page_and_a_file(visitor: Visitor, services: Services, known: str) -> None:
    page = visitor.get(f"{known}/receipt").html
    file = visitor.get(f"{known}/receipt?format=json")
    erase(IRIS, actor="test", services=services)

    assert "Monday notes, please" in page
    assert '<h2>List news <i class="badge good">given</i></h2>' in page
    assert (json.loads(file.html)["address"], "attachment" in file.headers["Content-Disposition"]) == (IRIS, True)
    assert "No evidence is kept." in visitor.get(f"{known}/receipt").html


def payloads(db: Database) -> int:
    return int(db.run("SELECT count(*) AS n FROM payloads")[0]["n"])
