"""Mailgun: mail by the HTTP API, version 3."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from drumbeat.core.actions import Action, SendEmail
from drumbeat.core.outcomes import Absent, Accepted, Found, LookupResult, Outcome, Unclear
from drumbeat.core.request import Reply, Request
from drumbeat.providers import base_url, sender
from drumbeat.providers.base import Query, Target
from drumbeat.providers.credentials import basic
from drumbeat.providers.replies import json_object, text, unsuccessful
from drumbeat.providers.retry_after import retry_after

LOOKS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
LOG_RETENTION = timedelta(days=3)
# The search begins this much before the first call: the two clocks may differ.
CLOCK_SLACK = timedelta(minutes=10)

_PERMANENT = {
    400: "an address or a parameter is not valid",
    404: "there is no such domain",
    413: "the mail is too large",
}
MAX_TAG_CHARACTERS = 128
_NOT_IN_TAGS = re.compile(r"[^ -~]")
# "'to' parameter is not a valid address. please check documentation": only the parameter's name is kept.
_NAMED_PARAMETER = re.compile(r"\b(from|to|subject|text|html|o:tag)\b'? parameter\b")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", re.IGNORECASE)


class Mailgun:
    """Sends one mail to one person per call. EU accounts set `base_url` to https://api.eu.mailgun.net.

    There is no idempotency key, so an unknown outcome is searched for (class Q): the mail carries a Message-Id of our
    own, `<key@domain>`, which the event log can be asked for. The log is eventually consistent, hence the looks at 1, 5
    and 30 minutes, and certain to be kept for 3 days only, hence the retention. Mailgun has deprecated this log
    (`GET /v3/{domain}/events`) in favour of `POST /v1/analytics/logs`; it still answers, and its filter on the
    Message-Id is the exact one, so it stays until the newer one is proven to lag no more.

    The key also travels as the variable `effect-id`, which comes back with every later event, and mails are tagged with
    their list (without one, `drumbeat`), since the number of tags of a domain is limited. A tag is 128 ASCII characters
    at most (Mailgun docs, "Tagging"); others become `-`.
    """

    name = "mailgun"
    base_url: str | None = "https://api.mailgun.net"
    other_hosts = frozenset({"api.eu.mailgun.net"})
    actions = frozenset({"send_email"})
    settings: Mapping[str, bool] = {"domain": True, "from": True, "base_url": False}
    secrets: Mapping[str, bool] = {"api_key": True}

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        found = base_url.problems(settings)
        if not _DOMAIN.fullmatch(settings.get("domain", "mg.example.com")):
            found.append("domain must be the sending domain's name, like mg.example.com")
        return found + sender.problems(settings)

    def repeat(self, target: Target, request: Request | None = None) -> Query:  # noqa: ARG002
        """Search after an unknown outcome."""
        return Query(LOOKS, LOG_RETENTION)

    def identity(self, target: Target) -> str:
        """Name provider, region and domain: what a search is bound to."""
        return f"{self.name} {target.base_url} {target.settings['domain']}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the form; its fields stand in one fixed order."""
        assert isinstance(action, SendEmail)
        domain = target.settings["domain"]
        fields = [("from", sender.sender(target.settings)), ("to", action.to), ("subject", action.subject)]
        fields += [(name, body) for name, body in (("text", action.text), ("html", action.html)) if body is not None]
        fields += [(f"h:{name}", value) for name, value in action.headers.items() if name.lower() != "message-id"]
        fields += [
            ("h:Message-Id", f"<{key}@{domain}>"),
            ("v:effect-id", key),
            *_tracking(action),
            ("o:tag", _NOT_IN_TAGS.sub("-", action.list or "drumbeat")[:MAX_TAG_CHARACTERS]),
        ]
        return Request(
            "POST",
            f"{target.base_url}/v3/{quote(domain, safe='')}/messages",
            {"content-type": "application/x-www-form-urlencoded"},
            urlencode(fields).encode(),
        )

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:  # noqa: ARG002
        """Add Basic credentials."""
        return basic(request, "api", secrets["api_key"])

    def read(self, reply: Reply) -> Outcome:
        """Accept 200 with the Message-Id and Mailgun's sentence."""
        body = json_object(reply)
        if reply.status == 200 and (reference := text(body.get("id"))) and text(body.get("message")):
            return Accepted(reference.strip("<>"))
        return unsuccessful(reply, _PERMANENT, _NAMED_PARAMETER.findall(text(body.get("message"))))

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request:
        """Ask the event log for the acceptance of our Message-Id."""
        domain = target.settings["domain"]
        query = {
            "event": "accepted",
            "message-id": f"{key}@{domain}",
            "begin": str(int((since - CLOCK_SLACK).timestamp())),
            "ascending": "yes",
            "limit": "10",
        }
        return Request("GET", f"{target.base_url}/v3/{quote(domain, safe='')}/events?{urlencode(query)}")

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:
        """Count the acceptances under our Message-Id; anything else in the list means that the filter did not work."""
        items = json_object(reply).get("items")
        if reply.status != 200 or not isinstance(items, list):
            wait = retry_after(reply.headers)
            return Unclear(f"HTTP {reply.status}, not the documented list", wait)
        ours = [item for item in items if _message_id(item).partition("@")[0] == key]
        if len(ours) < len(items):
            return Unclear("the search answered with mails that were not asked for")
        if not ours:
            return Absent()
        return Found(_message_id(ours[0]), count=len({json.dumps(item.get("id")) for item in ours}))


def _tracking(mail: SendEmail) -> list[tuple[str, str]]:
    """Say whether opens and clicks are counted where the configuration says so (Mailgun docs, "Tracking")."""
    if mail.tracking is None:
        return []
    said = {"o:tracking-opens": mail.tracking.opens, "o:tracking-clicks": mail.tracking.clicks}
    return [(name, "yes" if wanted else "no") for name, wanted in said.items()]


def _message_id(event: object) -> str:
    """Return the Message-Id that a logged event is about, or ''."""
    for name in ("message", "headers", "message-id"):
        event = event.get(name) if isinstance(event, dict) else None
    return text(event).strip("<>")


PROVIDER = Mailgun()
