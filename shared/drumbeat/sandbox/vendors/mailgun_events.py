"""Mailgun's event log: filters, pages, lag and retention."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from drumbeat.sandbox.actions import RequestedAction, digest
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, encode, json_response
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.state import State

RETENTION_SECONDS = 3 * 86_400.0  # the shortest of any plan
DEFAULT_PAGE_EVENTS, MAX_PAGE_EVENTS = 100, 300
FILTERS = ("begin", "end", "ascending", "limit", "event", "message-id", "recipient", "to", "from", "subject", "tags")
EVENTS = ("accepted", "delivered")


def filters(request: HttpRequest, token: str | None) -> dict[str, str]:
    """Return the search that a request asks for: its parameters, or those inside a page's token."""
    if token is None:
        return {name: value for name, value in request.params.items() if name in FILTERS}
    try:
        search = json.loads(base64.urlsafe_b64decode(unquote(token)))
        return {str(name): str(value) for name, value in search.items()}
    except (binascii.Error, ValueError, AttributeError):
        return {"bad": "token"}


def page(state: State, requested: RequestedAction, injection: Injection, now: float) -> HttpResponse:
    """Answer one page of events, in Mailgun's shape."""
    search = dict(requested.parameters)
    try:
        limit = min(MAX_PAGE_EVENTS, int(search.get("limit", DEFAULT_PAGE_EVENTS)))
        skip = max(0, int(search.get("skip", 0)))
        begin, end = _instant(search.get("begin")), _instant(search.get("end"))
        if "bad" in search or limit < 1:
            raise ValueError
    except ValueError:
        return json_response(400, {"message": "invalid value in query parameters"})
    rising = _rising(search, begin, end)
    low, high = sorted((begin if begin is not None else 0.0, end if end is not None else now))
    if begin is not None and end is None:
        low, high = (begin, now) if rising else (0.0, begin)
    low = max(
        low,
        now - (RETENTION_SECONDS if injection.lookup_retention_seconds is None else injection.lookup_retention_seconds),
    )
    found = [
        event
        for mail in _candidates(state, requested.account, search)
        if low <= mail.at <= high and mail.at <= now - injection.lookup_lag_seconds
        for event in _events(state, mail, search)
    ]
    if not rising:
        found.reverse()
    items = found[skip : skip + limit]
    return json_response(200, {"items": items, "paging": _paging(requested, search, skip, limit, len(found))})


def _candidates(state: State, domain: str, search: dict[str, str]) -> list[Mail]:
    if "message-id" in search:  # stored and searched without angle brackets
        return state.mailbox.by_id("mailgun", domain, search["message-id"])
    return state.mailbox.of_account("mailgun", domain)


def _events(state: State, mail: Mail, search: dict[str, str]) -> Iterator[dict[str, Any]]:
    wanted = {name.strip().lower() for name in re.split(r"\s+OR\s+", search.get("event", " OR ".join(EVENTS)))}
    parameters = state.record.entry(mail.number)["asked"]
    for order, event in enumerate(EVENTS):
        if event not in wanted:
            continue
        for recipient in mail.to:
            if all(_fits(search, name, text) for name, text in _searchable(mail, parameters, recipient)):
                yield _event(mail, parameters, event, recipient, mail.at + order * 0.001)


def _searchable(mail: Mail, parameters: dict[str, Any], recipient: str) -> Iterator[tuple[str, str]]:
    yield "recipient", recipient
    yield "to", parameters["to"]
    yield "from", mail.sender
    yield "subject", mail.subject
    yield "tags", " ".join(parameters["tags"])


def _fits(search: dict[str, str], name: str, text: str) -> bool:
    return name not in search or search[name].lower() in text.lower()


def _event(mail: Mail, parameters: dict[str, Any], event: str, recipient: str, at: float) -> dict[str, Any]:
    return {
        "event": event,
        "id": digest(f"{mail.number}|{event}|{recipient}".encode())[:22],
        "timestamp": round(at, 6),
        "log-level": "info",
        "method": "HTTP",
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "tags": parameters["tags"],
        "campaigns": [],
        "user-variables": parameters["variables"],
        "flags": {"is-authenticated": True, "is-test-mode": mail.test},
        "envelope": {"transport": "smtp", "sender": mail.sender, "targets": recipient},
        "message": {
            "headers": {"to": parameters["to"], "message-id": mail.id, "from": mail.sender, "subject": mail.subject},
            "attachments": [],
            "recipients": list(mail.to),
            "size": len(parameters["text"]) + len(parameters["html"]),
        },
    }


def _paging(requested: RequestedAction, search: dict[str, str], skip: int, limit: int, found: int) -> dict[str, str]:
    """Return the four links; as at Mailgun, `next` has no end and yields empty pages past the last event."""
    front = f"http://{requested.request.headers.get('host', 'localhost')}/mailgun/v3/{requested.account}/events/"

    def link(start: int) -> str:
        token = {**search, "limit": str(limit), "skip": str(max(0, start))}
        return front + base64.urlsafe_b64encode(encode(token).encode()).decode()

    last = (found - 1) // limit * limit if found else 0
    return {
        "previous": link(skip - limit),
        "first": link(0),
        "next": link(min(skip + limit, found)),
        "last": link(last),
    }


def _rising(search: dict[str, str], begin: float | None, end: float | None) -> bool:
    if "ascending" in search:
        return search["ascending"] == "yes"
    return begin is not None and end is not None and begin <= end


def _instant(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        try:
            return parsedate_to_datetime(text).timestamp()
        except (TypeError, ValueError):
            raise ValueError(text) from None
