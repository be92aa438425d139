"""Mailgun's event log: filters, pages, lag and retention."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from drumbeat.sandbox.actions import Ask, digest
from drumbeat.sandbox.faults import Fate
from drumbeat.sandbox.http_messages import Answer, Inbound, encode, reply
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.state import World

RETENTION = 3 * 86_400.0  # the least that any plan keeps
PAGE, MAX_PAGE = 100, 300
FILTERS = ("begin", "end", "ascending", "limit", "event", "message-id", "recipient", "to", "from", "subject", "tags")
EVENTS = ("accepted", "delivered")


def filters(request: Inbound, token: str | None) -> dict[str, str]:
    """Return the search that a request asks for: its parameters, or those inside a page's token."""
    if token is None:
        return {name: value for name, value in request.params.items() if name in FILTERS}
    try:
        search = json.loads(base64.urlsafe_b64decode(unquote(token)))
        return {str(name): str(value) for name, value in search.items()}
    except (binascii.Error, ValueError, AttributeError):
        return {"bad": "token"}


def page(world: World, ask: Ask, fate: Fate, now: float) -> Answer:
    """Answer one page of events, in Mailgun's shape."""
    search = dict(ask.asked)
    try:
        limit = min(MAX_PAGE, int(search.get("limit", PAGE)))
        skip = max(0, int(search.get("skip", 0)))
        begin, end = _instant(search.get("begin")), _instant(search.get("end"))
        if "bad" in search or limit < 1:
            raise ValueError
    except ValueError:
        return reply(400, {"message": "invalid value in query parameters"})
    rising = _rising(search, begin, end)
    low, high = sorted((begin if begin is not None else 0.0, end if end is not None else now))
    if begin is not None and end is None:
        low, high = (begin, now) if rising else (0.0, begin)
    low = max(low, now - (RETENTION if fate.retention is None else fate.retention))
    found = [
        event
        for mail in _candidates(world, ask.account, search)
        if low <= mail.at <= high and mail.at <= now - fate.lag
        for event in _events(world, mail, search)
    ]
    if not rising:
        found.reverse()
    items = found[skip : skip + limit]
    return reply(200, {"items": items, "paging": _paging(ask, search, skip, limit, len(found))})


def _candidates(world: World, domain: str, search: dict[str, str]) -> list[Mail]:
    if "message-id" in search:  # stored and searched without angle brackets
        return world.mailbox.by_id("mailgun", domain, search["message-id"])
    return world.mailbox.of_account("mailgun", domain)


def _events(world: World, mail: Mail, search: dict[str, str]) -> Iterator[dict[str, Any]]:
    wanted = {name.strip().lower() for name in re.split(r"\s+OR\s+", search.get("event", " OR ".join(EVENTS)))}
    asked = world.record.entry(mail.number)["asked"]
    for order, event in enumerate(EVENTS):
        if event not in wanted:
            continue
        for recipient in mail.to:
            if all(_fits(search, name, text) for name, text in _searchable(mail, asked, recipient)):
                yield _event(mail, asked, event, recipient, mail.at + order * 0.001)


def _searchable(mail: Mail, asked: dict[str, Any], recipient: str) -> Iterator[tuple[str, str]]:
    yield "recipient", recipient
    yield "to", asked["to"]
    yield "from", mail.sender
    yield "subject", mail.subject
    yield "tags", " ".join(asked["tags"])


def _fits(search: dict[str, str], name: str, text: str) -> bool:
    return name not in search or search[name].lower() in text.lower()


def _event(mail: Mail, asked: dict[str, Any], event: str, recipient: str, at: float) -> dict[str, Any]:
    return {
        "event": event,
        "id": digest(f"{mail.number}|{event}|{recipient}".encode())[:22],
        "timestamp": round(at, 6),
        "log-level": "info",
        "method": "HTTP",
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "tags": asked["tags"],
        "campaigns": [],
        "user-variables": asked["variables"],
        "flags": {"is-authenticated": True, "is-test-mode": mail.test},
        "envelope": {"transport": "smtp", "sender": mail.sender, "targets": recipient},
        "message": {
            "headers": {"to": asked["to"], "message-id": mail.id, "from": mail.sender, "subject": mail.subject},
            "attachments": [],
            "recipients": list(mail.to),
            "size": len(asked["text"]) + len(asked["html"]),
        },
    }


def _paging(ask: Ask, search: dict[str, str], skip: int, limit: int, found: int) -> dict[str, str]:
    """Return the four links; as at Mailgun, `next` goes on for ever and yields empty pages past the end."""
    front = f"http://{ask.request.headers.get('host', 'localhost')}/mailgun/v3/{ask.account}/events/"

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
