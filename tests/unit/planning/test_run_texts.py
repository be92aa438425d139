"""What the texts of a campaign's steps see, and what is made of them for one lead."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from drumbeat.campaigns import firing
from drumbeat.core.actions import SendEmail, UpsertContact
from drumbeat.core.configuration import Config
from drumbeat.core.events import Arrival, Event
from drumbeat.core.leads import Lead, lead_of
from drumbeat.planning.context import Links
from drumbeat.planning.render import Unrenderable, render
from tests.unit.calendar.test_open_hours import utc
from tests.unit.configuration.samples import config

LINKS = Links("https://h.example.org/u/TOKEN", "https://h.example.org/c/TOKEN")
EFFECT = UUID(int=9)
ADA = Lead("Ada@EXAMPLE.com", {"name": "Ada", "plan": {"seats": 3}, "tags": ["a"]})
MORE = """
defaults: {public_url: "https://h.example.org", postal_address: Fernwood}
lists: {news: {title: News}}
audiences: {readers: {list: news}}
campaigns:
  note:
    schedule: "cron(0 9 ? * MON *)"
    timezone: recipient
    audience: readers
    steps:
      - {id: mail, account: mail, action: send_email, with: {to: "{{ lead.email }}", list: news, template: note}}
      - {id: crm, account: crm, action: upsert_contact, with: {email: "{{ lead.email }}", properties: PROPERTIES}}
"""
NOTE = "---\nsubject: 'Note for {{ lead.name }}'\n---\n%s {{ unsubscribe_url }} {{ postal_address }}"


def version(words: str = "", properties: str = "{}") -> Config:
    templates = {"note.txt": NOTE % words}
    return config("  {}", templates=templates, more=MORE.replace("PROPERTIES", properties))


def event(arrival: Arrival) -> Event:
    at = arrival
    return Event(at.id, at.source, at.key, at.type, at.door, at.scheduled_at, at.received_at, at.body)


def run(made: Config) -> Event:
    at = utc("2026-03-29T19:00")
    return event(firing.scheduled(made.campaigns["note"], at, now=at))


def mail(words: str, lead: Lead | None = ADA) -> SendEmail:
    made = version(words)
    found = render(run(made), made, "campaign:note", "mail", effect_id=EFFECT, links=LINKS, lead=lead)
    assert isinstance(found, SendEmail)
    return found


def text(words: str) -> str:
    found = mail(words).text
    assert found is not None
    return found.partition(" https://")[0]


def test_a_mail_goes_to_the_lead_and_says_what_is_known_of_them() -> None:
    made = mail("{{ lead.plan.seats }} {{ lead['tags'] }} {{ lead.email }}")

    assert (made.to, made.subject) == ("Ada@example.com", "Note for Ada")
    assert made.text == '3 ["a"] Ada@EXAMPLE.com https://h.example.org/u/TOKEN Fernwood'
    assert made.headers["List-Unsubscribe"] == "<https://h.example.org/u/TOKEN>"
    assert made.headers["Feedback-ID"] == "mail:campaign.note:news:drumbeat"


def test_it_sees_campaign_and_run() -> None:
    made = version()

    assert text("{{ campaign.name }} {{ run.local }} {{ run.scheduled_at }}") == (
        "note 2026-03-30T09:00:00 2026-03-29T19:00:00Z"
    )
    assert text("{{ run.id }} {{ event.id }}") == f"{run(made).id} {run(made).id}"
    assert text("{{ effect_id }} {{ list.title }}") == f"{EFFECT} News"


def test_a_run_by_hand_is_at_the_time_at_which_it_was_started() -> None:
    made = version("{{ run.local }} {{ run.scheduled_at }}")
    by_hand = event(firing.by_hand(made.campaigns["note"], "k", actor="person:ada", now=utc("2026-03-30T12:00")))

    found = render(by_hand, made, "campaign:note", "mail", effect_id=EFFECT, links=LINKS, lead=ADA)

    assert isinstance(found, SendEmail)
    assert found.text is not None
    assert found.text.startswith("2026-03-30T12:00:00+00:00 2026-03-30T12:00:00Z ")


def test_a_contact_is_the_lead() -> None:
    made = version(properties='{first: "{{ lead.name }}", plan: "{{ lead.missing | default(1) }}"}')

    found = render(run(made), made, "campaign:note", "crm", effect_id=EFFECT, lead=ADA)

    assert found == UpsertContact("Ada@example.com", {"first": "Ada", "plan": "1"})


def test_what_a_person_lacks_is_named() -> None:
    with pytest.raises(Unrenderable, match=r"text: its text uses lead\.city, which the person does not have"):
        mail("{{ lead.city }}")

    assert text("{{ lead.city | default('there') }}") == "there"


def test_an_attribute_called_email_is_not_the_address() -> None:
    assert mail("", Lead("ada@example.com", {"name": "A", "email": "eve@example.com"})).to == "ada@example.com"


def test_a_lead_that_is_gone_has_no_mail() -> None:
    with pytest.raises(Unrenderable, match="its lead is not there any more"):
        mail("", None)


def test_an_address_that_is_none_is_not_quoted() -> None:
    with pytest.raises(Unrenderable, match="to is not an address") as raised:
        mail("", Lead("who knows", {"name": "Ada"}))

    assert "who knows" not in str(raised.value)


def test_no_payload_is_there() -> None:
    made = version()
    body = json.loads(run(made).body or b"")

    assert body["payload"]["campaign"] == "note"
    with pytest.raises(Unrenderable, match="its text uses payload"):
        render(
            run(made),
            _with_text(made, "{{ payload.campaign }}"),
            "campaign:note",
            "mail",
            effect_id=EFFECT,
            links=LINKS,
            lead=ADA,
        )


def _with_text(made: Config, words: str) -> Config:
    """Return a configuration that `apply` would not take."""
    note = replace(made.templates["note"], text=words)
    return replace(made, templates={"note": note})


def test_attributes_of_the_ledger_are_those_that_are_there() -> None:
    stored: dict[str, dict[str, Any]] = {
        "name": {"v": "Ada", "t": 1, "e": "x"},
        "plan": {"u": True, "t": 2, "e": "y"},
        "none": {"v": None},
    }

    assert lead_of("ada@example.com", stored) == Lead("ada@example.com", {"name": "Ada", "none": None})
