"""What a mail should have before people get it: text, links that lead somewhere, headers, a size and colors that hold.

For the preview of a template, and for the sandbox's inbox. No check keeps a mail from being sent.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from drumbeat.planning.html_reader import HtmlReader
from drumbeat.planning.mail_images import image_addresses, is_safe

CLIPPED_AT = 102 * 1024  # bytes of HTML; Gmail shows no more, and hides the link to unsubscribe with the rest
ONE_CLICK = "List-Unsubscribe=One-Click"
_MOST_SHOWN = 3
_HERE = ("127.0.0.1", "localhost", "::1")
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark|<meta[^>]+name=[\"']?color-scheme", re.IGNORECASE)
_LISTED = ("list-id", "list-unsubscribe", "list-unsubscribe-post")


@dataclass(frozen=True, slots=True)
class MailCheck:
    """One thing that was looked at: whether it is as it should be, and what there is to say."""

    name: str
    ok: bool
    says: str


def mail_checks(html: str | None, text: str | None, headers: Mapping[str, str] | None = None) -> list[MailCheck]:
    """Look at a mail; without `headers` they are not known yet."""
    found = [_text(text), _links(html, text)]
    if headers is not None:
        found.append(_headers({name.lower(): value for name, value in headers.items()}))
    if html:
        found += [_images(html), _size(html), _dark_mode(html)]
    return found


def _text(text: str | None) -> MailCheck:
    if text and text.strip():
        return MailCheck("text part", True, f"{len(text.split()):,} words")
    return MailCheck("text part", False, "there is none: some programs show nothing, and filters take it for spam")


def _links(html: str | None, text: str | None) -> MailCheck:
    links = list(_hrefs(html)) if html else re.findall(r"https?://[^\s<>()]+", text or "")
    wrong = [f"{link or 'an empty one'} {why}" for link in links if (why := _no_link(link))]
    if wrong:
        more = f", and {len(wrong) - _MOST_SHOWN} more" if len(wrong) > _MOST_SHOWN else ""
        return MailCheck("links", False, "; ".join(wrong[:_MOST_SHOWN]) + more)
    here = sum(urlsplit(link).hostname in _HERE for link in links)
    says = f"{len(links)}, all whole" + (f"; {here} to this machine" if here else "")
    return MailCheck("links", True, says if links else "there are none")


def _no_link(link: str) -> str | None:
    """Say what is wrong with a link; None: it leads somewhere."""
    if not link or link.startswith("#"):
        return "leads nowhere"
    try:
        parts = urlsplit(link)
    except ValueError:
        return "is no address"
    if parts.scheme in ("mailto", "tel", "sms"):
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no whole https address"
    return None if parts.scheme == "https" or parts.hostname in _HERE else "is not by https"


def _hrefs(html: str) -> Iterator[str]:
    reader = _Links()
    reader.feed(html)
    reader.close()
    yield from reader.found


class _Links(HtmlReader):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads; an anchor without an address is no link."""
        if tag in ("a", "area"):
            self.found += [(value or "").strip() for name, value in attrs if name == "href"][:1]


def _headers(headers: Mapping[str, str]) -> MailCheck:
    if not any(name in headers for name in _LISTED):
        return MailCheck("headers", True, "of a mail without a list: it needs none to be left")
    if "https://" not in headers.get("list-unsubscribe", "") and "http://" not in headers.get("list-unsubscribe", ""):
        return MailCheck("headers", False, "List-Unsubscribe holds no address to leave the list by")
    if headers.get("list-unsubscribe-post") != ONE_CLICK:
        return MailCheck("headers", False, f"List-Unsubscribe-Post: {ONE_CLICK} is missing; Gmail and Yahoo ask for it")
    return MailCheck("headers", True, "one click leaves the list")


def _images(html: str) -> MailCheck:
    addresses = [address for _, address in image_addresses(html) if address]
    wrong = [address[:80] for address in addresses if not is_safe(address)]
    if wrong:
        return MailCheck("images", False, f"{'; '.join(wrong[:_MOST_SHOWN])}: not loaded by https")
    return MailCheck("images", True, f"{len(set(addresses))}, all by https" if addresses else "there are none")


def _size(html: str) -> MailCheck:
    size = len(html.encode())
    says = f"{size / 1024:.1f} KiB of HTML"
    if size <= CLIPPED_AT:
        return MailCheck("size", True, says)
    return MailCheck(
        "size", False, f"{says}: Gmail shows {CLIPPED_AT // 1024}, and hides the rest with the link to leave"
    )


def _dark_mode(html: str) -> MailCheck:
    if _DARK.search(html):
        return MailCheck("dark mode", True, "it says what it does in the dark")
    return MailCheck("dark mode", False, "nothing is said of it, so programs turn its colors as they like")
