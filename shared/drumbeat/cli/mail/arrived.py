"""What arrived: the headers, links and words of one mail. Pure, but for the link that is opened."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from drumbeat.cli.checks import Check, check, note
from drumbeat.core.address import mailbox
from drumbeat.core.errors import InvalidAddress
from drumbeat.core.one_click import ONE_CLICK

MOST_HTML_BYTES = 102_400  # Gmail shows no more of a mail, and so not what stands at its end
_TEMPLATE = "correct the template, or the step's text, and run `drumbeat apply`"
_OURS = "Drumbeat sets it itself: report this"
_LINK = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_URI = re.compile(r"<([^<>]*)>")
_HIDDEN = re.compile(r"(?is)<(style|script|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as its reader has it; header names are in lower case."""

    sender: str
    to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]

    @classmethod
    def of_sandbox(cls, item: Mapping[str, Any]) -> "Mail":
        """Read a mail as the sandbox lists it."""
        headers = {name.lower(): str(value) for name, value in (item["headers"] or {}).items()}
        to = ", ".join(item["to"])
        return cls(item["from"], to, item["subject"], item["text"] or "", item["html"] or "", headers)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the mail should be: whom it is from and for, and of which list. `opens` opens a link, as a reader would."""

    sender: str
    to: str
    mailing_list: str | None
    postal_address: str | None
    message_id: bool  # whether the request sets it; else the vendor does
    opens: Callable[[str], str | None]  # None: it opened, and nothing changed; else what went wrong


def check_mail(mail: Mail, expected: Expected) -> Iterator[Check]:
    """Check the mail's headers and words; of a list's mail also how people leave it."""
    yield from _envelope(mail, expected)
    yield from _words(mail)
    if expected.mailing_list is not None:
        yield from _list_headers(mail)
        yield from _leaving(mail, expected)
    elif "list-unsubscribe" in mail.headers:
        fix = "take it out of the step's headers, or give the step its list"
        yield check("List-Unsubscribe", False, "it is there, and the mail belongs to no list", fix)


def look_yourself(to: str, mailing_list: str | None) -> list[Check]:
    """Say what to look at in a mail that went to a real mailbox."""
    found = [
        note("arrival", f"the mail went to {to}", "open it there; look into spam, too, and then show its source"),
        note(
            "Authentication-Results",
            "spf, dkim and dmarc each have to be `pass`, for the domain of From",
            "what is not pass, the records above explain",
        ),
        note(
            "text part", "the source has text/plain beside text/html", "add a text to the step or template if it lacks"
        ),
    ]
    if mailing_list is None:
        return found
    return [
        *found,
        note(
            "DKIM-Signature",
            "its h= has to name List-Unsubscribe and List-Unsubscribe-Post, else Gmail and Yahoo show no button",
            "if it does not, ask the provider to sign them",
        ),
        note(
            "links",
            "the one in List-Unsubscribe and the one in the words are the same",
            "open it: nothing changes by that",
        ),
    ]


def _envelope(mail: Mail, expected: Expected) -> Iterator[Check]:
    for name, value, wanted in (("From", mail.sender, expected.sender), ("To", mail.to, expected.to)):
        yield check(name, _address(value) == _address(wanted), value, f"it should be {wanted}: report this")
    yield check("Subject", bool(mail.subject.strip()), mail.subject or "empty", _TEMPLATE)
    if expected.message_id:
        found = mail.headers.get("message-id", "")
        good = re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", found) is not None
        yield check("Message-Id", good, found or "missing", _OURS)


def _words(mail: Mail) -> Iterator[Check]:
    has_text = bool(mail.text.strip())
    fix = "add text to the step, or templates/NAME.txt: a mail of HTML alone looks like spam to filters"
    yield check("text part", has_text, f"{len(mail.text):,} characters" if has_text else "missing", fix)
    size = len(mail.html.encode())
    if mail.html:
        fix = "make it shorter: Gmail cuts a mail there, and with it the link to unsubscribe"
        yield check("size of the HTML", size < MOST_HTML_BYTES, f"{size:,} of {MOST_HTML_BYTES:,} bytes", fix)


def _list_headers(mail: Mail) -> Iterator[Check]:
    said = mail.headers.get("list-unsubscribe-post", "")
    yield check("List-Unsubscribe-Post", said == ONE_CLICK, said or "missing", f"it has to be {ONE_CLICK}: report this")
    for name, pattern in (
        ("List-Id", r"[^<>]*<[^<>\s]+\.[^<>\s]+>"),
        ("Feedback-ID", r"[^:]*:[^:]*:[^:]*:[^:\s]{5,15}"),
    ):
        found = mail.headers.get(name.lower(), "")
        yield check(name, re.fullmatch(pattern, found) is not None, found or "missing", _OURS)


def _leaving(mail: Mail, expected: Expected) -> Iterator[Check]:
    header = mail.headers.get("list-unsubscribe", "")
    posted = [uri for uri in _URI.findall(header) if not uri.startswith("mailto:")]
    link = posted[0] if len(posted) == 1 and _may_be_posted_to(posted[0]) else None
    fix = "it has to hold exactly one https address: set `public_url` under `defaults`, and run `drumbeat apply`"
    yield check("List-Unsubscribe", link is not None, header or "missing", fix)
    if link is None:
        return
    problem = expected.opens(link)
    fix = "people could not leave the list: make it reachable, see `public_url` under `defaults`"
    yield check("link to unsubscribe", problem is None, problem or "it opens, and opening changes nothing", fix)
    address = expected.postal_address or ""
    for part, words, links in (
        ("text", mail.text, _holds(mail.text, link)),
        ("HTML", unescape(_HIDDEN.sub(" ", mail.html)), link in _links(mail.html)),
    ):
        if words.strip():
            detail = (
                "the same as in List-Unsubscribe" if links else "not there, or another one than in List-Unsubscribe"
            )
            yield check(
                f"link to unsubscribe in the {part}", links, detail, f"write {{{{ unsubscribe_url }}}}: {_TEMPLATE}"
            )
            given = bool(address) and _squeezed(address) in _squeezed(words)
            detail = "given" if given else "missing, and the law of many countries wants it"
            yield check(f"postal address in the {part}", given, detail, f"write {{{{ postal_address }}}}: {_TEMPLATE}")


def _may_be_posted_to(uri: str) -> bool:
    """Return whether a mailbox provider may post to it; on this machine http will do."""
    parts = urlsplit(uri)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _holds(text: str, link: str) -> bool:
    return re.search(re.escape(link) + r"(?![\w/-])", text) is not None


def _links(html: str) -> set[str]:
    return {unescape("".join(match)) for match in _LINK.findall(html)}


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _address(text: str) -> str:
    try:
        return mailbox(text).address
    except InvalidAddress:
        return text
