"""What providers report of mails in a simulated deployment, each in its own words, as its webhook brings it."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drumbeat.sources.signature import Delivery, digest
from tests.faults.webhooks import SECRET

ACCOUNTS = {"mailgun": "mail", "resend": "news", "ses": "courier"}  # provider -> the account that it reports on
PERSON = "reported@example.com"


@dataclass(frozen=True, slots=True)
class Told:
    """One report: `delivered`, `refused`, `bounced`, `soft`, `complained`, `left` or `opened`."""

    provider: str
    effect: UUID
    generation: int = 1
    word: str = "delivered"
    at: float = 0.0  # unix seconds
    account: str = ""  # for which it comes; "": its own

    @property
    def source(self) -> str:
        return f"{self.account or ACCOUNTS[self.provider]}-reports"

    @property
    def key(self) -> str:
        return f"{self.effect}-{self.generation}"

    def delivery(self, now: float, id: str) -> Delivery:
        """Return the request by which it comes now; `id` names the delivery."""
        body = json.dumps(WORDS[self.provider](self, datetime.fromtimestamp(self.at, UTC))).encode()
        signature = digest(SECRET, f"{id}.{round(now)}.".encode(), body)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(round(now)),
            "webhook-signature": f"v1,{b64encode(signature).decode()}",
        }
        return Delivery("POST", f"https://drumbeat.example/v1/webhooks/{self.source}", headers, body)


def _mailgun(told: Told, at: datetime) -> Mapping[str, Any]:
    words: Mapping[str, Mapping[str, str]] = {
        "refused": {"event": "rejected"},
        "bounced": {"event": "failed", "severity": "permanent", "reason": "bounce"},
        "soft": {"event": "failed", "severity": "temporary", "reason": "generic"},
        "left": {"event": "unsubscribed"},
    }
    event = words.get(told.word, {"event": told.word})
    variables = {"effect-id": told.key}
    return {"event-data": {**event, "timestamp": at.timestamp(), "recipient": PERSON, "user-variables": variables}}


def _resend(told: Told, at: datetime) -> Mapping[str, Any]:
    kinds = {"refused": "failed", "soft": "bounced", "left": "unsubscribed"}
    bounce = {"bounced": {"type": "Permanent"}, "soft": {"type": "Transient"}}.get(told.word)
    data = {"to": [PERSON], "tags": {"effect-id": told.key}, **({"bounce": bounce} if bounce else {})}
    return {"type": f"email.{kinds.get(told.word, told.word)}", "created_at": at.isoformat(), "data": data}


def _ses(told: Told, at: datetime) -> Mapping[str, Any]:
    names = {"delivered": "Delivery", "refused": "Reject", "bounced": "Bounce", "soft": "Bounce", "opened": "Open"}
    names |= {"complained": "Complaint"}
    kind = {"bounced": "Permanent", "soft": "Transient"}.get(told.word)
    said = {"timestamp": at.isoformat(), **({"bounceType": kind} if kind else {})}
    mail = {"messageId": f"ses-{told.key}", "destination": [PERSON], "tags": {"effect-id": [told.key]}}
    name = names[told.word]
    return {"eventType": name, "mail": mail, name.lower(): said}


WORDS: Mapping[str, Callable[[Told, datetime], Mapping[str, Any]]] = {
    "mailgun": _mailgun,
    "resend": _resend,
    "ses": _ses,
}
