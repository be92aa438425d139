"""One received mail as the inbox shows it: a row of the list, or the whole message."""

import html
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.record import Entry
from drumbeat.sandbox.state import World

# A mail's own page: no scripts, no forms, nothing from the network; links leave the frame.
FRAME = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
    '<base target="_blank"><style>body{font:16px/1.55 system-ui,sans-serif;margin:16px}</style>'
)
HIDDEN = re.compile(r"(?is)<(style|script|head|title)\b.*?</\1\s*>|<!--.*?-->")
TAG = re.compile(r"<[^>]*>")
SNIPPET = 110
TRAIL = 100


@dataclass(frozen=True, slots=True)
class Badge:
    """A remark about a mail; `tone` is a class of the style sheet."""

    text: str
    tone: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    place: int
    to: str
    subject: str
    time: str
    snippet: str
    provider: str
    badges: list[Badge]


@dataclass(frozen=True, slots=True)
class Letter:
    """One whole message. `document` is what its frame shows; it is as hostile as whoever wrote the mail."""

    place: int
    subject: str
    sender: str
    to: str
    received: str
    provider: str
    account: str
    marker_name: str
    marker: str
    id: str
    badges: list[Badge]
    document: str
    text: str
    headers: list[tuple[str, str]]
    trail: list[dict[str, Any]]
    record: str


def row(world: World, mail: Mail, now: float) -> Row:
    """Return the mail's line in the list."""
    asked = world.content(mail)
    text = str(asked.get("text") or "") or _plain(str(asked.get("html") or ""))
    snippet = " ".join(text[: 4 * SNIPPET].split())[:SNIPPET]
    when = short_time(mail.at, now)
    return Row(mail.place, ", ".join(mail.to), mail.subject, when, snippet, mail.provider, badges(world, mail))


def letter(world: World, mail: Mail) -> Letter:
    """Return the whole message."""
    asked = world.content(mail)
    entry = world.record.entry(mail.number)
    asks = world.counts.trail(mail.provider, mail.marker)[-TRAIL:] or [mail.number]  # without a marker: its own
    content = str(asked.get("html") or "")
    return Letter(
        place=mail.place,
        subject=mail.subject,
        sender=mail.sender,
        to=", ".join(mail.to),
        received=time.strftime("%A, %d %B %Y, %H:%M:%S", time.localtime(mail.at)),
        provider=mail.provider,
        account=mail.account,
        marker_name="Idempotency key" if entry.get("key") else "Effect",
        marker=mail.marker,
        id=mail.id,
        badges=badges(world, mail),
        document=FRAME + content if content else "",
        text=str(asked.get("text") or ""),
        headers=_headers(mail, asked),
        trail=[trace(world.record.entry(number)) for number in asks],
        record=json.dumps(entry, indent=2, ensure_ascii=False),
    )


def badges(world: World, mail: Mail) -> list[Badge]:
    """Return what is remarkable about the mail."""
    found = []
    copies, alike = len(world.mailbox.copies(mail)), len(world.mailbox.lookalikes(mail))
    if copies > 1:
        count = "twice" if copies == 2 else f"{copies} times"
        found.append(Badge(f"received {count}", "alarm", f"{copies} mails were accepted under this one marker."))
    elif alike > 1:
        why = f"{alike} mails with this recipient, subject and text were accepted under different markers."
        found.append(Badge("same content", "warn", why))
    if mail.test:
        found.append(Badge("test mode", "plain", "Mailgun accepts and charges it, but would not deliver it."))
    return found


def trace(entry: Entry) -> dict[str, Any]:
    """Return one entry of the record as a line of a table."""
    status = entry["status"]
    return {
        "time": time.strftime("%H:%M:%S", time.localtime(entry["at"])) + f".{int(entry['at'] % 1 * 1000):03d}",
        "provider": entry["provider"],
        "method": entry["method"],
        "path": entry["path"].removeprefix(f"/{entry['provider']}"),
        "marker": entry.get("effect") or entry.get("key") or ", ".join(entry["to"]),
        "key": entry.get("key") or "",
        "did": entry["did"],
        "status": "nothing"
        if status is None
        else f"{status} after {entry['delay']:g} s"
        if "delay" in entry
        else status,
        "lie": entry["lie"] or "",
    }


def short_time(at: float, now: float) -> str:
    """Return the time of day, or the date for another day."""
    when = time.localtime(at)
    same_day = when[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M:%S" if same_day else "%d %b", when)


def _headers(mail: Mail, asked: Entry) -> list[tuple[str, str]]:
    found = [("From", mail.sender), ("To", ", ".join(mail.to)), ("Subject", mail.subject)]
    for prefix, part in (("", asked.get("headers")), ("v:", asked.get("variables"))):
        if isinstance(part, dict):  # a JSON body may hold anything
            found += [(f"{prefix}{name}", str(value)) for name, value in part.items()]
    given = asked.get("tags")
    tags = [
        f"{tag.get('name')}={tag.get('value')}" if isinstance(tag, dict) else str(tag)
        for tag in (given if isinstance(given, list) else ())
    ]
    return [*found, ("Tags", ", ".join(tags))] if tags else found


def _plain(content: str) -> str:
    return html.unescape(TAG.sub(" ", HIDDEN.sub(" ", content)))
