"""Resend: mail with a native idempotency key that lives for 24 hours."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from drumbeat.sandbox.actions import ACCEPTED, NOTHING, REFUSED, REPLAYED, Ask, Deed, digest, label
from drumbeat.sandbox.faults import Fate
from drumbeat.sandbox.http_messages import Answer, Inbound, reply
from drumbeat.sandbox.idempotency_keys import LIFETIME
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.state import World
from drumbeat.sandbox.vendors.base import address, bearer

ROUTE = re.compile(r"/emails(?:/([^/]+))?")
MAX_KEY = 256
MAX_BATCH, MAX_RECIPIENTS, PAGE = 100, 50, 20
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

    def read(self, request: Inbound, path: str) -> Ask:
        """Understand a request; the account is the token's label."""
        token = bearer(request)
        ask = Ask(request, self.name, label(token), "unknown", credential=token, also=(token,))
        route = ROUTE.fullmatch(path)
        if route is None:
            ask.refusal = self.failure(404)
        elif request.method == "GET" and route[1] != "batch":
            ask.action, ask.lookup = "get" if route[1] else "list", True
            ask.asked = {"id": route[1]} if route[1] else dict(request.params)
            ask.to = (route[1],) if route[1] else ()
        elif request.method == "POST" and route[1] in (None, "batch"):
            ask.action = "send_batch" if route[1] else "send"
            self._read_message(ask, request)
        else:
            ask.refusal = self.failure(405)
        return ask

    def perform(self, ask: Ask, world: World, fate: Fate, now: float) -> Deed:
        """Send under the key's rules, or look up."""
        if ask.lookup:
            return Deed(NOTHING, self._look(ask, world, fate, now))
        if ask.key is not None:
            if (ask.provider, ask.account, ask.key) in world.in_flight:
                return Deed(REFUSED, _error(409, "concurrent_idempotent_requests",
                    "Same idempotency key used while original request is still in progress."))  # fmt: skip
            seen = world.keyring.recall(ask, now, LIFETIME if fate.key_lifetime is None else fate.key_lifetime)
            if seen is not None and seen.digest != ask.digest:
                return Deed(REFUSED, _error(409, "invalid_idempotent_request",
                    "Same idempotency key used with a different request payload."))  # fmt: skip
            if seen is not None:
                return Deed(REPLAYED, Answer(seen.status, seen.body.encode()), {"id": ""})
        if ask.action == "send":
            id = str(uuid4())
            return _kept(ask, reply(200, {"id": id}), {"id": id, "content": _content(ask.to, ask.asked)})
        items = [
            {"id": str(uuid4()), "did": ACCEPTED, "to": to, "asked": mail, "content": _content(to, mail),
             "effect": f"{ask.effect}#{place}" if ask.effect else None}
            for place, mail in enumerate(ask.asked["emails"])
            for to in [_recipients(mail)]
        ]  # fmt: skip
        return _kept(ask, reply(200, {"data": [{"id": item["id"]} for item in items]}), {"items": items, "id": ""})

    def failure(self, status: int, *headers: tuple[str, str]) -> Answer:
        """Return an error as Resend words it."""
        name, message = FAILURES.get(status, ("internal_server_error", "An unexpected error occurred."))
        return _error(status, name, message, *headers)

    def _read_message(self, ask: Ask, request: Inbound) -> None:
        ask.key = request.headers.get("idempotency-key")
        ask.digest = digest(request.path.encode() + b"\0" + request.body)
        try:
            content = request.json()
        except ValueError:
            ask.refusal = _error(400, "validation_error", "The request body is not valid JSON.")
            return
        if ask.action == "send_batch":
            mails = content if isinstance(content, list) else []
            ask.asked = {"emails": mails}
            bad = next((_problem(mail) for mail in mails if _problem(mail)), None)
            if not 1 <= len(mails) <= MAX_BATCH:
                bad = _error(422, "validation_error", "The batch must hold 1 to 100 emails.")
            ask.effect = ask.key
        else:
            bad = _problem(content)
            ask.asked = content if isinstance(content, dict) else {}
            ask.effect = ask.key or _marker(ask.asked)
        if bad is None:
            mails = ask.asked.get("emails") or [ask.asked]
            ask.to = tuple(one for mail in mails for one in _recipients(mail))
            ask.also += tuple({str(mail["from"]).rpartition("@")[2].rstrip("> ") for mail in mails})
        if ask.key is not None and not 1 <= len(ask.key) <= MAX_KEY:
            bad = _error(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        ask.refusal = bad

    def _look(self, ask: Ask, world: World, fate: Fate, now: float) -> Answer:
        oldest = now - fate.retention if fate.retention is not None else 0.0
        if ask.action == "get":
            for mail in world.mailbox.by_id(self.name, ask.account, ask.asked["id"]):
                if oldest <= mail.at <= now - fate.lag:
                    return reply(200, {"object": "email", **_shown(world, mail, full=True)})
            return _error(404, "not_found", "Email not found")
        newest_first = [
            mail
            for mail in reversed(world.mailbox.of_account(self.name, ask.account))
            if oldest <= mail.at <= now - fate.lag
        ]
        ids = [mail.id for mail in newest_first]
        after, limit = ask.asked.get("after"), ask.asked.get("limit", str(PAGE))
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            return _error(422, "validation_error", "The limit must be between 1 and 100.")
        start = ids.index(after) + 1 if after in ids else 0
        shown = newest_first[start : start + int(limit)]
        more = start + len(shown) < len(ids)
        data = [_shown(world, mail, full=False) for mail in shown]
        return reply(200, {"object": "list", "has_more": more, "data": data})


def _kept(ask: Ask, answer: Answer, facts: dict[str, Any]) -> Deed:
    if ask.key is not None:
        facts["first"] = [answer.status, answer.body.decode()]
    return Deed(ACCEPTED, answer, facts)


def _problem(mail: object) -> Answer | None:
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
    if not (mail.get("text") or mail.get("html") or mail.get("template")):
        return _error(422, "validation_error", "Missing `html` or `text` field.")
    return None


def _bad_address(name: str) -> Answer:
    return _error(422, "validation_error", f"Invalid `{name}` field. The email address needs to follow the "
        "`email@example.com` or `Name <email@example.com>` format.")  # fmt: skip


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


def _shown(world: World, mail: Mail, *, full: bool) -> dict[str, Any]:
    asked = world.content(mail)
    bodies = {"html": asked.get("html"), "text": asked.get("text"), "tags": asked.get("tags", [])} if full else {}
    return {
        "id": mail.id, "to": list(mail.to), "from": mail.sender, "subject": mail.subject,
        "created_at": datetime.fromtimestamp(mail.at, UTC).isoformat(sep=" "), "bcc": [], "cc": [], "reply_to": [],
        "last_event": "delivered", "scheduled_at": None, **bodies,
    }  # fmt: skip


def _error(status: int, name: str, message: str, *headers: tuple[str, str]) -> Answer:
    return reply(status, {"statusCode": status, "message": message, "name": name}, *headers)
