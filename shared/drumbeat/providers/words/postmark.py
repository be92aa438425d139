"""Postmark's words: the bodies of its webhooks.

https://postmarkapp.com/developer/webhooks/webhooks-overview and, for `Type`,
https://postmarkapp.com/developer/api/bounce-api#bounce-types
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

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
    within,
    word,
    words,
)

# "Our API uses Eastern Time Zone": https://postmarkapp.com/developer/api/messages-api. An offset goes before that.
EASTERN = ZoneInfo("America/New_York")

_DELIVERY, _BOUNCE, _COMPLAINT, _SUBSCRIPTION = "Delivery", "Bounce", "SpamComplaint", "SubscriptionChange"
_KINDS = {
    _DELIVERY: Kind.DELIVERED,
    _COMPLAINT: Kind.COMPLAINED,
    "Open": Kind.OPENED,
    "Click": Kind.CLICKED,
}
_BOUNCES = {
    "HardBounce": Kind.BOUNCED,
    "BadEmailAddress": Kind.BOUNCED,
    "SpamComplaint": Kind.COMPLAINED,
    "Unsubscribe": Kind.UNSUBSCRIBED,
    "Transient": Kind.SOFT_BOUNCED,
    "DnsError": Kind.SOFT_BOUNCED,
    "SoftBounce": Kind.SOFT_BOUNCED,
    "Unknown": Kind.SOFT_BOUNCED,
    "SpamNotification": Kind.BLOCKED,  # delivered, and then called spam by a filter
    "VirusNotification": Kind.BLOCKED,
    "Blocked": Kind.BLOCKED,
    "DMARCPolicy": Kind.BLOCKED,
    # Postmark sent nothing.
    "ManuallyDeactivated": Kind.REFUSED,
    "SMTPApiError": Kind.REFUSED,
    "TemplateRenderingFailed": Kind.REFUSED,
    # Answers of programs: the mail was taken, and nothing is known of the address.
    "AutoResponder": Kind.ACCEPTED,
    "AddressChange": Kind.ACCEPTED,
    "ChallengeVerification": Kind.ACCEPTED,
    "Subscribe": Kind.ACCEPTED,
    "Unconfirmed": Kind.ACCEPTED,
    "OpenRelayTest": Kind.ACCEPTED,
}
# https://postmarkapp.com/developer/webhooks/subscription-change-webhook
_SUPPRESSIONS = {"HardBounce": Kind.BOUNCED, "SpamComplaint": Kind.COMPLAINED}
_BY_HAND = "ManualSuppression"  # of its Origin: the Recipient, by Postmark's link; a Customer or Admin of Postmark's
_TIMES = ("BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt")
_RECIPIENTS = ("Email", "Recipient")


class Postmark(Words):
    """One record for each webhook. A bounce's id stays when a soft one turns hard, so its type names it too."""

    def read(self, fact: object) -> Report:
        """Read a webhook's body."""
        record = fields(fact)
        name = record.get("RecordType")
        if not isinstance(name, str):
            raise ValueError("a report of Postmark's has the text `RecordType`")
        kind = _kind(name, record)
        type = text(record.get("Type"))
        key = our_key(within(record, "Metadata", "effect_id"))
        reference = reference_of(record.get("MessageID"), key)
        address = _first(record, _RECIPIENTS)
        at = _first(record, _TIMES)
        link = text(record.get("OriginalLink")) if kind is Kind.CLICKED else ""
        id = record.get("ID")
        numbered = isinstance(id, int) and not isinstance(id, bool) and 0 < id < 2**63
        content = ("postmark", name, type, key or reference or address, at, record.get("SuppressSending"), link)
        return Report(
            name=f"{word(type or name)} {id}" if numbered else name_of(*content),
            kind=kind,
            word=word(name, type, record.get("SuppressionReason")),
            at=instant(at, EASTERN),
            key=key,
            reference=reference,
            address=address or None,
            said=words(record.get("Details")) or words(record.get("Description")),
            link=link,
            machine=by_machine(kind, record.get("UserAgent"), within(record, "Geo", "IP")),
        )


def _kind(name: str, record: Mapping[str, object]) -> Kind:
    if name == _BOUNCE:
        return _BOUNCES.get(text(record.get("Type")), Kind.OTHER)
    if name != _SUBSCRIPTION:
        return _KINDS.get(name, Kind.OTHER)
    if record.get("SuppressSending") is not True:
        return Kind.OTHER  # the person may be mailed again there: nothing that a program may decide here
    reason = text(record.get("SuppressionReason"))
    if reason == _BY_HAND and record.get("Origin") == "Recipient":
        return Kind.UNSUBSCRIBED
    return _SUPPRESSIONS.get(reason, Kind.OTHER)


def _first(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    return next((given for given in (text(record.get(name)) for name in names) if given), "")


WORDS: Words = Postmark()
