"""What a body says about consent is read in one way, whatever the body is."""

import json

import pytest

from drumbeat.core.consent import Statement, document, evidence, statements

SAID = {
    "consent": [{"list": "news", "text": "Yes.", "at": "2026-01-01T00:00:00Z", "kind": "pending"}, {"list": "offers"}],
    "evidence": {"form": "https://example.com"},
}


def test_each_list_has_what_is_said_of_it_and_what_the_person_agreed_to() -> None:
    assert statements(SAID, "api") == [
        Statement("news", "pending", {"text": "Yes.", "at": "2026-01-01T00:00:00Z"}),
        Statement("offers", "given", {}),
    ]
    assert evidence(SAID, "form", "news") == {
        "text": "Yes.", "at": "2026-01-01T00:00:00Z", "form": "https://example.com"
    }  # fmt: skip
    assert evidence(SAID, "form", "another") == {"form": "https://example.com"}


def test_what_a_webhook_brings_is_its_senders() -> None:
    assert (statements(SAID, "webhook"), evidence(SAID, "webhook", "news")) == ([], {})


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"no JSON",
        b"\xff",
        b"[" * 200_000,
        b"7",
        b'["consent"]',
        b'{"consent": "news", "evidence": ["form"]}',
    ],
)
def test_a_body_of_another_form_says_nothing(body: bytes | None) -> None:
    found = document(body)

    assert (statements(found, "api"), evidence(found, "api", "news")) == ([], {})


def test_what_is_no_statement_is_left_out_and_what_names_no_list_is_of_the_mail() -> None:
    said = document(json.dumps({"consent": ["news", 7, None, {"list": 7}, {"list": None, "kind": None}]}).encode())

    assert statements(said, "unsubscribe") == [Statement(None, "given", {}), Statement(None, "None", {})]
