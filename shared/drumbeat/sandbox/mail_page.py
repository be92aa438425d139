"""One received mail as the inbox shows it: a row of the list, or the whole message."""

import html
import json
import re
import time
from dataclasses import dataclass
from typing import Any

from drumbeat.core.provider_keys import effect_of
from drumbeat.planning.mail_checks import MailCheck, mail_checks
from drumbeat.sandbox.front import Front
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.record import Entry
from drumbeat.sandbox.reporting import Line, choices, lines
from drumbeat.sandbox.state import State

# A mail's own page: no scripts, no forms, nothing from the network; links leave the frame.
FRAME = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
    '<base target="_blank"><style>body{font:16px/1.55 system-ui,sans-serif;margin:16px}</style>'
)
HIDDEN = re.compile(r"(?is)<(style|script|head|title)\b.*?</\1\s*>|<!--.*?-->")
TAG = re.compile(r"<[^>]*>")
SNIPPET_CHARACTERS = 110
VENDORS = {"ses": "Amazon SES"}
MAX_TRAIL_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class Badge:
    """A remark about a mail; `tone` is a class of the style sheet."""

    text: str
    tone: str
    why: str


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of the list."""

    index: int
    to: str
    subject: str
    time: str
    snippet: str
    provider: str
    badges: list[Badge]


@dataclass(frozen=True, slots=True)
class MailPage:
    """One whole message. `document` is what its frame shows; it is as hostile as the author of the mail."""

    index: int
    subject: str
    sender: str
    to: str
    received: str
    provider: str
    vendor: str  # the provider's own name
    account: str
    marker_name: str
    marker: str
    effect: str | None  # its page at the stack's console; None: no stack, or no mail of ours
    id: str
    badges: list[Badge]
    document: str
    text: str
    headers: list[tuple[str, str]]
    trail: list[dict[str, Any]]
    record: str
    unsubscribe: str | None  # where its buttons lead; None: nowhere at this stack
    confirm: str | None
    choices: list[tuple[str, str]]  # what its provider may be made to report: kind and title
    reports: list[Line]
    checks: list[MailCheck]  # what a mail should have before people get it


def list_row(state: State, mail: Mail, now: float) -> ListRow:
    """Return the mail's line in the list."""
    parameters = state.content(mail)
    text = str(parameters.get("text") or "") or _plain(str(parameters.get("html") or ""))
    snippet = " ".join(text[: 4 * SNIPPET_CHARACTERS].split())[:SNIPPET_CHARACTERS]
    when = short_time(mail.at, now)
    return ListRow(mail.index, ", ".join(mail.to), mail.subject, when, snippet, mail.provider, badges(state, mail))


def mail_page(state: State, mail: Mail, front: Front | None) -> MailPage:
    """Return the whole message."""
    parameters = state.content(mail)
    entry = state.record.entry(mail.number)
    requests = state.counts.trail(mail.provider, mail.marker)[-MAX_TRAIL_ENTRIES:] or [
        mail.number
    ]  # without a marker: its own
    content = str(parameters.get("html") or "")
    return MailPage(
        index=mail.index,
        subject=mail.subject,
        sender=mail.sender,
        to=", ".join(mail.to),
        received=time.strftime("%A, %d %B %Y, %H:%M:%S", time.localtime(mail.at)),
        provider=mail.provider,
        vendor=VENDORS.get(mail.provider, mail.provider.capitalize()),
        account=mail.account,
        marker_name="Idempotency key" if entry.get("key") else "Effect",
        marker=mail.marker,
        effect=_effect_page(mail.marker, front),
        id=mail.id,
        badges=badges(state, mail),
        document=FRAME + content if content else "",
        text=str(parameters.get("text") or ""),
        headers=_headers(mail, parameters),
        trail=[record_line(state.record.entry(number)) for number in requests],
        record=json.dumps(entry, indent=2, ensure_ascii=False),
        unsubscribe=front.unsubscribe_url(parameters) if front else None,
        confirm=front.confirm_url(parameters) if front else None,
        choices=choices(state, mail),
        reports=lines(state.feedback, mail),
        checks=mail_checks(content, str(parameters.get("text") or ""), dict(_headers(mail, parameters))),
    )


def badges(state: State, mail: Mail) -> list[Badge]:
    """Return what is remarkable about the mail."""
    found = []
    copies, alike = len(state.mailbox.copies(mail)), len(state.mailbox.lookalikes(mail))
    if copies > 1:
        count = "twice" if copies == 2 else f"{copies} times"
        found.append(Badge(f"received {count}", "alarm", f"{copies} mails were accepted under this one marker."))
    elif alike > 1:
        why = f"{alike} mails with this recipient, subject and text were accepted under different markers."
        found.append(Badge("same content", "warn", why))
    if mail.test:
        found.append(Badge("test mode", "plain", "Mailgun accepts and charges it, but would not deliver it."))
    return found


def record_line(entry: Entry) -> dict[str, Any]:
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
        "fault": entry["lie"] or "",
    }


def short_time(at: float, now: float) -> str:
    """Return the time of day, or the date for another day."""
    when = time.localtime(at)
    same_day = when[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M:%S" if same_day else "%d %b", when)


def _effect_page(marker: str, front: Front | None) -> str | None:
    named = effect_of(marker)
    return f"{front.url}/effects/{named[0]}" if front and named else None


def _headers(mail: Mail, parameters: Entry) -> list[tuple[str, str]]:
    found = [("From", mail.sender), ("To", ", ".join(mail.to)), ("Subject", mail.subject)]
    for prefix, part in (("", parameters.get("headers")), ("v:", parameters.get("variables"))):
        if isinstance(part, dict):  # a JSON body may hold anything
            found += [(f"{prefix}{name}", str(value)) for name, value in part.items()]
    given = parameters.get("tags")
    tags = [
        f"{tag.get('name')}={tag.get('value')}" if isinstance(tag, dict) else str(tag)
        for tag in (given if isinstance(given, list) else ())
    ]
    return [*found, ("Tags", ", ".join(tags))] if tags else found


def _plain(content: str) -> str:
    return html.unescape(TAG.sub(" ", HIDDEN.sub(" ", content)))
