"""Postmark's webhooks, which are not signed: Basic credentials, or a header of the user's own.

https://postmarkapp.com/developer/webhooks/webhooks-overview
https://postmarkapp.com/developer/api/bounce-api#bounce-types
"""

import base64
from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports.base import Destination, Occurrence, Sent, Signing, Written, iso, made, visitor

# Type, its code, its name, its description, what the other server said, and whether the address is deactivated.
BOUNCES = {
    Kind.BOUNCED: ("HardBounce", 1, "Hard bounce",
                   "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
                   "smtp;550 5.1.1 The email account that you tried to reach does not exist.", True),
    Kind.SOFT_BOUNCED: ("SoftBounce", 4096, "Soft bounce",
                        "Unable to temporarily deliver message (i.e. mailbox full, account disabled, exceeds quota, "
                        "out of disk space).", "smtp;452 4.2.2 The mailbox is full.", False),
    Kind.REFUSED: (
        "SMTPApiError",
        100007,
        "SMTP API error",
        "An error occurred while accepting an email through the SMTP API.",
        "",
        False,
    ),
    Kind.BLOCKED: ("SpamNotification", 512, "Spam notification",
                   "The message was delivered, but was either blocked by the user, or classified as spam, bulk mail, "
                   "or had rejected content.", "smtp;550 5.7.1 Message rejected due to content restrictions.", False),
    Kind.COMPLAINED: ("SpamComplaint", 100001, "Spam complaint",
                      "The subscriber explicitly marked this message as spam.", "", True),
}  # fmt: skip
SERVER = 23


class Postmark:
    """A bounce has an id; nothing else has. What is told again has the same bytes."""

    automatic = (Kind.DELIVERED,)
    says = frozenset(BOUNCES) | {Kind.DELIVERED, Kind.UNSUBSCRIBED, Kind.OPENED, Kind.CLICKED, Kind.OTHER}
    ends = frozenset({403})

    def problem(self, destination: Destination) -> str | None:
        """Ask for the credentials."""
        if destination.header:
            return None if destination.secret else "secret is the value of the header"
        user, colon, password = destination.secret.partition(":")
        return None if user and colon and password else "secret is user:password, the Basic credentials"

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:  # noqa: ARG002
        """Return the record with the credentials beside it."""
        secret = destination.secret
        basic = "Basic " + base64.b64encode(secret.encode()).decode()
        known = {destination.header: secret} if destination.header else {"Authorization": basic}
        body = encode(_record(occurrence, sent)).encode()
        return {"Content-Type": "application/json", "User-Agent": "Postmark", **known}, body


def _record(occurrence: Occurrence, sent: Sent) -> dict[str, Any]:
    kind, when = occurrence.kind, iso(occurrence.at, digits=6)
    record: dict[str, Any] = {
        "MessageID": sent.id, "ServerID": SERVER, "MessageStream": sent.stream, "Metadata": dict(sent.variables),
        "Tag": sent.labels[0] if sent.labels else "",
    }  # fmt: skip
    if kind in BOUNCES:
        return record | _bounce(occurrence, sent, when)
    record["Recipient"] = occurrence.recipient
    if kind == Kind.DELIVERED:
        return record | {"RecordType": "Delivery", "DeliveredAt": when, "Details": occurrence.said or "250 2.0.0 OK"}
    if kind == Kind.UNSUBSCRIBED:
        return record | {"RecordType": "SubscriptionChange", "ChangedAt": when, "Origin": "Recipient",
                         "SuppressSending": True, "SuppressionReason": "ManualSuppression"}  # fmt: skip
    if kind not in (Kind.OPENED, Kind.CLICKED):
        return record | {"RecordType": occurrence.word or "Other", "ReceivedAt": when}
    ip, agent = visitor(occurrence)
    record |= {
        "ReceivedAt": when, "Platform": "Desktop", "UserAgent": agent, "OS": {"Name": "Linux"},
        "Client": {"Name": "Firefox", "Company": "Mozilla", "Family": "Firefox"},
        "Geo": {"CountryISOCode": "DE", "Country": "Germany", "IP": ip},
    }  # fmt: skip
    if kind == Kind.OPENED:
        return record | {"RecordType": "Open", "FirstOpen": True, "ReadSeconds": 5}
    return record | {"RecordType": "Click", "ClickLocation": "HTML", "OriginalLink": occurrence.link}


def _bounce(occurrence: Occurrence, sent: Sent, when: str) -> dict[str, Any]:
    name, code, title, description, details, inactive = BOUNCES[occurrence.kind]
    complained = occurrence.kind == Kind.COMPLAINED
    return {
        "RecordType": "SpamComplaint" if complained else "Bounce",
        "ID": int(made(10, occurrence.name), 16),
        "Type": name, "TypeCode": code, "Name": title, "Description": description,
        "Details": occurrence.said or details, "Email": occurrence.recipient, "From": sent.sender, "BouncedAt": when,
        "DumpAvailable": False, "Inactive": inactive, "CanActivate": not complained, "Subject": sent.subject,
    }  # fmt: skip


REPORTER = Postmark()
