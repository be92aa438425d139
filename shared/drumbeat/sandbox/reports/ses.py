"""Amazon SES's event publishing, by way of SNS.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import re
from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports import sns
from drumbeat.sandbox.reports.base import (
    Destination,
    Occurrence,
    Sent,
    Signing,
    Written,
    domain,
    iso,
    made_uuid,
    visitor,
)

TOPIC = re.compile(r"arn:aws(?:-[a-z-]+)?:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
TYPES = {
    Kind.ACCEPTED: "Send", Kind.DELIVERED: "Delivery", Kind.DELAYED: "DeliveryDelay", Kind.BOUNCED: "Bounce",
    Kind.SOFT_BOUNCED: "Bounce", Kind.BLOCKED: "Bounce", Kind.REFUSED: "Reject", Kind.COMPLAINED: "Complaint",
    Kind.UNSUBSCRIBED: "Subscription", Kind.OPENED: "Open", Kind.CLICKED: "Click",
}  # fmt: skip
# Type, subtype, enhanced status and diagnostic.
BOUNCES = {
    Kind.BOUNCED: ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    Kind.SOFT_BOUNCED: ("Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
    Kind.BLOCKED: ("Transient", "ContentRejected", "5.7.1", "smtp; 550 5.7.1 content rejected"),
}
ACCOUNT = "123456789012"
DELAY_SECONDS = 14 * 3600.0


class Ses:
    """SNS gives each message an id of its own: what SES tells again has another."""

    automatic = (Kind.ACCEPTED, Kind.DELIVERED)
    says = frozenset(TYPES) | {Kind.OTHER}
    ends: frozenset[int] = frozenset()

    def problem(self, destination: Destination) -> str | None:
        """Ask for the topic."""
        if TOPIC.fullmatch(destination.topic):
            return None
        return "topic is the ARN of the SNS topic, like arn:aws:sns:eu-central-1:123456789012:drumbeat"

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:
        """Return the event in a signed Notification."""
        type = TYPES.get(occurrence.kind, occurrence.word or "Other")
        name = "deliveryDelay" if type == "DeliveryDelay" else type.lower()
        region = destination.topic.split(":")[3]
        event = {"eventType": type, "mail": _mail(sent, region), name: _details(occurrence, sent)}
        return sns.notification(encode(event), occurrence.name, destination, signing)


def _mail(sent: Sent, region: str) -> dict[str, Any]:
    when, from_domain = iso(sent.at), domain(sent.sender)
    common: dict[str, Any] = {"from": [sent.sender], "to": list(sent.to), "messageId": sent.id, "subject": sent.subject}
    headers = [("From", sent.sender), ("To", ", ".join(sent.to)), ("Subject", sent.subject), *sent.headers]
    tags = {name: [value] for name, value in sent.variables.items()}
    return {
        "timestamp": when,
        "source": sent.sender,
        "sourceArn": f"arn:aws:ses:{region}:{ACCOUNT}:identity/{from_domain}",
        "sendingAccountId": ACCOUNT,
        "messageId": sent.id,
        "destination": list(sent.to),
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers],
        "commonHeaders": common,
        "tags": {
            "ses:operation": ["SendEmail"], "ses:source-ip": ["192.0.2.3"], "ses:from-domain": [from_domain],
            "ses:caller-identity": ["drumbeat"], "ses:configuration-set": [sent.configuration_set or "drumbeat"],
            **tags,
        },
    }  # fmt: skip


def _details(occurrence: Occurrence, sent: Sent) -> dict[str, Any]:
    kind, when, recipient = occurrence.kind, iso(occurrence.at), occurrence.recipient
    feedback_id = made_uuid("feedback", occurrence.name)
    if kind in BOUNCES:
        bounced, reason, status, said = BOUNCES[kind]
        told = {"emailAddress": recipient, "action": "failed", "status": status,
                "diagnosticCode": occurrence.said or said}  # fmt: skip
        return {"feedbackId": feedback_id, "bounceType": bounced, "bounceSubType": reason,
                "bouncedRecipients": [told], "timestamp": when, "reportingMTA": "dns; mail.example.com"}  # fmt: skip
    match kind:
        case Kind.DELIVERED:
            return {"timestamp": when, "processingTimeMillis": round((occurrence.at - sent.at) * 1000),
                    "recipients": [recipient], "smtpResponse": occurrence.said or "250 2.0.0 OK",
                    "reportingMTA": "mail.example.com"}  # fmt: skip
        case Kind.DELAYED:
            told = {
                "emailAddress": recipient,
                "status": "4.4.1",
                "diagnosticCode": occurrence.said or "smtp; 421 4.4.1",
            }
            return {"timestamp": when, "delayType": "TransientCommunicationFailure",
                    "expirationTime": iso(occurrence.at + DELAY_SECONDS), "delayedRecipients": [told]}  # fmt: skip
        case Kind.COMPLAINED:
            return {"feedbackId": feedback_id, "complainedRecipients": [{"emailAddress": recipient}],
                    "timestamp": when, "userAgent": "AnyCompany Feedback Loop (V0.01)",
                    "complaintFeedbackType": "abuse", "complaintSubType": None}  # fmt: skip
        case Kind.REFUSED:
            return {"reason": occurrence.said or "Bad content"}
        case Kind.UNSUBSCRIBED:
            return {"contactList": "drumbeat", "timestamp": when, "source": recipient,
                    "newTopicPreferences": {"unsubscribeAll": True, "topicSubscriptionStatus": []},
                    "oldTopicPreferences": {"unsubscribeAll": False, "topicSubscriptionStatus": []}}  # fmt: skip
        case Kind.OPENED | Kind.CLICKED:
            ip, agent = visitor(occurrence)
            link = {"link": occurrence.link, "linkTags": None} if kind == Kind.CLICKED else {}
            return {"ipAddress": ip, "timestamp": when, "userAgent": agent, **link}
        case _:
            return {}


REPORTER = Ses()
