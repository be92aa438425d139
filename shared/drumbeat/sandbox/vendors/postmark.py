"""Postmark: messages as JSON, no idempotency, and a search by what they carry as metadata."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import getaddresses
from typing import Any
from uuid import uuid4

from drumbeat.sandbox.actions import (
    ACCEPTED,
    NOTHING,
    PerformedAction,
    RequestedAction,
    credential_label,
    digest,
)
from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors import postmark_search
from drumbeat.sandbox.vendors.base import Vendor

MARKERS = ("effect_id", "effect-id", "effect")  # metadata that carries the caller's own marker
MAX_RECIPIENTS = 50
MAX_TAG_CHARACTERS = 1000
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE = 10, 20, 80  # Postmark's help center, "Custom metadata FAQ"
LINKS = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")

FAILURES = {
    401: (10, "The Server Token you provided in the X-Postmark-Server-Token request header was invalid."),
    403: (405, "You are not allowed to send."),
    429: (429, "You have exceeded the rate limit."),
}


class Postmark:
    """`POST /email` and `GET /messages/outbound`."""

    name = "postmark"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; the account is the token's label."""
        token = request.headers.get("x-postmark-server-token", "").strip()
        requested = RequestedAction(
            request, self.name, credential_label(token), "unknown", credential=token, aliases=(token,)
        )
        if path == "/email" and request.method == "POST":
            requested.action = "send"
            self._read_message(requested, request)
        elif path == "/messages/outbound" and request.method == "GET":
            requested.action, requested.lookup = "search", True
            requested.parameters = dict(request.params)
            requested.to = tuple(
                request.params[name] for name in ("recipient", postmark_search.MARKER) if name in request.params
            )
        else:
            requested.refusal = json_response(404, {"ErrorCode": 404, "Message": "There is no such resource."})
        return requested

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Send the message, or search the sent ones."""
        if requested.lookup:
            return PerformedAction(NOTHING, postmark_search.page(state, requested, injection, now))
        parameters = requested.parameters
        id = str(uuid4())
        content = "\0".join([*requested.to, *(parameters[name] for name in ("subject", "text", "html"))])
        answer = {
            "To": parameters["to"],
            "SubmittedAt": datetime.fromtimestamp(now, UTC).isoformat(),
            "MessageID": id,
            "ErrorCode": 0,
            "Message": "OK",
        }
        facts = {"id": id, "content": digest(content.encode("utf-8", "replace"))}
        return PerformedAction(ACCEPTED, json_response(200, answer), facts)

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return an error as Postmark words it."""
        code, message = FAILURES.get(status, (500, "Internal Server Error"))
        return json_response(status, {"ErrorCode": code, "Message": message}, *headers)

    def _read_message(self, requested: RequestedAction, request: HttpRequest) -> None:
        if "json" not in request.headers.get("content-type", ""):
            requested.refusal = _error(409, "The Accept and Content-Type headers must be application/json.")
            return
        try:
            mail = request.json()
        except ValueError:
            requested.refusal = _error(402, "Received invalid JSON input.")
            return
        if not isinstance(mail, dict):
            requested.refusal = _error(403, "The JSON you provided is not compatible.")
            return
        metadata, headers = mail.get("Metadata"), mail.get("Headers")
        variables = metadata if isinstance(metadata, dict) else {}
        requested.parameters = {
            **{name: _text(mail, field) for name, field in _FIELDS.items()},
            "headers": {
                **_headers(headers),
                **({"Reply-To": _text(mail, "ReplyTo")} if mail.get("ReplyTo") else {}),
            },
            "variables": variables,
            "tags": [mail["Tag"]] if mail.get("Tag") else [],
            "stream": mail.get("MessageStream") or postmark_search.DEFAULT_STREAM,
            "options": {name: mail[name] for name in ("TrackOpens", "TrackLinks") if name in mail},
        }
        recipients = [_text(mail, name) for name in ("To", "Cc", "Bcc") if mail.get(name)]
        named = _addresses(recipients)
        requested.to = tuple(bare or text for text, bare in named)
        requested.effect = next((str(variables[name]) for name in MARKERS if name in variables), None)
        requested.refusal = _problem(mail, named)


VENDOR: Vendor = Postmark()

_FIELDS = {"from": "From", "to": "To", "subject": "Subject", "text": "TextBody", "html": "HtmlBody"}


def _problem(mail: Mapping[str, Any], recipients: list[tuple[str, str | None]]) -> HttpResponse | None:
    if address(_text(mail, "From")) is None:
        return _error(300, "Invalid 'From' address.")
    if not recipients:
        return _error(300, "Zero recipients specified")
    if any(bare is None for _, bare in recipients):
        return _error(300, "Error parsing 'To': Illegal email address.")
    if len(recipients) > MAX_RECIPIENTS:
        return _error(300, f"The message has too many recipients: at most {MAX_RECIPIENTS}.")
    if mail.get("ReplyTo") and address(_text(mail, "ReplyTo")) is None:
        return _error(300, "Error parsing 'ReplyTo': Illegal email address.")
    if not (_text(mail, "TextBody") or _text(mail, "HtmlBody")):
        return _error(300, "Provide either email TextBody or HtmlBody or both.")
    if len(_text(mail, "Tag")) > MAX_TAG_CHARACTERS:
        return _error(300, f"Tag is longer than {MAX_TAG_CHARACTERS} characters.")
    if mail.get("TrackLinks", LINKS[0]) not in LINKS:
        return _error(403, "TrackLinks is none of its values.")
    return _metadata_problem(mail.get("Metadata") or {})


def _metadata_problem(metadata: object) -> HttpResponse | None:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        return _error(403, "Metadata must be an object of texts.")
    if len(metadata) > MAX_METADATA or any(
        len(name) > MAX_METADATA_NAME or len(value) > MAX_METADATA_VALUE for name, value in metadata.items()
    ):
        return _error(300, "Metadata has too many fields, or one that is too long.")
    return None


def _text(mail: Mapping[str, Any], name: str) -> str:
    value = mail.get(name)
    return value if isinstance(value, str) else ""


def _headers(headers: object) -> dict[str, str]:
    pairs = [one for one in headers if isinstance(one, dict)] if isinstance(headers, list) else []
    return {str(one.get("Name")): str(one.get("Value")) for one in pairs}


def _addresses(values: list[str]) -> list[tuple[str, str | None]]:
    if len(values) == 1 and "," not in values[0]:
        return [(values[0], address(values[0]))]
    return [(text, address(text)) for _, text in getaddresses(values)]


def _error(code: int, message: str) -> HttpResponse:
    return json_response(422, {"ErrorCode": code, "Message": message})
