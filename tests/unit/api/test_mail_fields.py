"""A mail is read out of the request of whichever provider it was built for."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from drumbeat.api.mail_fields import MailFields, mail_of
from drumbeat.core.actions import SendEmail, UpsertContact
from drumbeat.providers import registry
from drumbeat.providers.base import Target

SETTINGS = {
    "domain": "mg.example.com",
    "from": "Ada <ada@example.com>",
    "region": "eu-central-1",
    "configuration_set": "drumbeat",
    "stream": "outbound",
}
MAIL = SendEmail("bob@example.org", "Ferns & more", "Good morning", "<p>Good morning</p>")


def fields(body: bytes, content_type: str) -> dict[str, object]:
    return dict(parse_qsl(body.decode())) if "form" in content_type else dict(json.loads(body))


@pytest.mark.parametrize("name", ["mailgun", "postmark", "resend", "ses"])
def test_the_mail_of_each_provider_is_found_in_its_request(name: str) -> None:
    target = Target("mail", "https://api.example.com", SETTINGS)

    built = registry.get(name).build(target, MAIL, key="00000000-0000-0000-0000-000000000001-1")

    assert mail_of(fields(built.body, built.headers["content-type"])) == MailFields(MAIL.subject, MAIL.text, MAIL.html)


def test_what_is_no_mail_is_not_taken_for_one() -> None:
    target = Target("crm", "https://api.example.com", {})
    contact = registry.get("hubspot").build(target, UpsertContact("bob@example.org", {"a": "b"}), key="k-1")

    others: tuple[Any, ...] = (
        json.loads(contact.body),
        {},
        {"subject": "Hello"},
        {"Content": {"Simple": []}},
        {"Content": 1},
    )
    assert [mail_of(other) for other in others] == [None] * len(others)
