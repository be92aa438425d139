"""Mailgun: messages by form, no idempotency, and an event log to search."""

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import getaddresses
from urllib.parse import unquote
from uuid import uuid4

from drumbeat.sandbox.actions import ACCEPTED, NOTHING, PerformedAction, RequestedAction, digest
from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.forms import fields
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors import mailgun_events
from drumbeat.sandbox.vendors.base import Vendor

ROUTE = re.compile(r"/v3/([^/]+)/(messages|events)(?:/([^/]+))?")
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]+")
MARKERS = ("effect-id", "effect_id", "effect")  # v:… fields that carry the caller's own marker
MAX_RECIPIENTS = 1000
MAX_OPTIONS_BYTES = 16 * 1024
MAX_TAGS, MAX_TAG_CHARACTERS = 10, 128  # Mailgun docs, "Tagging"; how it words the refusal is not documented

FAILURES = {
    401: ("text/plain; charset=utf-8", b"Forbidden"),
    403: ("application/json", b'{"message":"Domain is not allowed to send: please contact support"}'),
    429: ("application/json", b'{"message":"Too many requests, please slow down"}'),
}


class Mailgun:
    """`/v3/{domain}/messages` and `/v3/{domain}/events`."""

    name = "mailgun"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; the account is the domain."""
        route = ROUTE.fullmatch(path)
        domain = unquote(route[1]).lower() if route else ""
        requested = RequestedAction(request, self.name, domain, "unknown", credential=_password(request))
        if route is None:
            requested.refusal = HttpResponse(404, b"404 page not found", "text/plain; charset=utf-8")
        elif not DOMAIN.fullmatch(domain):
            requested.refusal = _message(404, f"Domain not found: {domain}")
        elif route[2] == "events" and request.method == "GET":
            requested.action, requested.lookup = "events", True
            requested.parameters = mailgun_events.filters(request, route[3])
            requested.to = tuple(
                requested.parameters[name] for name in ("recipient", "message-id") if name in requested.parameters
            )
        elif route[2] == "messages" and request.method == "POST" and not route[3]:
            requested.action = "send"
            self._read_message(requested, request)
        else:
            requested.refusal = _message(405, "Method Not Allowed")
        return requested

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Send the message, or search the events."""
        if requested.lookup:
            response = mailgun_events.page(state, requested, injection, now)
            return PerformedAction(NOTHING, response)
        parameters = requested.parameters
        message_id = parameters["headers"].get("Message-Id") or _new_id(requested.account, now)
        if not message_id.startswith("<"):
            message_id = f"<{message_id}>"
        content = digest(
            "\0".join([*requested.to, parameters["subject"], parameters["text"], parameters["html"]]).encode(
                "utf-8", "replace"
            )
        )
        facts = {
            "id": message_id.strip("<>"),
            "content": content,
            "test": parameters["options"].get("testmode") == "yes",
        }
        return PerformedAction(ACCEPTED, json_response(200, {"id": message_id, "message": "Queued. Thank you."}), facts)

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return an error as Mailgun words it."""
        kind, body = FAILURES.get(status, ("application/json", b'{"message":"Internal Server Error"}'))
        return HttpResponse(status, body, kind, headers)

    def _read_message(self, requested: RequestedAction, request: HttpRequest) -> None:
        try:
            form = fields(request)
        except ValueError:
            requested.refusal = _message(400, "the request body is not a valid form")
            return
        one = {name: values[-1] for name, values in form.items()}
        variables = {name[2:]: value for name, value in one.items() if name.startswith("v:")}
        headers = {name[2:].title(): value for name, value in one.items() if name.startswith("h:")}
        recipients = [bare for name in ("to", "cc", "bcc") for bare in _recipients(form.get(name, []))]
        requested.parameters = {
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
        requested.to = tuple(bare or text for text, bare in recipients)
        requested.effect = next((variables[name] for name in MARKERS if name in variables), None) or headers.get(
            "Message-Id"
        )
        requested.refusal = _problem(one, recipients) or _options_problem(form)


VENDOR: Vendor = Mailgun()


def _problem(form: dict[str, str], recipients: list[tuple[str, str | None]]) -> HttpResponse | None:
    if not form.get("from"):
        return _message(400, "from parameter is missing")
    if address(form["from"]) is None:
        return _message(400, "from parameter is not a valid address. please check documentation")
    if not form.get("to"):
        return _message(400, "to parameter is missing")
    if not recipients or any(bare is None for _, bare in recipients):
        return _message(400, "to parameter is not a valid address. please check documentation")
    if (reply_to := _header(form, "reply-to")) and address(reply_to) is None:
        return _message(400, "h:Reply-To parameter is not a valid address. please check documentation")
    if len(recipients) > MAX_RECIPIENTS:
        return _message(400, f"Too many recipients; max is {MAX_RECIPIENTS}")
    if not (form.get("text") or form.get("html") or form.get("template")):
        return _message(400, "Need at least one of 'text', 'html' or 'template' parameters specified")
    return None


def _options_problem(form: dict[str, list[str]]) -> HttpResponse | None:
    options = [(name, value) for name, values in form.items() if name[:2] in ("o:", "h:", "v:") for value in values]
    if sum(len(name.encode()) + len(value.encode()) for name, value in options) > MAX_OPTIONS_BYTES:
        return _message(400, "Send options (parameters starting with o:, h:, or v:) are limited to 16 kB total")
    if foreign := next((name[2:] for name, _ in options if name.startswith("h:") and not name.isascii()), None):
        return _message(400, f"Header name must be pure ASCII: {foreign}")
    tags = form.get("o:tag", [])
    if len(tags) > MAX_TAGS or not all(tag.isascii() and 1 <= len(tag) <= MAX_TAG_CHARACTERS for tag in tags):
        return _message(400, "o:tag parameter is not valid: at most 10 tags, each of 1 to 128 ASCII characters")
    return None


def _header(form: dict[str, str], name: str) -> str | None:
    return next((value for field, value in form.items() if field.lower() == f"h:{name}"), None)


def _recipients(values: list[str]) -> list[tuple[str, str | None]]:
    if len(values) == 1 and "," not in values[0]:
        return [(values[0], address(values[0]))]
    return [(text, address(text)) for _, text in getaddresses(values)]


def _password(request: HttpRequest) -> str:
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


def _message(status: int, text: str) -> HttpResponse:
    return json_response(status, {"message": text})
