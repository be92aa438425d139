"""Resend: mail by its HTTP API."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from drumbeat.core.actions import Action, SendEmail
from drumbeat.core.outcomes import Accepted, LookupResult, Outcome, Throttled, Unclear, Unknown
from drumbeat.core.request import Reply, Request
from drumbeat.providers import base_url, sender
from drumbeat.providers.base import NativeKey, Target
from drumbeat.providers.credentials import bearer
from drumbeat.providers.replies import json_object, text, unsuccessful
from drumbeat.providers.retry_after import LONGEST_WAIT_SECONDS, retry_after

_PERMANENT = {
    400: "a parameter is not valid",
    404: "there is no such resource",
    405: "the method is not allowed",
    422: "an address or a parameter is missing or not valid",
}
# 409, by the error's name: is the same request under the same key worth another try?
_CONFLICTS = {
    "concurrent_idempotent_requests": ("the first request under this key is still running", True),
    "invalid_idempotent_request": ("this key was used with other bytes", False),
}
# 429, by the error's name: quotas do not refill within seconds.
_QUOTAS = {"daily_quota_exceeded": 3600.0, "monthly_quota_exceeded": LONGEST_WAIT_SECONDS}
# Resend docs, "Errors": `name` is one of a closed list, `message` is a sentence that names fields in backticks.
_ERROR_NAME = re.compile(r"[a-z]{2,}(?:_[a-z]+)*")
_NAMED_FIELD = re.compile(r"`([a-z_]+)`")
_FIELDS = frozenset({"from", "to", "subject", "text", "html", "headers", "tags", "reply_to"})
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_-]")


class Resend:
    """Sends one mail to one person per call, under an idempotency key that Resend honours for 24 hours (class K).

    A repeat under the key returns the first answer without sending. The key also travels as the tag `effect-id`, in
    which anything but letters, digits, `_` and `-` becomes `-`, and comes back with every later event. A key belongs to
    one team; another team is another account.
    """

    name = "resend"
    base_url: str | None = "https://api.resend.com"
    actions = frozenset({"send_email"})
    settings: Mapping[str, bool] = {"from": True, "base_url": False}
    secrets: Mapping[str, bool] = {"api_key": True}

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        found = base_url.problems(settings)
        return found + sender.problems(settings)

    def repeat(self, target: Target, request: Request | None = None) -> NativeKey:  # noqa: ARG002
        """Repeat under the same key within its day."""
        return NativeKey(timedelta(hours=24))

    def identity(self, target: Target) -> str:
        """Name the provider and where it is; the team is the API key's."""
        return f"{self.name} {target.base_url}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the mail as JSON."""
        assert isinstance(action, SendEmail)
        mail = {
            "from": sender.sender(target.settings),
            "to": [action.to],
            "subject": action.subject,
            "text": action.text,
            "html": action.html,
            "headers": dict(action.headers),
            "tags": [{"name": "effect-id", "value": _NOT_IN_TAGS.sub("-", key)}],
        }
        return Request(
            "POST",
            f"{target.base_url}/emails",
            {"content-type": "application/json", "idempotency-key": key},
            json.dumps({name: value for name, value in mail.items() if value}, separators=(",", ":")).encode(),
        )

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:  # noqa: ARG002
        """Add the API key."""
        return bearer(request, secrets["api_key"])

    def read(self, reply: Reply) -> Outcome:
        """Accept 200 with the mail's id."""
        body = json_object(reply)
        error = text(body.get("name"))
        if reply.status == 200 and (reference := text(body.get("id"))):
            return Accepted(reference)
        if reply.status == 409 and error in _CONFLICTS:
            reason, repeatable = _CONFLICTS[error]
            return Unknown(f"HTTP 409: {reason}", repeatable)
        if reply.status == 429 and error in _QUOTAS:
            return Throttled(f"HTTP 429: {error}", max(_QUOTAS[error], retry_after(reply.headers) or 0.0))
        return unsuccessful(reply, _PERMANENT, _details(error, text(body.get("message"))))

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request | None:  # noqa: ARG002
        """Resend has no search by anything that we set."""
        return None

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:  # noqa: ARG002
        """Nothing was asked, so nothing is answered."""
        return Unclear("Resend has no search")


def _details(error: str, message: str) -> list[str]:
    """Return the error's documented name, and which of our fields it is about; the rest may quote an address."""
    named = [field for field in _NAMED_FIELD.findall(message) if field in _FIELDS]
    return [error, *named] if _ERROR_NAME.fullmatch(error) else named


PROVIDER = Resend()
