"""Mailgun: messages by form, no idempotency, and an event log to look into."""

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import getaddresses
from urllib.parse import unquote
from uuid import uuid4

from drumbeat.sandbox.actions import ACCEPTED, NOTHING, Ask, Deed, digest
from drumbeat.sandbox.faults import Fate
from drumbeat.sandbox.forms import fields
from drumbeat.sandbox.http_messages import Answer, Inbound, reply
from drumbeat.sandbox.state import World
from drumbeat.sandbox.vendors import mailgun_events
from drumbeat.sandbox.vendors.base import address

ROUTE = re.compile(r"/v3/([^/]+)/(messages|events)(?:/([^/]+))?")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]+")
MARKERS = ("effect-id", "effect_id", "effect")  # v:… fields that carry the caller's own marker
MAX_RECIPIENTS = 1000

FAILURES = {
    401: ("text/plain; charset=utf-8", b"Forbidden"),
    403: ("application/json", b'{"message":"Domain is not allowed to send: please contact support"}'),
    429: ("application/json", b'{"message":"Too many requests, please slow down"}'),
}


class Mailgun:
    """`/v3/{domain}/messages` and `/v3/{domain}/events`."""

    name = "mailgun"

    def read(self, request: Inbound, path: str) -> Ask:
        """Understand a request; the account is the domain."""
        route = ROUTE.fullmatch(path)
        domain = unquote(route[1]).lower() if route else ""
        ask = Ask(request, self.name, domain, "unknown", credential=_password(request))
        if route is None:
            ask.refusal = Answer(404, b"404 page not found", "text/plain; charset=utf-8")
        elif not DOMAIN.fullmatch(domain):
            ask.refusal = _message(404, f"Domain not found: {domain}")
        elif route[2] == "events" and request.method == "GET":
            ask.action, ask.lookup = "events", True
            ask.asked = mailgun_events.filters(request, route[3])
            ask.to = tuple(ask.asked[name] for name in ("recipient", "message-id") if name in ask.asked)
        elif route[2] == "messages" and request.method == "POST" and not route[3]:
            ask.action = "send"
            self._read_message(ask, request)
        else:
            ask.refusal = _message(405, "Method Not Allowed")
        return ask

    def perform(self, ask: Ask, world: World, fate: Fate, now: float) -> Deed:
        """Send the message, or search the events."""
        if ask.lookup:
            answer = mailgun_events.page(world, ask, fate, now)
            return Deed(NOTHING, answer)
        asked = ask.asked
        message_id = asked["headers"].get("Message-Id") or _new_id(ask.account, now)
        if not message_id.startswith("<"):
            message_id = f"<{message_id}>"
        content = digest(
            "\0".join([*ask.to, asked["subject"], asked["text"], asked["html"]]).encode("utf-8", "replace")
        )
        facts = {"id": message_id.strip("<>"), "content": content, "test": asked["options"].get("testmode") == "yes"}
        return Deed(ACCEPTED, reply(200, {"id": message_id, "message": "Queued. Thank you."}), facts)

    def failure(self, status: int, *headers: tuple[str, str]) -> Answer:
        """Return an error as Mailgun words it."""
        kind, body = FAILURES.get(status, ("application/json", b'{"message":"Internal Server Error"}'))
        return Answer(status, body, kind, headers)

    def _read_message(self, ask: Ask, request: Inbound) -> None:
        try:
            form = fields(request)
        except ValueError:
            ask.refusal = _message(400, "the request body is not a valid form")
            return
        one = {name: values[-1] for name, values in form.items()}
        variables = {name[2:]: value for name, value in one.items() if name.startswith("v:")}
        headers = {name[2:].title(): value for name, value in one.items() if name.startswith("h:")}
        recipients = [bare for name in ("to", "cc", "bcc") for bare in _recipients(form.get(name, []))]
        ask.asked = {
            "from": one.get("from", ""),
            "to": ", ".join(form.get("to", [])),
            "subject": one.get("subject", ""),
            "text": one.get("text", ""),
            "html": one.get("html", ""),
            "headers": headers,
            "variables": variables,
            "tags": form.get("o:tag", []),
            "options": {name[2:]: value for name, value in one.items() if name.startswith("o:") and name != "o:tag"},
        }
        ask.to = tuple(bare or text for text, bare in recipients)
        ask.effect = next((variables[name] for name in MARKERS if name in variables), None) or headers.get("Message-Id")
        ask.refusal = _problem(one, recipients)


def _problem(form: dict[str, str], recipients: list[tuple[str, str | None]]) -> Answer | None:
    if not form.get("from"):
        return _message(400, "from parameter is missing")
    if address(form["from"]) is None:
        return _message(400, "from parameter is not a valid address. please check documentation")
    if not form.get("to"):
        return _message(400, "to parameter is missing")
    if not recipients or any(bare is None for _, bare in recipients):
        return _message(400, "to parameter is not a valid address. please check documentation")
    if len(recipients) > MAX_RECIPIENTS:
        return _message(400, "to parameter has too many recipients")
    if not (form.get("text") or form.get("html") or form.get("template")):
        return _message(400, "Need at least one of 'text', 'html' or 'template' parameters specified")
    return None


def _recipients(values: list[str]) -> list[tuple[str, str | None]]:
    if len(values) == 1 and "," not in values[0]:
        return [(values[0], address(values[0]))]
    return [(text, address(text)) for _, text in getaddresses(values)]


def _password(request: Inbound) -> str:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password if user == "api" else ""


def _new_id(domain: str, now: float) -> str:
    return f"<{datetime.fromtimestamp(now, UTC):%Y%m%d%H%M%S}.{uuid4().hex[:16]}@{domain}>"


def _message(status: int, text: str) -> Answer:
    return reply(status, {"message": text})
