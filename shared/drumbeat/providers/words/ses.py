"""Amazon SES: the events that a configuration set publishes, the older notifications of an identity, and either as
EventBridge wraps it.

SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS notification
contents for Amazon SES".
"""

from collections.abc import Callable, Mapping

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words.base import MAX_WORD_CHARACTERS, fields, instant, name_of, words

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
# Transient bounces that another mail to the same address need not meet.
_OF_THE_MAIL = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})


class Ses:
    """SES gives each repeat of an event another id, so a report is named by its content."""

    def read(self, fact: object) -> Report:
        """Read one event of a mail to one recipient."""
        event = fields(fact)
        event = fields(event.get("detail")) or event
        mail, word = fields(event.get("mail")), event.get("eventType") or event.get("notificationType")
        if not isinstance(word, str) or not isinstance(message := mail.get("messageId"), str):
            raise ValueError("it is no event of Amazon SES")
        said = fields(event.get(_PARTS.get(word, "")))
        address, recipient = _recipient(said, mail)
        happened = said.get("timestamp") or mail.get("timestamp")
        kind, parts = _kind(word, said)
        link = said.get("link") if kind is Kind.CLICKED else None
        return Report(
            name=name_of("ses", message, word, said.get("feedbackId") or happened, address, link),
            kind=kind,
            word=words(" ".join(part for part in (word, *parts) if part))[:MAX_WORD_CHARACTERS].strip(),
            at=instant(happened),
            key=_key(mail),
            reference=words(message) or None,
            address=address,
            said=_said(said, recipient),
            link=link if isinstance(link, str) else "",
        )


def _kind(word: str, said: Fields) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind, and what SES says of it beside the type."""
    known = _KINDS.get(word)
    return known(said) if callable(known) else (known or Kind.OTHER, ())


def _of_bounce(bounce: Fields) -> tuple[Kind, tuple[str, ...]]:
    kind, part = _text(bounce, "bounceType"), _text(bounce, "bounceSubType")
    if kind == "Permanent":
        return Kind.BOUNCED, (kind, part)
    return (Kind.BLOCKED if part in _OF_THE_MAIL else Kind.SOFT_BOUNCED), (kind, part)


def _of_complaint(complaint: Fields) -> tuple[Kind, tuple[str, ...]]:
    kind = _text(complaint, "complaintFeedbackType")
    return (Kind.OTHER if kind == "not-spam" else Kind.COMPLAINED), (kind, _text(complaint, "complaintSubType"))


def _of_subscription(subscription: Fields) -> tuple[Kind, tuple[str, ...]]:
    """A person changed what they take of SES's own contact list; who takes more has not left."""
    new = fields(subscription.get("newTopicPreferences"))
    topics = new.get("topicSubscriptionStatus")
    states = [_text(fields(topic), "subscriptionStatus") for topic in topics] if isinstance(topics, list) else []
    left = new.get("unsubscribeAll") is True or any(state.lower() == "optout" for state in states)
    return (Kind.UNSUBSCRIBED if left else Kind.OTHER), ()


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
    tagged = fields(mail.get("tags")).get(TAG)
    if isinstance(tagged, list) and tagged and isinstance(tagged[0], str):
        return tagged[0]
    headers = mail.get("headers")
    for header in headers if isinstance(headers, list) else ():
        if _text(fields(header), "name").lower() == HEADER:
            return _text(fields(header), "value") or None
    return None


def _recipient(said: Fields, mail: Fields) -> tuple[str | None, Fields]:
    """Return the address that the event is about, and what is said of it; each mail of ours has one recipient."""
    for some in (*(said.get(name) for name in _RECIPIENTS), mail.get("destination")):
        if isinstance(some, list) and some:
            address = fields(some[0]).get("emailAddress", some[0])
            return (address if isinstance(address, str) else None), fields(some[0])
    return None, {}


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
    found = value.get(name)
    return found if isinstance(found, str) else ""


WORDS = Ses()
