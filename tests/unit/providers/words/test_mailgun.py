"""Mailgun's events as reports."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.providers.words.mailgun import WORDS
from tests.unit.providers.words.payloads import KEY, published

APPLE, BROWSER = "Mozilla/5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def body(**event: Any) -> dict[str, Any]:
    return {"signature": {"token": "t", "timestamp": "1", "signature": "s"}, "event-data": event}


def failed(reason: str, severity: str = "permanent", /, **status: Any) -> dict[str, Any]:
    return body(event="failed", severity=severity, reason=reason, **{"delivery-status": status})


def test_a_delivery_as_it_was_recorded() -> None:
    report = WORDS.read(published("mailgun.delivered"))

    assert (report.kind, report.word, report.said) == (Kind.DELIVERED, "delivered", "OK")
    assert report.name == "hTWCTD81RtiDN-... 2018-08-12"
    assert report.at == datetime(2018, 8, 12, 21, 17, 17, 153125, tzinfo=UTC)
    assert report.address == "recipient@example.com"
    assert report.key is None


def test_a_complaint_as_it_was_recorded() -> None:
    report = WORDS.read(published("mailgun.complained"))

    assert (report.kind, report.name) == (Kind.COMPLAINED, "ncV2XwymRUKbPek_MIM-Gw 2013-08-22")
    assert report.address == "recipient@example.com"


def test_a_permanent_failure_as_it_was_recorded() -> None:
    report = WORDS.read(published("mailgun.failed.permanent"))

    assert (report.kind, report.word) == (Kind.BOUNCED, "failed permanent bounce")
    assert report.said.startswith("5.1.1 The email account that you tried to reach does not exist. Please try 5.1.1")
    assert report.name.startswith("sha256:")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("accepted", Kind.ACCEPTED),
        ("delivered", Kind.DELIVERED),
        ("rejected", Kind.REFUSED),
        ("opened", Kind.OPENED),
        ("clicked", Kind.CLICKED),
        ("unsubscribed", Kind.UNSUBSCRIBED),
        ("complained", Kind.COMPLAINED),
        ("stored", Kind.OTHER),
        ("failed", Kind.OTHER),  # without a severity
    ],
)
def test_each_event_has_its_kind(event: str, kind: Kind) -> None:
    assert WORDS.read(body(event=event)).kind is kind


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (failed("generic", "temporary", code=421, message="5.1.1 try later"), Kind.SOFT_BOUNCED),
        (failed("suppress-bounce", code=605), Kind.BOUNCED),
        (failed("suppress-complaint", code=607), Kind.COMPLAINED),
        (failed("suppress-unsubscribe", code=606), Kind.UNSUBSCRIBED),
        (failed("old", code=602), Kind.SOFT_BOUNCED),
        (failed("espblock", code=550, message="blocked"), Kind.BLOCKED),
        (failed("bounce", code=550, message="no such user"), Kind.BOUNCED),
        (failed("bounce", code=552, message="message too large"), Kind.BLOCKED),
        (failed("bounce", code=550, message="5.7.1 rejected by policy"), Kind.BLOCKED),
        (failed("bounce", **{"enhanced-code": "5.2.2", "message": "over quota"}), Kind.SOFT_BOUNCED),
        (failed("generic", code=550, message="5.1.1 no such user"), Kind.BOUNCED),
        (failed("generic", code=498, message="No MX for example.com"), Kind.SOFT_BOUNCED),
    ],
)
def test_a_failure_is_told_by_severity_reason_and_the_servers_answer(fact: object, kind: Kind) -> None:
    assert WORDS.read(fact).kind is kind


def test_the_key_comes_back_as_a_variable() -> None:
    assert WORDS.read(body(event="opened", **{"user-variables": {"effect-id": KEY}})).key == KEY


def test_the_key_is_also_the_first_half_of_the_message_id() -> None:
    report = WORDS.read(body(event="opened", message={"headers": {"message-id": f"<{KEY}@mg.example.com>"}}))

    assert (report.key, report.reference) == (KEY, f"{KEY}@mg.example.com")


def test_an_event_that_is_signed_and_sent_again_is_the_same_report() -> None:
    again = body(event="opened", id="a", timestamp=1_700_000_000.25)

    assert WORDS.read(again | {"signature": {"token": "other"}}) == WORDS.read(again)


def test_an_id_counts_within_its_day_only() -> None:
    names = {WORDS.read(body(event="opened", id="a", timestamp=1_700_000_000 + 86_400 * day)).name for day in (0, 1)}

    assert len(names) == 2


@pytest.mark.parametrize(
    ("client", "machine"),
    [
        ({"bot": "apple", "user-agent": BROWSER}, True),
        ({"bot": "", "user-agent": BROWSER}, False),
        ({"user-agent": APPLE}, True),
        ({}, False),
    ],
)
def test_an_open_by_a_program_is_marked(client: dict[str, str], machine: bool) -> None:
    assert WORDS.read(body(event="opened", **{"client-info": client})).machine is machine


def test_a_click_names_its_link() -> None:
    assert WORDS.read(body(event="clicked", url="https://example.com/a?b=c")).link == "https://example.com/a?b=c"


@pytest.mark.parametrize("fact", [None, [], {}, {"event-data": []}, {"event-data": {"event": 3}}, {"event": "opened"}])
def test_what_names_no_event_is_not_in_mailguns_form(fact: object) -> None:
    with pytest.raises(ValueError, match="event-data"):
        WORDS.read(fact)
