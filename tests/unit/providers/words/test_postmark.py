"""Postmark's records as reports."""

from datetime import UTC, datetime
from typing import Any

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.providers.words.postmark import WORDS
from tests.unit.providers.words.payloads import KEY, published


def changed(**change: Any) -> dict[str, Any]:
    return {"RecordType": "SubscriptionChange", "Recipient": "ada@example.com", "SuppressSending": True, **change}


def test_a_bounce_as_it_was_recorded() -> None:
    report = WORDS.read(published("postmark.bounce"))

    assert (report.kind, report.word, report.name) == (Kind.BOUNCED, "Bounce HardBounce", "HardBounce 901542550")
    assert report.at == datetime(2016, 4, 27, 20, 28, 50, 396393, tzinfo=UTC)
    assert (report.reference, report.address) == ("2706ee8a-737c-4285-b032-ccd317af53ed", "bounce@example.com")
    assert report.said == "smtp;550 5.1.1 The email account that you tried to reach does not exist."


def test_an_unsubscription_as_it_was_recorded() -> None:
    report = WORDS.read(published("postmark.subscription_change"))

    assert (report.kind, report.word) == (Kind.UNSUBSCRIBED, "SubscriptionChange ManualSuppression")
    assert report.at == datetime(2022, 6, 5, 17, 17, 32, tzinfo=UTC)
    assert report.address == "john@example.com"


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ("Delivery", Kind.DELIVERED),
        ("SpamComplaint", Kind.COMPLAINED),
        ("Open", Kind.OPENED),
        ("Click", Kind.CLICKED),
        ("Bounce", Kind.OTHER),  # without a type
        ("Inbound", Kind.OTHER),
    ],
)
def test_each_record_has_its_kind(record: str, kind: Kind) -> None:
    assert WORDS.read({"RecordType": record}).kind is kind


@pytest.mark.parametrize(
    ("type", "kind"),
    [
        ("HardBounce", Kind.BOUNCED),
        ("BadEmailAddress", Kind.BOUNCED),
        ("Transient", Kind.SOFT_BOUNCED),
        ("DnsError", Kind.SOFT_BOUNCED),
        ("SoftBounce", Kind.SOFT_BOUNCED),
        ("SpamNotification", Kind.BLOCKED),
        ("VirusNotification", Kind.BLOCKED),
        ("Blocked", Kind.BLOCKED),
        ("DMARCPolicy", Kind.BLOCKED),
        ("SpamComplaint", Kind.COMPLAINED),
        ("Unsubscribe", Kind.UNSUBSCRIBED),
        ("ManuallyDeactivated", Kind.REFUSED),
        ("SMTPApiError", Kind.REFUSED),
        ("AutoResponder", Kind.ACCEPTED),
        ("ChallengeVerification", Kind.ACCEPTED),
        ("InboundError", Kind.OTHER),
    ],
)
def test_each_type_of_bounce_has_its_kind(type: str, kind: Kind) -> None:
    assert WORDS.read({"RecordType": "Bounce", "Type": type}).kind is kind


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"SuppressionReason": "ManualSuppression", "Origin": "Recipient"}, Kind.UNSUBSCRIBED),
        ({"SuppressionReason": "ManualSuppression", "Origin": "Customer"}, Kind.OTHER),
        ({"SuppressionReason": "HardBounce", "Origin": "Recipient"}, Kind.BOUNCED),
        ({"SuppressionReason": "SpamComplaint", "Origin": "Recipient"}, Kind.COMPLAINED),
        ({"SuppressSending": False, "SuppressionReason": None, "Origin": "Recipient"}, Kind.OTHER),
    ],
)
def test_a_change_of_the_list_is_what_made_it(change: dict[str, Any], kind: Kind) -> None:
    assert WORDS.read(changed(**change)).kind is kind


def test_the_key_comes_back_as_metadata() -> None:
    assert WORDS.read({"RecordType": "Open", "Metadata": {"effect_id": KEY}}).key == KEY


def test_a_time_without_an_offset_is_that_of_new_york() -> None:
    report = WORDS.read({"RecordType": "Delivery", "DeliveredAt": "2026-01-15T07:00:00.1"})

    assert report.at == datetime(2026, 1, 15, 12, 0, 0, 100_000, tzinfo=UTC)


def test_a_bounce_that_turns_hard_is_another_report() -> None:
    soft, hard = ({"RecordType": "Bounce", "ID": 7, "Type": type} for type in ("SoftBounce", "HardBounce"))

    assert WORDS.read(soft).name != WORDS.read(hard).name


def test_people_who_are_listed_in_one_second_are_several_reports() -> None:
    ada, bob = (changed(Recipient=email, MessageID=None) for email in ("ada@example.com", "bob@example.com"))

    assert WORDS.read(ada).name != WORDS.read(bob).name


def test_a_click_names_its_link_and_may_show_a_machine() -> None:
    click = {"RecordType": "Click", "OriginalLink": "https://example.com/a", "UserAgent": "", "Geo": {"IP": "17.0.0.1"}}

    report = WORDS.read(click)

    assert (report.link, report.machine) == ("https://example.com/a", True)


@pytest.mark.parametrize("fact", [None, [], {}, {"RecordType": 3}, {"Type": "HardBounce"}])
def test_what_names_no_record_is_not_in_postmarks_form(fact: object) -> None:
    with pytest.raises(ValueError, match="`RecordType`"):
        WORDS.read(fact)
