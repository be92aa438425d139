"""Advice names what was meant, or what there is: never something else."""

import pytest

from drumbeat.core.suggestions import instead, instead_of_name
from drumbeat.providers import registry as providers


@pytest.mark.parametrize(
    "name", ["smtp", "sendgrid", "sparkpost", "brevo", "mailchimp", "mailjet", "mailersend", "twilio", "webhook"]
)
def test_another_vendor_is_no_misspelling(name: str) -> None:
    assert instead(name, providers.names()).startswith("there are ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mailgn", "mailgun"),
        ("Mailgun", "mailgun"),
        ("hubspott", "hubspot"),
        ("https", "http"),
        ("htpp", "http"),
        ("re-send", "resend"),
        ("hub", "hubspot"),
    ],
)
def test_a_misspelling_is_corrected(name: str, meant: str) -> None:
    assert instead(name, providers.names()) == f"did you mean {meant}?"


def test_one_name_is_one() -> None:
    assert instead("nope", ["newsletter"]) == "there is newsletter"
    assert instead("nope", ["b", "a"]) == "there are a, b"
    assert instead("nope", []) == "there are none"


def test_an_unknown_variable_is_a_field_of_the_payload() -> None:
    assert instead_of_name("email", ("event", "payload")) == "did you mean payload.email?"
    assert instead_of_name("evnt", ("event", "payload")) == "did you mean event?"
