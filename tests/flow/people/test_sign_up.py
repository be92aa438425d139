"""From a form to a mail and out of the list again, on a running stack; also with the ledger stopped between."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from drumbeat.public.forms import BUCKET_SECONDS
from tests.flow.people.ledger import People
from tests.flow.people.person import BROWSER, Person, one_click, unsubscribe_url
from tests.flow.stacks import eventually

CONFIRM, WELCOME, NEWS = "Please confirm: The Monday note", "Your first Monday note", "News"
AT_ONCE = 50


@pytest.mark.timeout(240)
def test_a_person_signs_up_confirms_leaves_and_comes_back(people: People) -> None:
    ada = Person(people.stack, "ada@example.com")

    ada.signs_up()
    confirmation = ada.gets(CONFIRM)
    eventually(lambda: people.state(ada.address) == "pending")
    assert "List-Unsubscribe" not in confirmation["headers"]
    assert ada.mails(WELCOME) == []

    ada.confirms(confirmation)
    january = ada.gets(WELCOME)
    assert people.state(ada.address) == "given"
    check_marketing(january)
    eventually(lambda: crm(people)[ada.address] == 1)

    assert "was answered with 200 OK" in ada.unsubscribes(january)
    assert people.state(ada.address) == "withdrawn"
    assert news(people, ada, "after-january") == ("cancelled", "no_consent")

    ada.signs_up()
    ada.confirms(ada.gets(CONFIRM, 2))
    ada.gets(WELCOME, 2)
    assert news(people, ada, "march") == ("accepted", None)
    check_marketing(ada.gets(NEWS))

    assert one_click(unsubscribe_url(january), multipart=True).status_code == 200  # the link never expires
    assert people.state(ada.address) == "withdrawn"
    assert news(people, ada, "after-march") == ("cancelled", "no_consent")
    assert people.said(ada.address) == {"pending": 2, "given": 2, "withdrawn": 2}


@pytest.mark.proof
@pytest.mark.point(10)
@pytest.mark.timeout(300)
def test_the_ledger_may_be_stopped_between_any_two_steps(people: People) -> None:
    """One person does each step just before Postgres stops, and another while it is stopped."""
    before, during = Person(people.stack, "before@example.com"), Person(people.stack, "during@example.com")
    both = (before, during)
    know_the_form(people)

    with stopped(people, before.signs_up):
        during.signs_up()
    confirmations = [person.gets(CONFIRM) for person in both]

    with stopped(people, lambda: before.confirms(confirmations[0])):
        during.confirms(confirmations[1])
    welcomes = [person.gets(WELCOME) for person in both]
    eventually(lambda: [crm(people)[person.address] for person in both] == [1, 1])

    with stopped(people, lambda: before.unsubscribes(welcomes[0])):
        assert "was answered with 200 OK" in during.unsubscribes(welcomes[1])
        for person in both:
            person.signs_up()  # they changed their minds meanwhile
    eventually(lambda: [people.state(person.address) for person in both] == ["withdrawn"] * 2)
    assert [news(people, person, f"{person.address} left") for person in both] == [("cancelled", "no_consent")] * 2

    for person in both:
        person.confirms(person.gets(CONFIRM, 2))
        person.gets(WELCOME, 2)
        assert news(people, person, f"{person.address} is back") == ("accepted", None)
        assert people.said(person.address) == {"pending": 2, "given": 2, "withdrawn": 1}
        assert len(person.mails(NEWS)) == 1


@pytest.mark.parametrize("hosted", [True, False], ids=["from the hosted page", "from another page"])
def test_a_form_posted_fifty_times_at_once_is_one_event_and_one_mail(people: People, hosted: bool) -> None:
    for round_ in range(3):
        person = Person(people.stack, f"fifty-{hosted}-{round_}@example.com".lower())
        fields = {"email": person.address, "name": "Ada"}
        if hosted:
            page = person.open_form()
            page.read()
            fields = page.forms[0].fields | fields
        bucket = int(time.time()) // BUCKET_SECONDS
        receipts = post_at_once(people, fields)
        if hosted or int(time.time()) // BUCKET_SECONDS == bucket:
            break  # else half of them came in the next ten minutes, and are another post

    assert {status for status, _ in receipts} <= {200, 202}
    assert len({event for _, event in receipts}) == 1
    person.gets(CONFIRM)
    eventually(lambda: people.stack.done(receipts[0][1]))
    assert len(person.mails(CONFIRM)) == 1
    assert people.said(person.address) == {"pending": 1}


def check_marketing(mail: dict[str, Any]) -> None:
    """A mail to a list can be left from both parts, and by its headers."""
    headers, link = mail["headers"], unsubscribe_url(mail)
    assert link in mail["text"]
    assert not mail["html"] or link in mail["html"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r'"?The Monday note"? <newsletter\.[\w.]+>', headers["List-Id"])
    assert headers["List-Help"] == f"<{link}>"
    assert headers["Feedback-Id"].split(":")[2:] == ["newsletter", "drumbeat"]


def news(people: People, person: Person, key: str) -> tuple[str, str | None]:
    """Send a further marketing mail, and return what became of it."""
    event_id = people.stack.send(key, person.address)[2]["eventId"]
    eventually(lambda: people.stack.done(event_id))
    [row] = people.rows("SELECT status, reason_code FROM effects WHERE event_id = %(event)s", event=event_id)
    return row[0], row[1] if row[0] == "cancelled" else None


def crm(people: People) -> Counter[str]:
    """Return how often each contact was written at the CRM."""
    contacts = people.stack.call("GET", "/_sandbox/contacts", url=people.stack.ready["sandbox_url"])[2]["items"]
    return Counter({contact["email"]: len(contact["traces"]) for contact in contacts})


def know_the_form(people: People) -> None:
    """Ask often enough that each process that answers knows which forms there are."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: httpx.get(f"{people.stack.ready['url']}/f/signup", headers=BROWSER), range(16)))


@contextmanager
def stopped(people: People, last: Callable[[], object]) -> Iterator[None]:
    """Do a last thing, and stop Postgres right after it."""
    last()
    people.postgres.stop()
    try:
        yield
    finally:
        people.postgres.start()


def post_at_once(people: People, fields: dict[str, str]) -> list[tuple[int, str]]:
    """Post a form from many callers at once, each until it is answered; returns statuses and events."""

    def post(_: int) -> tuple[int, str]:
        answer = httpx.post(f"{people.stack.ready['url']}/v1/forms/signup", data=fields, timeout=40)
        return answer.status_code, answer.json()["eventId"]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(post, range(AT_ONCE)))
