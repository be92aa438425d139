"""HubSpot: contacts by the CRM API, version 3."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from drumbeat.core.actions import Action, UpsertContact
from drumbeat.core.outcomes import (
    Accepted,
    Denied,
    LookupResult,
    NotSent,
    Outcome,
    Refused,
    Throttled,
    Unclear,
    Unknown,
)
from drumbeat.core.request import Reply, Request
from drumbeat.providers import base_url
from drumbeat.providers.base import SameId, Target
from drumbeat.providers.credentials import bearer
from drumbeat.providers.replies import json_object, text, unsuccessful, with_details
from drumbeat.providers.retry_after import retry_after

LOCKED_RECORD_WAIT_SECONDS = 2.0  # as HubSpot asks
DAILY_LIMIT_WAIT_SECONDS = 3600.0  # where the reply gives no time

_PERMANENT = {
    400: "a property or a value is not valid",
    404: "there is no such object",
    413: "the request is too large",
}
_ERROR_NAME = re.compile(r"[A-Z]{2,}(?:_[A-Z]+)*")
# The categories of an error inside a 207, which carries one entry for our one contact.
_REFUSALS = {
    "VALIDATION_ERROR": "a property or a value is not valid",
    "OBJECT_NOT_FOUND": "there is no such object",
}


class HubSpot:
    """Creates or updates one contact per call, known by its e-mail address (class D).

    The address is the record's identity, so that a repeat is the same contact. Only the properties given are touched.
    `objectWriteTraceId` carries the key. A 409 is a lost race with another writer of the same new contact: nothing was
    written, and the next try finds the contact.
    """

    name = "hubspot"
    base_url: str | None = "https://api.hubapi.com"
    actions = frozenset({"upsert_contact"})
    settings: Mapping[str, bool] = {"base_url": False}
    secrets: Mapping[str, bool] = {"token": True}

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        return base_url.problems(settings)

    def repeat(self, target: Target, request: Request | None = None) -> SameId:  # noqa: ARG002
        """Repeat at any time."""
        return SameId()

    def identity(self, target: Target) -> str:
        """Name the provider and where it is; the portal is the token's."""
        return f"{self.name} {target.base_url}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build a batch of one; properties stand in alphabetical order."""
        assert isinstance(action, UpsertContact)
        contact = {
            "idProperty": "email",
            "id": action.email,
            "properties": dict(sorted(action.properties.items())),
            "objectWriteTraceId": key,
        }
        return Request(
            "POST",
            f"{target.base_url}/crm/v3/objects/contacts/batch/upsert",
            {"content-type": "application/json"},
            json.dumps({"inputs": [contact]}, separators=(",", ":")).encode(),
        )

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:  # noqa: ARG002
        """Add the private app's token."""
        return bearer(request, secrets["token"])

    def read(self, reply: Reply) -> Outcome:
        """Accept a completed batch with the one contact in it; a 207 is read by its entry."""
        body = json_object(reply)
        results, errors = _entries(body.get("results")), _entries(body.get("errors"))
        match reply.status:
            case 200 | 201 | 207 if body.get("status") == "COMPLETE" and len(results) == 1 and not errors:
                if reference := text(results[0].get("id")):
                    return Accepted(reference)
            case 207 if len(errors) == 1 and not results:
                return _entry_error(errors[0], _details(errors[0], reply.request))
            case 409:
                return NotSent("HTTP 409: another writer created the contact meanwhile", retry_after(reply.headers))
            case 423:
                return NotSent(
                    "HTTP 423: the record is locked", max(LOCKED_RECORD_WAIT_SECONDS, retry_after(reply.headers) or 0.0)
                )
            case 429 if body.get("policyName") == "DAILY":
                return Throttled(
                    "HTTP 429: the day's requests are used up", retry_after(reply.headers) or DAILY_LIMIT_WAIT_SECONDS
                )
            case 477:
                return Throttled("HTTP 477: the portal is being migrated", retry_after(reply.headers))
        return unsuccessful(reply, _PERMANENT, _details(body, reply.request))

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request | None:  # noqa: ARG002
        """Not needed: a repeat is the same contact."""
        return None

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:  # noqa: ARG002
        """Nothing was asked, so nothing is answered."""
        return Unclear("HubSpot's contacts are repeated, not searched for")


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _details(error: Mapping[str, Any], request: Request | None) -> list[str]:
    """Return which of our properties were refused, and HubSpot's name for why; its sentences quote values."""
    ours, message = _properties(request), text(error.get("message"))
    found = [*_embedded(message), *_entries(error.get("errors"))]
    if not found:
        return [name for name in sorted(ours) if f'"{name}"' in message]
    names = [text(one.get("name")) or _first(one.get("context"), "propertyName") for one in found]
    reasons = [text(one.get("error") or one.get("code")) for one in found]
    return [
        ": ".join(filter(None, (name if name in ours else "", why if _ERROR_NAME.fullmatch(why) else "")))
        for name, why in zip(names, reasons, strict=True)
    ]


def _embedded(message: str) -> list[Mapping[str, Any]]:
    """Return the list inside a message: "Property values were not valid: [{...}]"."""
    try:
        return _entries(json.JSONDecoder().raw_decode(message, message.index("[{"))[0])
    except (ValueError, RecursionError):
        return []


def _first(context: object, name: str) -> str:
    values = context.get(name) if isinstance(context, dict) else None
    return text(values[0]) if isinstance(values, list) and values else ""


def _properties(request: Request | None) -> frozenset[str]:
    if request is None:
        return frozenset()
    (contact,) = json.loads(request.body)["inputs"]
    return frozenset(contact["properties"]) | {"email"}


def _entry_error(error: Mapping[str, Any], details: Iterable[str]) -> Outcome:
    category = text(error.get("category"))
    if category in _REFUSALS:
        return Refused(with_details(f"HTTP 207: {_REFUSALS[category]}", details))
    match category:
        case "CONFLICT":
            return NotSent("HTTP 207: another writer created the contact meanwhile")
        case "RATE_LIMITS":
            return Throttled("HTTP 207: too many requests")
        case "MISSING_SCOPES":
            return Denied("HTTP 207: the token lacks a scope")
        case _:
            return Unknown("HTTP 207, but not a documented error")


PROVIDER = HubSpot()
