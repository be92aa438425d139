"""Resend's webhooks, which Svix signs: https://resend.com/docs/webhooks/event-types"""

from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports import standard_webhooks
from drumbeat.sandbox.reports.base import Destination, Occurrence, Sent, Signing, Written, iso, made, visitor

TYPES = {
    Kind.ACCEPTED: "email.sent", Kind.DELIVERED: "email.delivered", Kind.DELAYED: "email.delivery_delayed",
    Kind.BOUNCED: "email.bounced", Kind.SOFT_BOUNCED: "email.bounced", Kind.BLOCKED: "email.bounced",
    Kind.REFUSED: "email.failed", Kind.COMPLAINED: "email.complained", Kind.OPENED: "email.opened",
    Kind.CLICKED: "email.clicked",
}  # fmt: skip
# Type, subtype and the sentence; https://resend.com/docs/dashboard/emails/email-bounces
BOUNCES = {
    Kind.BOUNCED: ("Permanent", "General", "The recipient's email provider sent a hard bounce message."),
    Kind.SOFT_BOUNCED: ("Transient", "MailboxFull", "The recipient's mailbox is full."),
    Kind.BLOCKED: ("Transient", "ContentRejected", "The recipient's email provider rejected the message's content."),
}
ID_CHARACTERS = 27


class Resend:
    """An event has one `svix-id`, also when it is told again; each attempt is signed anew."""

    automatic = (Kind.ACCEPTED, Kind.DELIVERED)
    says = frozenset(TYPES) | {Kind.OTHER}  # an unsubscribe is a change of a contact there, not of a mail
    ends: frozenset[int] = frozenset()

    def problem(self, destination: Destination) -> str | None:
        """Ask for the signing secret."""
        return standard_webhooks.problem(destination)

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:
        """Return the event under Svix's headers."""
        body = encode({
            "type": TYPES.get(occurrence.kind, f"email.{occurrence.word or 'other'}"),
            "created_at": iso(occurrence.at),
            "data": _data(occurrence, sent),
        }).encode()  # fmt: skip
        id = f"msg_{made(ID_CHARACTERS, occurrence.name)}"
        signed = standard_webhooks.headers("svix", id, signing.at, body, destination.secret)
        return {"Content-Type": "application/json", "User-Agent": "Svix-Webhooks/1.62", **signed}, body


def _data(occurrence: Occurrence, sent: Sent) -> dict[str, Any]:
    data: dict[str, Any] = {
        "created_at": iso(sent.at),
        "email_id": sent.id,
        "from": sent.sender,
        "to": list(sent.to),
        "subject": sent.subject,
    }
    if sent.headers:
        data["headers"] = [{"name": name, "value": value} for name, value in sent.headers]
    if sent.variables:
        data["tags"] = dict(sent.variables)
    if occurrence.kind in BOUNCES:
        bounced, reason, said = BOUNCES[occurrence.kind]
        data["bounce"] = {"message": occurrence.said or said, "type": bounced, "subType": reason}
    elif occurrence.kind == Kind.REFUSED:
        data["failed"] = {"reason": occurrence.said or "reached_daily_quota"}
    elif occurrence.kind in (Kind.OPENED, Kind.CLICKED):
        ip, agent = visitor(occurrence)
        link = {"link": occurrence.link} if occurrence.kind == Kind.CLICKED else {}
        name = "click" if link else "open"
        data[name] = {"ipAddress": ip, **link, "timestamp": iso(occurrence.at), "userAgent": agent}
    return data


REPORTER = Resend()
