"""Mailgun's webhooks: JSON with the event, and beside it a signed time and token.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
"""

import hmac
from typing import Any

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.http_messages import encode
from drumbeat.sandbox.reports.base import (
    Destination,
    Occurrence,
    Sent,
    Signing,
    Written,
    domain,
    made,
    visitor,
)

EVENTS = {
    Kind.ACCEPTED: "accepted", Kind.DELIVERED: "delivered", Kind.BOUNCED: "failed",
    Kind.SOFT_BOUNCED: "failed", Kind.BLOCKED: "failed", Kind.REFUSED: "rejected", Kind.COMPLAINED: "complained",
    Kind.UNSUBSCRIBED: "unsubscribed", Kind.OPENED: "opened", Kind.CLICKED: "clicked",
}  # fmt: skip
# Severity, reason, SMTP code and what the other server said.
FAILURES = {
    Kind.SOFT_BOUNCED: ("temporary", "generic", 452, "4.2.2 The mailbox is full"),
    Kind.BOUNCED: ("permanent", "bounce", 550, "5.1.1 The email account that you tried to reach does not exist"),
    Kind.BLOCKED: ("permanent", "espblock", 550, "5.7.1 Message rejected due to content restrictions"),
}
LEVELS = {Kind.BOUNCED: "error", Kind.BLOCKED: "error", Kind.REFUSED: "error", Kind.COMPLAINED: "warn"}
TOKEN_CHARACTERS, ID_CHARACTERS = 50, 22
BY_A_PERSON = (Kind.UNSUBSCRIBED, Kind.OPENED, Kind.CLICKED)


class Mailgun:
    """An event has one id; each time that it is told anew it has a token of its own, and a retry has the first one."""

    automatic = (Kind.ACCEPTED, Kind.DELIVERED)
    says = frozenset(EVENTS) | {Kind.OTHER}
    ends = frozenset({406})

    def problem(self, destination: Destination) -> str | None:
        """Ask for the webhook signing key."""
        return None if destination.secret else "secret is the webhook signing key of Mailgun"

    def write(self, occurrence: Occurrence, sent: Sent, destination: Destination, signing: Signing) -> Written:
        """Return the event beside its signature, which covers time and token only."""
        time = str(int(signing.first_at))
        token = made(TOKEN_CHARACTERS, occurrence.name, signing.copy, signing.first_at)
        signature = hmac.digest(destination.secret.encode(), f"{time}{token}".encode(), "sha256").hex()
        body = {
            "signature": {"timestamp": time, "token": token, "signature": signature},
            "event-data": _event(occurrence, sent),
        }
        return {"Content-Type": "application/json", "User-Agent": "mailgun/treq"}, encode(body).encode()


def _event(occurrence: Occurrence, sent: Sent) -> dict[str, Any]:
    kind, recipient = occurrence.kind, occurrence.recipient
    sender = sent.sender.rpartition("<")[2].rstrip("> ")
    event: dict[str, Any] = {
        "event": EVENTS.get(kind, occurrence.word or "other"),
        "id": made(ID_CHARACTERS, occurrence.name),
        "timestamp": round(occurrence.at, 6),
        "log-level": LEVELS.get(kind, "info"),
        "recipient": recipient,
        "recipient-domain": domain(recipient),
        "tags": list(sent.labels),
        "campaigns": [],
        "user-variables": dict(sent.variables),
        "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False},
        "envelope": {"transport": "smtp", "sender": sender, "sending-ip": "198.51.100.9", "targets": recipient},
        "message": {
            "headers": {"to": ", ".join(sent.to), "message-id": sent.id, "from": sent.sender, "subject": sent.subject},
            "attachments": [],
            "size": sent.size,
        },
    }
    return event | _details(occurrence)


def _details(occurrence: Occurrence) -> dict[str, Any]:
    kind = occurrence.kind
    if kind == Kind.DELIVERED:
        return {"delivery-status": _status(250, occurrence.said or "OK", occurrence)}
    if kind in FAILURES:
        severity, reason, code, said = FAILURES[kind]
        status = _status(code, occurrence.said or said, occurrence)
        return {"severity": severity, "reason": reason, "delivery-status": status}
    if kind == Kind.REFUSED:
        return {"reject": {"reason": occurrence.said or "Sandbox subdomains are for test purposes only.",
                           "description": ""}}  # fmt: skip
    if kind in BY_A_PERSON:
        ip, agent = visitor(occurrence)
        client: dict[str, Any] = {"client-type": "browser", "client-os": "Linux", "device-type": "desktop",
                                  "client-name": "Firefox", "user-agent": agent}  # fmt: skip
        if occurrence.machine:
            client |= {"client-type": "robot", "client-os": "unknown", "device-type": "unknown",
                       "client-name": "unknown", "bot": "apple"}  # fmt: skip
        clicked = {"url": occurrence.link} if kind == Kind.CLICKED else {}
        place = {"country": "DE", "region": "Unknown", "city": "Unknown"}
        return {"ip": ip, "geolocation": place, "client-info": client, **clicked}
    return {}


def _status(code: int, message: str, occurrence: Occurrence) -> dict[str, Any]:
    return {
        "tls": True, "mx-host": f"mx.{domain(occurrence.recipient)}", "attempt-no": 1, "description": "",
        "session-seconds": 0.42, "utf8": True, "code": code, "message": message, "certificate-verified": True,
    }  # fmt: skip


REPORTER = Mailgun()
