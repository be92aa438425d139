"""Resend: mail with a native idempotency key that lives for 24 hours."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from drumbeat.sandbox.actions import (
    ACCEPTED,
    NOTHING,
    REFUSED,
    REPLAYED,
    PerformedAction,
    RequestedAction,
    credential_label,
    digest,
)
from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.idempotency_keys import KEY_LIFETIME_SECONDS
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors.base import Vendor, bearer

ROUTE = re.compile(r"/emails(?:/([^/]+))?")
MAX_KEY_CHARACTERS = 256
MAX_BATCH_EMAILS, MAX_RECIPIENTS, PAGE_EMAILS = 100, 50, 20
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
MARKERS = ("effect_id", "effect-id", "effect")  # tags that carry the caller's own marker

FAILURES = {
    401: ("validation_error", "API key is invalid"),
    403: ("validation_error", "The domain is not verified. Please, add and verify your domain."),
    404: ("not_found", "The requested endpoint does not exist."),
    405: ("method_not_allowed", "Method is not allowed for the requested path."),
    429: ("rate_limit_exceeded", "Too many requests. You can only make 2 requests per second."),
}


class Resend:
    """`POST /emails`, `/emails/batch`; `GET /emails`, `/emails/{id}`."""

    name = "resend"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; the account is the token's label."""
        token = bearer(request)
        requested = RequestedAction(
            request, self.name, credential_label(token), "unknown", credential=token, aliases=(token,)
        )
        route = ROUTE.fullmatch(path)
        if route is None:
            requested.refusal = self.error_response(404)
        elif request.method == "GET" and route[1] != "batch":
            requested.action, requested.lookup = "get" if route[1] else "list", True
            requested.parameters = {"id": route[1]} if route[1] else dict(request.params)
            requested.to = (route[1],) if route[1] else ()
        elif request.method == "POST" and route[1] in (None, "batch"):
            requested.action = "send_batch" if route[1] else "send"
            self._read_message(requested, request)
        else:
            requested.refusal = self.error_response(405)
        return requested

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Send under the key's rules, or look up."""
        if requested.lookup:
            return PerformedAction(NOTHING, self._look_up(requested, state, injection, now))
        if requested.key is not None:
            if (requested.provider, requested.account, requested.key) in state.in_flight:
                return PerformedAction(REFUSED, _error(409, "concurrent_idempotent_requests",
                    "Same idempotency key used while original request is still in progress."))  # fmt: skip
            stored = state.idempotency_keys.find(
                requested,
                now,
                KEY_LIFETIME_SECONDS if injection.key_lifetime_seconds is None else injection.key_lifetime_seconds,
            )
            if stored is not None and stored.digest != requested.digest:
                return PerformedAction(REFUSED, _error(409, "invalid_idempotent_request",
                    "Same idempotency key used with a different request payload."))  # fmt: skip
            if stored is not None:
                return PerformedAction(REPLAYED, HttpResponse(stored.status, stored.body.encode()), {"id": ""})
        if requested.action == "send":
            id = str(uuid4())
            return _kept(
                requested,
                json_response(200, {"id": id}),
                {"id": id, "content": _content(requested.to, requested.parameters)},
            )
        items = [
            {"id": str(uuid4()), "did": ACCEPTED, "to": to, "asked": mail, "content": _content(to, mail),
             "effect": f"{requested.effect}#{place}" if requested.effect else None}
            for place, mail in enumerate(requested.parameters["emails"])
            for to in [_recipients(mail)]
        ]  # fmt: skip
        return _kept(
            requested, json_response(200, {"data": [{"id": item["id"]} for item in items]}), {"items": items, "id": ""}
        )

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return an error as Resend words it."""
        name, message = FAILURES.get(status, ("internal_server_error", "An unexpected error occurred."))
        return _error(status, name, message, *headers)

    def _read_message(self, requested: RequestedAction, request: HttpRequest) -> None:
        requested.key = request.headers.get("idempotency-key")
        requested.digest = digest(request.path.encode() + b"\0" + request.body)
        try:
            content = request.json()
        except ValueError:
            requested.refusal = _error(400, "validation_error", "The request body is not valid JSON.")
            return
        if requested.action == "send_batch":
            mails = content if isinstance(content, list) else []
            requested.parameters = {"emails": mails}
            bad = next((_problem(mail) for mail in mails if _problem(mail)), None)
            if not 1 <= len(mails) <= MAX_BATCH_EMAILS:
                bad = _error(422, "validation_error", "The batch must hold 1 to 100 emails.")
            requested.effect = requested.key
        else:
            bad = _problem(content)
            requested.parameters = content if isinstance(content, dict) else {}
            requested.effect = requested.key or _marker(requested.parameters)
        if bad is None:
            mails = requested.parameters.get("emails") or [requested.parameters]
            requested.to = tuple(one for mail in mails for one in _recipients(mail))
            requested.aliases += tuple({str(mail["from"]).rpartition("@")[2].rstrip("> ") for mail in mails})
        if requested.key is not None and not 1 <= len(requested.key) <= MAX_KEY_CHARACTERS:
            bad = _error(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        requested.refusal = bad

    def _look_up(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> HttpResponse:
        oldest = now - injection.lookup_retention_seconds if injection.lookup_retention_seconds is not None else 0.0
        if requested.action == "get":
            for mail in state.mailbox.by_id(self.name, requested.account, requested.parameters["id"]):
                if oldest <= mail.at <= now - injection.lookup_lag_seconds:
                    return json_response(200, {"object": "email", **_shown(state, mail, full=True)})
            return _error(404, "not_found", "Email not found")
        newest_first = [
            mail
            for mail in reversed(state.mailbox.of_account(self.name, requested.account))
            if oldest <= mail.at <= now - injection.lookup_lag_seconds
        ]
        ids = [mail.id for mail in newest_first]
        after, limit = requested.parameters.get("after"), requested.parameters.get("limit", str(PAGE_EMAILS))
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            return _error(422, "validation_error", "The limit must be between 1 and 100.")
        start = ids.index(after) + 1 if after in ids else 0
        shown = newest_first[start : start + int(limit)]
        more = start + len(shown) < len(ids)
        data = [_shown(state, mail, full=False) for mail in shown]
        return json_response(200, {"object": "list", "has_more": more, "data": data})


VENDOR: Vendor = Resend()


def _kept(requested: RequestedAction, response: HttpResponse, facts: dict[str, Any]) -> PerformedAction:
    if requested.key is not None:
        facts["first"] = [response.status, response.body.decode()]
    return PerformedAction(ACCEPTED, response, facts)


def _problem(mail: object) -> HttpResponse | None:
    if not isinstance(mail, dict):
        return _error(422, "validation_error", "The request body must be an object.")
    for name in ("from", "to", "subject"):
        if not mail.get(name):
            return _error(422, "missing_required_field", f"Missing `{name}` field.")
    if not isinstance(mail["from"], str) or address(mail["from"]) is None:
        return _bad_address("from")
    recipients = mail["to"] if isinstance(mail["to"], list) else [mail["to"]]
    if len(recipients) > MAX_RECIPIENTS or any(not isinstance(one, str) or address(one) is None for one in recipients):
        return _bad_address("to")
    if any(not isinstance(one, str) or address(one) is None for one in _reply_to(mail)):
        return _bad_address("reply_to")
    tags = mail.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) and _is_tag(tag) for tag in tags):
        return _error(
            422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or dashes."
        )
    if not (mail.get("text") or mail.get("html") or mail.get("template")):
        return _error(422, "validation_error", "Missing `html` or `text` field.")
    return None


def _is_tag(tag: Mapping[str, Any]) -> bool:
    return all(isinstance(text, str) and TAG.fullmatch(text) for text in (tag.get("name"), tag.get("value", "-")))


def _bad_address(name: str) -> HttpResponse:
    error = "invalid_from_address" if name == "from" else "validation_error"
    return _error(422, error, f"Invalid `{name}` field. The email address needs to follow the "
        "`email@example.com` or `Name <email@example.com>` format.")  # fmt: skip


def _reply_to(mail: Mapping[str, Any]) -> list[object]:
    given = mail.get("reply_to") or []
    headers = mail.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    in_headers = [value for name, value in pairs if name.lower() == "reply-to"]
    return [*(given if isinstance(given, list) else [given]), *in_headers]


def _recipients(mail: Mapping[str, Any]) -> tuple[str, ...]:
    many = mail["to"] if isinstance(mail["to"], list) else [mail["to"]]
    return tuple(address(one) or one for one in many)


def _marker(mail: Mapping[str, Any]) -> str | None:
    tags = mail.get("tags")
    pairs = [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    return next((str(tag.get("value")) for tag in pairs if tag.get("name") in MARKERS), None)


def _content(to: tuple[str, ...], mail: Mapping[str, Any]) -> str:
    parts = [*to, *(str(mail.get(name) or "") for name in ("subject", "text", "html"))]
    return digest("\0".join(parts).encode("utf-8", "replace"))


def _shown(state: State, mail: Mail, *, full: bool) -> dict[str, Any]:
    parameters = state.content(mail)
    bodies = (
        {"html": parameters.get("html"), "text": parameters.get("text"), "tags": parameters.get("tags", [])}
        if full
        else {}
    )
    return {
        "id": mail.id, "to": list(mail.to), "from": mail.sender, "subject": mail.subject,
        "created_at": datetime.fromtimestamp(mail.at, UTC).isoformat(sep=" "), "bcc": [], "cc": [], "reply_to": [],
        "last_event": "delivered", "scheduled_at": None, **bodies,
    }  # fmt: skip


def _error(status: int, name: str, message: str, *headers: tuple[str, str]) -> HttpResponse:
    return json_response(status, {"statusCode": status, "message": message, "name": name}, *headers)
