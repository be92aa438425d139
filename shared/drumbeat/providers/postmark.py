"""Postmark: mail by its HTTP API."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from drumbeat.core.actions import Action, SendEmail
from drumbeat.core.outcomes import Absent, Accepted, Denied, Found, LookupResult, Outcome, Refused, Throttled, Unclear
from drumbeat.core.request import Reply, Request
from drumbeat.providers import base_url, sender
from drumbeat.providers.base import Query, Target
from drumbeat.providers.replies import json_object, text, unsuccessful
from drumbeat.providers.retry_after import retry_after

LOOKS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
# "45 days by default (but retention can be customized from 7 to 365 days)": the Messages API. Seven are certain.
LOG_RETENTION = timedelta(days=7)
# The search begins this much before the first call: the clocks may differ, and an hour of autumn is written twice.
CLOCK_SLACK = timedelta(hours=2)
EASTERN = ZoneInfo("America/New_York")  # "Our API uses Eastern Time Zone": the Messages API
DEFAULT_STREAM = "outbound"  # that every server has, for transactional mail
MAX_TAG_CHARACTERS = 1000
MOST_FOUND = 10

# https://postmarkapp.com/developer/api/overview#error-codes, by `ErrorCode`, in our words: Postmark's quote addresses.
_REFUSED = {
    300: "an address or a field is not valid",
    402: "the JSON is not valid",
    403: "the JSON does not fit what Postmark expects",
    406: "this address is inactive at Postmark, after a hard bounce, a spam complaint or by hand; reactivate it there,"
    " under Suppressions of the stream, before it is sent again",
    409: "JSON was expected",
    410: "too many messages in one batch",
    411: "an attachment of this type is forbidden",
}
# About the account, so that it stops; code -> why, and whether it may be about this message alone.
_DENIED = {
    10: ("the server token is missing or wrong", False),
    400: ("`from` is no sender signature or domain of this Postmark account", False),
    401: ("`from` is a sender signature that is not confirmed", False),
    405: ("this Postmark account is not allowed to send: it may be out of credits", False),
    412: ("this Postmark account waits for approval, and may send to its own domain only", True),
    413: ("this Postmark account may not send", False),
}
_MAINTENANCE = 100
_PERMANENT = {413: "the mail is too large"}
_STREAM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,29}")
_REPLY_TO, _MESSAGE_ID = "reply-to", "message-id"


class Postmark:
    """Sends one mail to one person per call, in the message stream `stream` of the server whose token it has.

    There is no idempotency key, so an unknown outcome is searched for (class Q): the mail carries the key as the
    metadata `effect_id`, by which sent messages can be filtered, and which comes back with every later webhook. How far
    that search lags is not documented; the looks are after 30 seconds, 2 and 10 minutes. Messages are kept for 45 days,
    or as few as 7 where the account was set so: `lookup` of an account may say more.

    Mails are tagged with their list (without one, `drumbeat`). A stream for broadcasts adds a link of Postmark's own to
    unsubscribe unless its handling of that is set to custom. Publishes no rate limit.
    """

    name = "postmark"
    base_url: str | None = "https://api.postmarkapp.com"
    actions = frozenset({"send_email"})
    settings: Mapping[str, bool] = {"from": True, "stream": False, "base_url": False}
    secrets: Mapping[str, bool] = {"server_token": True}

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        found = base_url.problems(settings)
        if not _STREAM.fullmatch(settings.get("stream", DEFAULT_STREAM)):
            found.append("stream must be the ID of a message stream, as Postmark's page of it shows, like broadcast")
        return found + sender.problems(settings)

    def repeat(self, target: Target, request: Request | None = None) -> Query:  # noqa: ARG002
        """Search after an unknown outcome."""
        return Query(LOOKS, LOG_RETENTION)

    def identity(self, target: Target) -> str:
        """Name the provider, where it is and the stream, which a search is bound to; the server is the token's."""
        return f"{self.name} {target.base_url} {_stream(target)}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the mail as JSON; its fields stand in one fixed order."""
        assert isinstance(action, SendEmail)
        reply_to = next((value for name, value in action.headers.items() if name.lower() == _REPLY_TO), None)
        own = (_REPLY_TO, _MESSAGE_ID)
        mail = {
            "From": sender.sender(target.settings),
            "To": action.to,
            "ReplyTo": reply_to,
            "Subject": action.subject,
            "TextBody": action.text,
            "HtmlBody": action.html,
            "Headers": [
                {"Name": name, "Value": value} for name, value in action.headers.items() if name.lower() not in own
            ],
            "Tag": (action.list or "drumbeat")[:MAX_TAG_CHARACTERS],
            "Metadata": {"effect_id": key},
            "MessageStream": _stream(target),
            **_tracking(action),
        }
        return Request(
            "POST",
            f"{target.base_url}/email",
            {"accept": "application/json", "content-type": "application/json"},
            json.dumps({name: value for name, value in mail.items() if value not in (None, [])}).encode(),
        )

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:  # noqa: ARG002
        """Add the server token."""
        token = secrets["server_token"].strip()
        return replace(request, headers={**request.headers, "x-postmark-server-token": token})

    def read(self, reply: Reply) -> Outcome:
        """Accept 200 with the error code 0 and the message's id."""
        body = json_object(reply)
        code = _code(body)
        if reply.status == 200 and code == 0 and (reference := text(body.get("MessageID"))):
            return Accepted(reference)
        if reply.status in (422, 503) and code == _MAINTENANCE:
            return Throttled("Postmark is down for maintenance", retry_after(reply.headers))
        if reply.status == 422 and code is not None and code > 0:
            return _refusal(code, reply)
        return unsuccessful(reply, _PERMANENT)

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request:
        """Ask for the sent messages that carry our key."""
        query = {
            "count": str(MOST_FOUND),
            "offset": "0",
            "metadata_effect_id": key,
            "messagestream": _stream(target),
            "fromdate": f"{(since - CLOCK_SLACK).astimezone(EASTERN):%Y-%m-%dT%H:%M:%S}",
        }
        url = f"{target.base_url}/messages/outbound?{urlencode(query)}"
        return Request("GET", url, {"accept": "application/json"})

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:
        """Count the messages under our key; anything else in the list means that the filter did not work."""
        body = json_object(reply)
        messages, total = body.get("Messages"), body.get("TotalCount")
        if reply.status != 200 or not isinstance(messages, list) or not isinstance(total, int):
            return Unclear(f"HTTP {reply.status}, not the documented list", retry_after(reply.headers))
        if any(_effect_id(message) != key for message in messages):
            return Unclear("the search answered with mails that were not asked for")
        if not messages and total:
            return Unclear("the search counted mails and showed none")
        if not messages:
            return Absent()
        named = [text(message.get("MessageID")) for message in messages]
        return Found(named[0], count=len(set(named)))


def _stream(target: Target) -> str:
    return target.settings.get("stream") or DEFAULT_STREAM


def _tracking(mail: SendEmail) -> dict[str, Any]:
    """Say whether opens and clicks are counted where the configuration says so (Postmark docs, "Email API")."""
    if mail.tracking is None:
        return {}
    return {"TrackOpens": mail.tracking.opens, "TrackLinks": "HtmlAndText" if mail.tracking.clicks else "None"}


def _code(body: Mapping[str, Any]) -> int | None:
    code = body.get("ErrorCode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _refusal(code: int, reply: Reply) -> Outcome:
    """Return what a documented refusal means. A code that is not known here refuses this mail: 422 sends nothing."""
    if code in _DENIED:
        reason, of_message = _DENIED[code]
        return Denied(f"error code {code}: {reason}", retry_after(reply.headers), of_message)
    return Refused(f"error code {code}: {_REFUSED.get(code, 'something of the mail is not right')}")


def _effect_id(message: object) -> object:
    """Return the key that a listed message carries."""
    metadata = message.get("Metadata") if isinstance(message, dict) else None
    return metadata.get("effect_id") if isinstance(metadata, dict) else None


PROVIDER = Postmark()
