"""Amazon SES: the events that a configuration set publishes, the older notifications of an identity, and either as
EventBridge wraps it.

SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS notification
contents for Amazon SES".
"""

from collections.abc import Callable, Mapping

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words.base import (
    Words,
    by_machine,
    fields,
    instant,
    name_of,
    our_key,
    reference_of,
    text,
    word,
    words,
)
from drumbeat.providers.words.ses_bounces import bounced_as

TAG, HEADER = "effect-id", "x-drumbeat-effect"  # as the adapter sets them; tags are not in every notification

type Fields = Mapping[str, object]

# By the event's type, the field with what is said of it.
_PARTS = {
    "Send": "send",
    "Delivery": "delivery",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Reject": "reject",
    "Open": "open",
    "Click": "click",
    "Rendering Failure": "failure",
    "RenderingFailure": "failure",
    "DeliveryDelay": "deliveryDelay",
    "Subscription": "subscription",
}
_RECIPIENTS = ("bouncedRecipients", "complainedRecipients", "delayedRecipients", "recipients")


class Ses(Words):
    """SES gives each repeat of an event another id, so a report is named by its content."""

    def read(self, fact: object) -> Report:
        """Read one event of a mail to one recipient."""
        event = fields(fact)
        event = fields(event.get("detail")) or event
        mail, type = fields(event.get("mail")), event.get("eventType", event.get("notificationType"))
        message = mail.get("messageId")
        if not isinstance(type, str) or not isinstance(message, str):
            raise ValueError("it is no event of Amazon SES")
        said = fields(event.get(_PARTS.get(type, "")))
        kind, parts = _kind(type, said)
        happened, key = said.get("timestamp") or mail.get("timestamp"), _key(mail)
        address, recipient = _recipient(said, mail)
        link = text(said.get("link")) if kind is Kind.CLICKED else ""
        return Report(
            name=name_of("ses", message, type, said.get("feedbackId") or happened, link),
            kind=kind,
            word=word(type, *parts),
            at=instant(happened),
            key=key,
            reference=reference_of(message, key),
            address=address or None,
            said=_said(said, recipient),
            link=link,
            machine=by_machine(kind, said.get("userAgent"), said.get("ipAddress")),
        )


def _kind(word: str, said: Fields) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind, and what SES says of it beside the type."""
    known = _KINDS.get(word)
    return known(said) if callable(known) else (known or Kind.OTHER, ())


def _of_bounce(bounce: Fields) -> tuple[Kind, tuple[str, ...]]:
    kind, part = _text(bounce, "bounceType"), _text(bounce, "bounceSubType")
    return bounced_as(kind, part), (kind, part)


def _of_complaint(complaint: Fields) -> tuple[Kind, tuple[str, ...]]:
    kind = _text(complaint, "complaintFeedbackType")
    return (Kind.OTHER if kind == "not-spam" else Kind.COMPLAINED), (kind, _text(complaint, "complaintSubType"))


def _of_subscription(subscription: Fields) -> tuple[Kind, tuple[str, ...]]:
    """A person changed what they take of SES's own contact list; who is out of no more than before has not left."""
    old, new = (fields(subscription.get(name)) for name in ("oldTopicPreferences", "newTopicPreferences"))
    left = _topics_out(new) - _topics_out(old) or (_out_of_all(new) and not _out_of_all(old))
    return (Kind.UNSUBSCRIBED if left else Kind.OTHER), ()


def _out_of_all(preferences: Fields) -> bool:
    return preferences.get("unsubscribeAll") is True


def _topics_out(preferences: Fields) -> set[str]:
    topics = preferences.get("topicSubscriptionStatus")
    listed = map(fields, topics if isinstance(topics, list) else ())
    return {_text(topic, "topicName") for topic in listed if _text(topic, "subscriptionStatus").lower() == "optout"}


_KINDS: Mapping[str, Kind | Callable[[Fields], tuple[Kind, tuple[str, ...]]]] = {
    "Send": Kind.ACCEPTED,
    "Delivery": Kind.DELIVERED,
    "Bounce": _of_bounce,
    "Complaint": _of_complaint,
    "Reject": Kind.REFUSED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
    "Rendering Failure": Kind.REFUSED,
    "RenderingFailure": Kind.REFUSED,
    "DeliveryDelay": Kind.DELAYED,
    "Subscription": _of_subscription,
}


def _key(mail: Fields) -> str | None:
    tagged, headers = fields(mail.get("tags")).get(TAG), mail.get("headers")
    found = tagged[:1] if isinstance(tagged, list) else []
    for header in map(fields, headers if isinstance(headers, list) else ()):
        if text(header.get("name")).lower() == HEADER:
            found.append(header.get("value"))
    return next(filter(None, map(our_key, found)), None)


def _recipient(said: Fields, mail: Fields) -> tuple[str, Fields]:
    """Return the address that the event is about, and what is said of it; each mail of ours has one recipient."""
    for some in (*(said.get(name) for name in _RECIPIENTS), mail.get("destination")):
        if isinstance(some, list) and some:
            return text(fields(some[0]).get("emailAddress", some[0])), fields(some[0])
    return "", {}


def _said(said: Fields, recipient: Fields) -> str:
    found = (
        recipient.get("diagnosticCode"),
        said.get("smtpResponse"),
        said.get("reason"),
        said.get("errorMessage"),
        said.get("delayType"),
    )
    return words(next((text for text in found if isinstance(text, str) and text), ""))


def _text(value: Fields, name: str) -> str:
    return text(value.get(name))


WORDS = Ses()
