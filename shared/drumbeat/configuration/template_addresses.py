"""The addresses that a file of a template writes out: what a mail loads, and where its links lead."""

import re
from collections.abc import Iterator
from html import unescape

from drumbeat.configuration.mjml_faults import without_jinja
from drumbeat.planning.mail_images import ATTRIBUTE, TAG, image_addresses, may_be_safe

# What is loaded from somewhere and is no image.
_NO_IMAGES = frozenset({"audio", "embed", "frame", "iframe", "script", "source", "track", "video"})
_NO_LINKS = frozenset({"base", "link", "mj-font"})  # have a href, and no one can press them
_OPENED = frozenset({"http", "https", "mailto", "sms", "tel"})
_NAME = re.compile(r"<([\w-]+)")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


def unsafe_images(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and advice for each address of something that a mail would load by another way than https."""
    for place, address in image_addresses(without_jinja(text, "{")):
        if not may_be_safe(address):
            scheme, colon, _ = address[:12].partition(":")
            what = f"is by {scheme}:" if colon else "has no whole address"
            name = _name(text[place : place + 20])
            loaded = f"the content of <{name}>" if name in _NO_IMAGES else "an image of a mail"
            message = f"{loaded} is loaded by https, and this one {what}; write where it is: https://…"
            yield _line(text, place), message


def doubtful_links(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and advice for each link by a scheme that mail programs do not open."""
    written = without_jinja(text, "{")
    for tag in TAG.finditer(written):
        if "href" not in tag[0].lower() or _name(tag[0]) in _NO_LINKS:
            continue
        for found in ATTRIBUTE.finditer(tag[0]):
            address = "".join(unescape(found[2] or found[3] or found[4] or "").split())  # as browsers read it
            scheme = _SCHEME.match(address)
            if found[1].lower() == "href" and scheme is not None and scheme[1].lower() not in _OPENED:
                advice = "which mail programs do not open; write where it leads: https://…"
                yield _line(text, tag.start()), f"a link is by {scheme[1][:20]}:, {advice}"


def _name(tag: str) -> str:
    found = _NAME.match(tag)
    return found[1].lower() if found else ""


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
