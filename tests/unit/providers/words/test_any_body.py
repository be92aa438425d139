"""Bodies that no provider documents: each is a report or is refused, and no address gets into what the ledger keeps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.feedback import Report
from drumbeat.core.masking import holds_address
from drumbeat.providers.words import registry
from drumbeat.providers.words.base import MAX_NAME_CHARACTERS, MAX_SAID_CHARACTERS, MAX_WORD_CHARACTERS, Words

TEXTS = st.one_of(
    st.text(st.characters(), max_size=40),
    st.sampled_from(["ada@example.com", "<a%40b.example>", "HardBounce", "permanent", "bounce", "2026-03-01T12:00:00"]),
    st.text(max_size=20).map(lambda text: f"{text}ada@example.com{text}"),
)
# The names of fields that words read.
FIELDS = """
    event event-data severity reason id timestamp message headers message-id recipient url client-info bot user-
    agent delivery-status code enhanced-code description type created_at data email_id to tags name value click
    open link userAgent ipAddress bounce subType origin RecordType Type ID MessageID Metadata effect_id effect-id
    user-variables Email Recipient BouncedAt DeliveredAt Details Description OriginalLink UserAgent Geo IP
    eventType notificationType mail messageId headers destination detail feedbackId bounceType bounceSubType
    bouncedRecipients emailAddress diagnosticCode complaintFeedbackType ipAddress newTopicPreferences
    oldTopicPreferences topicSubscriptionStatus topicName subscriptionStatus unsubscribeAll subscription
    SuppressSending Origin SuppressionReason kind key at reference email said machine
"""
NAMES = st.sampled_from(FIELDS.split())
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=12),
    max_leaves=40,
)


def object_of(*texts: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects that have these fields as texts, so that they come past the first check."""
    return st.builds(
        lambda required, rest: rest | required,
        st.fixed_dictionaries(dict.fromkeys(texts, TEXTS)),
        st.dictionaries(NAMES, ANY, max_size=12),
    )


BODIES = {
    "http": object_of("kind"),
    "mailgun": object_of("event").map(lambda event: {"event-data": event}),
    "postmark": object_of("RecordType"),
    "resend": object_of("type"),
    "ses": st.builds(
        lambda event, mail: event | {"mail": mail},
        object_of("eventType").map(lambda event: {name: value for name, value in event.items() if name != "detail"}),
        object_of("messageId"),
    ),
}
EVERY = pytest.mark.parametrize("provider", sorted(BODIES))


@EVERY
@given(data=st.data())
def test_any_value_is_a_report_or_refused(provider: str, data: st.DataObject) -> None:
    fact = data.draw(ANY)

    said = _refusal(provider, fact)

    assert "ada" not in said


@EVERY
@given(data=st.data())
def test_any_object_in_the_form_is_one_report_that_the_ledger_may_keep(provider: str, data: st.DataObject) -> None:
    fact = data.draw(BODIES[provider])
    words: Words = registry.of(provider)

    report = words.read(fact)

    _fits(report)
    assert words.read(fact) == report


def _refusal(provider: str, fact: object) -> str:
    try:
        registry.of(provider).read(fact)
    except ValueError as error:
        return str(error)
    return ""


def _fits(report: Report) -> None:
    assert 1 <= len(report.name) <= MAX_NAME_CHARACTERS
    assert len(report.word) <= MAX_WORD_CHARACTERS
    assert len(report.said) <= MAX_SAID_CHARACTERS
    for kept in (report.name, report.word, report.said, report.reference or ""):
        assert kept.isprintable()
        assert not holds_address(kept)
    for private in (report.address or "", report.link):
        private.encode()
    assert report.at is None or report.at.utcoffset() is not None
