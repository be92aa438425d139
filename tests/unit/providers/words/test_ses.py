"""The words of Amazon SES."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.providers.words import registry
from drumbeat.providers.words.ses import WORDS
from tests.conftest import VECTORS

BOUNCE = VECTORS / "payloads" / "ses.sns.bounce.json"
KEY = "0b8f2d6e-93a1-5c77-8d1e-3f1f6f0f9a11-1"
AT = "2026-03-01T12:00:00.123Z"
MAIL: dict[str, Any] = {
    "timestamp": "2026-03-01T11:59:00.000Z",
    "source": "ada@example.com",
    "messageId": "0102-abc",
    "destination": ["grace@example.org"],
    "tags": {"effect-id": [KEY], "ses:configuration-set": ["marketing"]},
    "headers": [{"name": "Subject", "value": "Hello"}],
}


def event(word: str, name: str = "", mail: dict[str, Any] = MAIL, **said: Any) -> dict[str, Any]:
    return {"eventType": word, "mail": mail, **({name: {"timestamp": AT, **said}} if name else {})}


def bounce(kind: str, part: str = "General") -> dict[str, Any]:
    recipients = [{"emailAddress": "grace@example.org", "diagnosticCode": "smtp; 550 <grace@example.org> unknown"}]
    return event("Bounce", "bounce", bounceType=kind, bounceSubType=part, bouncedRecipients=recipients)


def preferences(**new: object) -> dict[str, Any]:
    return event("Subscription", "subscription", newTopicPreferences=new)


@pytest.mark.parametrize(
    ("fact", "kind", "word"),
    [
        (event("Send"), Kind.ACCEPTED, "Send"),
        (event("Delivery", "delivery"), Kind.DELIVERED, "Delivery"),
        (bounce("Permanent"), Kind.BOUNCED, "Bounce Permanent General"),
        (bounce("Permanent", "Suppressed"), Kind.BOUNCED, "Bounce Permanent Suppressed"),
        (bounce("Permanent", "OnAccountSuppressionList"), Kind.BOUNCED, "Bounce Permanent OnAccountSuppressionList"),
        (bounce("Transient"), Kind.SOFT_BOUNCED, "Bounce Transient General"),
        (bounce("Transient", "MailboxFull"), Kind.SOFT_BOUNCED, "Bounce Transient MailboxFull"),
        (bounce("Transient", "MessageTooLarge"), Kind.BLOCKED, "Bounce Transient MessageTooLarge"),
        (bounce("Transient", "ContentRejected"), Kind.BLOCKED, "Bounce Transient ContentRejected"),
        (bounce("Transient", "AttachmentRejected"), Kind.BLOCKED, "Bounce Transient AttachmentRejected"),
        (bounce("Undetermined", "Undetermined"), Kind.SOFT_BOUNCED, "Bounce Undetermined Undetermined"),
        (event("Complaint", "complaint", complaintFeedbackType="abuse"), Kind.COMPLAINED, "Complaint abuse"),
        (event("Complaint", "complaint", complaintSubType=None), Kind.COMPLAINED, "Complaint"),
        (event("Complaint", "complaint", complaintFeedbackType="not-spam"), Kind.OTHER, "Complaint not-spam"),
        (event("Reject", "reject", reason="Bad content"), Kind.REFUSED, "Reject"),
        (event("Rendering Failure", "failure", errorMessage="x"), Kind.REFUSED, "Rendering Failure"),
        (event("DeliveryDelay", "deliveryDelay", delayType="MailboxFull"), Kind.DELAYED, "DeliveryDelay"),
        (event("Open", "open"), Kind.OPENED, "Open"),
        (event("Click", "click", link="https://example.com/a"), Kind.CLICKED, "Click"),
        (preferences(unsubscribeAll=True), Kind.UNSUBSCRIBED, "Subscription"),
        (
            preferences(unsubscribeAll=False, topicSubscriptionStatus=[{"subscriptionStatus": "OptOut"}]),
            Kind.UNSUBSCRIBED,
            "Subscription",
        ),
        (preferences(topicSubscriptionStatus=[{"subscriptionStatus": "OptIn"}]), Kind.OTHER, "Subscription"),
        (event("Teleport"), Kind.OTHER, "Teleport"),
    ],
)
def test_every_word_has_its_kind(fact: dict[str, Any], kind: Kind, word: str) -> None:
    report = WORDS.read(fact)

    assert (report.kind, report.word) == (kind, word)
    assert report.key == KEY
    assert report.reference == "0102-abc"


def test_a_bounce_says_when_to_whom_and_why_without_an_address() -> None:
    report = WORDS.read(bounce("Permanent"))

    assert report.at == datetime(2026, 3, 1, 12, 0, 0, 123000, UTC)
    assert report.address == "grace@example.org"
    assert report.said.startswith("smtp; 550")
    assert "grace" not in report.said + report.word + report.name


def test_what_has_no_time_of_its_own_has_the_mails() -> None:
    assert WORDS.read(event("Send")).at == datetime(2026, 3, 1, 11, 59, tzinfo=UTC)


@pytest.mark.skipif(not BOUNCE.exists(), reason=f"no vectors at {VECTORS}; set DRUMBEAT_VECTORS")
def test_the_published_notification_of_a_bounce_is_read() -> None:
    fact = json.loads(json.loads(BOUNCE.read_bytes())["payload"]["Message"])

    report = WORDS.read(fact)

    assert (report.kind, report.word) == (Kind.BOUNCED, "Bounce Permanent General")
    assert report.address == "jane@example.com"
    assert report.at == datetime(2016, 1, 27, 14, 59, 44, 101000, UTC)
    assert report.key is None
    assert "jane" not in report.said


def test_without_tags_the_key_is_in_the_headers() -> None:
    mail = {name: value for name, value in MAIL.items() if name != "tags"}
    mail["headers"] = [{"name": "X-Drumbeat-Effect", "value": KEY}]

    report = WORDS.read({"notificationType": "Delivery", "mail": mail, "delivery": {"timestamp": AT}})

    assert (report.key, report.kind) == (KEY, Kind.DELIVERED)


def test_the_wrapper_of_eventbridge_changes_nothing() -> None:
    wrapped = {"source": "aws.ses", "detail-type": "Email Bounced", "detail": bounce("Permanent")}

    assert WORDS.read(wrapped) == WORDS.read(bounce("Permanent"))


def test_a_repeat_under_another_order_of_fields_is_the_same_report_and_another_event_is_not() -> None:
    first = event("Click", "click", link="https://example.com/a")
    again = dict(reversed(first.items()))
    others = [
        event("Click", "click", link="https://example.com/b"),
        event("Click", "click", link="https://example.com/a", timestamp="2026-03-01T12:00:01Z"),
        event("Open", "open"),
        event("Click", "click", mail=MAIL | {"messageId": "0102-def"}, link="https://example.com/a"),
    ]

    names = {WORDS.read(other).name for other in others}

    assert WORDS.read(again) == WORDS.read(first)
    assert len(names | {WORDS.read(first).name}) == 5


ALL_OUT = {"unsubscribeAll": True}


def topics(**statuses: str) -> dict[str, Any]:
    each = [{"topicName": name, "subscriptionStatus": status} for name, status in statuses.items()]
    return {"unsubscribeAll": False, "topicSubscriptionStatus": each}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (topics(news="OptIn"), topics(news="OptOut"), Kind.UNSUBSCRIBED),
        (topics(news="OptOut", offers="OptOut"), topics(news="OptIn", offers="OptOut"), Kind.OTHER),
        (topics(news="OptOut", offers="OptIn"), topics(news="OptIn", offers="OptOut"), Kind.UNSUBSCRIBED),
        (topics(), topics(news="OptOut"), Kind.UNSUBSCRIBED),
        (topics(news="OptOut"), topics(news="OptOut") | ALL_OUT, Kind.UNSUBSCRIBED),
        (topics(news="OptOut") | ALL_OUT, topics(news="OptOut"), Kind.OTHER),
        (topics(news="OptOut") | ALL_OUT, topics(news="OptOut") | ALL_OUT, Kind.OTHER),
        ([], topics(news="OptOut"), Kind.UNSUBSCRIBED),
        ({"topicSubscriptionStatus": [7, {"topicName": []}]}, topics(news="OptIn"), Kind.OTHER),
    ],
)
def test_who_is_out_of_more_than_before_has_left(old: object, new: object, kind: Kind) -> None:
    changed = event("Subscription", "subscription", oldTopicPreferences=old, newTopicPreferences=new)

    assert WORDS.read(changed).kind is kind


@pytest.mark.parametrize(
    "fact", [None, "Successfully validated SNS topic", [], {}, {"eventType": "Send"}, {"mail": MAIL}]
)
def test_what_is_no_event_of_ses_is_refused_without_quoting_it(fact: object) -> None:
    with pytest.raises(ValueError, match=r"^it is no event of Amazon SES$"):
        WORDS.read(fact)


@pytest.mark.parametrize(
    "broken",
    [
        {"bounce": 7},
        {"bounce": {"timestamp": 1e400, "bouncedRecipients": [7]}},
        {"mail": MAIL | {"tags": [], "headers": [7, {}], "destination": "x"}},
        {"mail": MAIL | {"tags": {"effect-id": [7]}}},
    ],
)
def test_odd_values_never_break_it(broken: dict[str, Any]) -> None:
    assert WORDS.read(bounce("Permanent") | broken).name.startswith("sha256:")


def test_ses_has_its_words_under_its_name() -> None:
    assert registry.of("ses") is WORDS


@pytest.mark.parametrize(
    ("agent", "ip", "machine"),
    [("Mozilla/5.0", "17.58.101.5", True), ("", "17.58.101.5", True), ("Mozilla/5.0 (X11) Firefox/128.0", "", False)],
)
def test_what_shows_itself_as_a_program_is_marked(agent: str, ip: str, machine: bool) -> None:
    opened = WORDS.read(event("Open", "open", userAgent=agent, ipAddress=ip))

    assert (opened.kind, opened.machine) == (Kind.OPENED, machine)
    assert not WORDS.read(bounce("Permanent")).machine


def test_a_tag_that_is_no_key_of_ours_gives_way_to_the_header() -> None:
    mail = MAIL | {"tags": {"effect-id": ["other"]}, "headers": [{"name": "x-drumbeat-effect", "value": KEY}]}

    assert WORDS.read(event("Send", mail=mail)).key == KEY
    assert WORDS.read(event("Send", mail=MAIL | {"tags": {"effect-id": ["other"]}})).key is None


def test_a_report_s_name_holds_nothing_that_could_be_tried_for_addresses() -> None:
    other = bounce("Permanent")
    other["bounce"]["bouncedRecipients"] = [{"emailAddress": "other@example.org"}]

    assert WORDS.read(other).name == WORDS.read(bounce("Permanent")).name
