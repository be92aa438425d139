"""Resend's events as reports."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.providers.words.resend import WORDS
from tests.unit.providers.words.payloads import KEY, published

CREATED = "2026-03-01T12:00:00.126Z"


def body(type: str, **data: Any) -> dict[str, Any]:
    return {"type": type, "created_at": CREATED, "data": {"email_id": "e-1", "to": ["ada@example.com"], **data}}


def bounced(type: str, sub_type: str) -> dict[str, Any]:
    return body("email.bounced", bounce={"type": type, "subType": sub_type, "message": "why"})


def test_a_bounce_as_it_was_recorded() -> None:
    report = WORDS.read(published("resend.email.bounced"))

    assert (report.kind, report.word) == (Kind.BOUNCED, "email.bounced")
    assert report.at == datetime(2023, 10, 2, 18, 11, 26, 101000, tzinfo=UTC)
    assert (report.reference, report.address) == ("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "bounced@resend.dev")
    assert report.said.startswith("The recipient's email provider sent a hard bounce message")


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("email.sent", Kind.ACCEPTED),
        ("email.scheduled", Kind.ACCEPTED),
        ("email.delivered", Kind.DELIVERED),
        ("email.delivery_delayed", Kind.DELAYED),
        ("email.complained", Kind.COMPLAINED),
        ("email.opened", Kind.OPENED),
        ("email.clicked", Kind.CLICKED),
        ("email.failed", Kind.REFUSED),
        ("email.suppressed", Kind.REFUSED),
        ("email.received", Kind.OTHER),
        ("domain.updated", Kind.OTHER),
    ],
)
def test_each_type_has_its_kind(type: str, kind: Kind) -> None:
    assert WORDS.read(body(type)).kind is kind


@pytest.mark.parametrize(
    ("type", "sub_type", "kind"),
    [
        ("Permanent", "General", Kind.BOUNCED),
        ("Permanent", "Suppressed", Kind.BOUNCED),
        ("Transient", "MailboxFull", Kind.SOFT_BOUNCED),
        ("Transient", "General", Kind.SOFT_BOUNCED),
        ("Transient", "MessageTooLarge", Kind.BLOCKED),
        ("Transient", "ContentRejected", Kind.BLOCKED),
        ("Undetermined", "Undetermined", Kind.SOFT_BOUNCED),
    ],
)
def test_a_bounce_is_told_by_its_types(type: str, sub_type: str, kind: Kind) -> None:
    report = WORDS.read(bounced(type, sub_type))

    assert (report.kind, report.word, report.said) == (kind, f"email.bounced {type} {sub_type}", "why")


@pytest.mark.parametrize(
    ("origin", "kind"), [("bounce", Kind.BOUNCED), ("complaint", Kind.COMPLAINED), ("manual", Kind.OTHER)]
)
def test_an_address_on_resends_list_is_what_put_it_there(origin: str, kind: Kind) -> None:
    listed = {"type": "suppression.added", "created_at": CREATED, "data": {"email": "ada@example.com"}}
    report = WORDS.read(listed | {"data": {"email": "ada@example.com", "origin": origin}})

    assert (report.kind, report.address) == (kind, "ada@example.com")


@pytest.mark.parametrize(
    "tags", [{"effect-id": KEY}, [{"name": "a", "value": "b"}, {"name": "effect-id", "value": KEY}]]
)
def test_the_key_comes_back_as_a_tag(tags: object) -> None:
    assert WORDS.read(body("email.delivered", tags=tags)).key == KEY


def test_a_report_is_named_by_its_content() -> None:
    link = {"link": "https://example.com/a", "userAgent": "Mozilla/5.0", "ipAddress": "17.1.2.3"}
    facts = [
        body("email.opened"),
        body("email.delivered"),
        body("email.opened", email_id="e-2"),
        body("email.opened") | {"created_at": "2026-03-01T12:00:01Z"},
        body("email.clicked", click=link),
        body("email.clicked", click=link | {"link": "https://example.com/b"}),
    ]

    names = {WORDS.read(fact).name for fact in facts}

    assert len(names) == len(facts)
    assert WORDS.read(dict(reversed(facts[0].items()))).name == WORDS.read(facts[0]).name


def test_a_click_names_its_link_and_may_show_a_machine() -> None:
    link = {"link": "https://example.com/a", "userAgent": "Mozilla/5.0", "ipAddress": "17.1.2.3"}

    report = WORDS.read(body("email.clicked", click=link))

    assert (report.link, report.machine) == ("https://example.com/a", True)


def test_of_several_recipients_none_is_named() -> None:
    assert WORDS.read(body("email.bounced", to=["ada@example.com", "bob@example.com"])).address is None


@pytest.mark.parametrize("fact", [None, [], {}, {"type": 3}, "email.sent"])
def test_what_says_no_type_is_not_in_resends_form(fact: object) -> None:
    with pytest.raises(ValueError, match="`type`"):
        WORDS.read(fact)
