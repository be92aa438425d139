"""Where the HTML or MJML of a mail loads images from: only by https.

What is loaded by http tells the network who reads what, and many mail programs do not show it; what is written into the
mail itself (data:) most of them do not show at all.
"""

import re
from collections.abc import Iterator
from html import unescape

TAG = re.compile(r"<[a-zA-Z](?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+>")
# Each attribute whole, so that what stands in the value of one is not taken for another.
ATTRIBUTE = re.compile(r"([^\s=<>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_OF_IMAGES = frozenset({"src", "background", "background-url", "thumbnails-src", "poster"})
_HINT = re.compile(r"src|background|poster|url\(", re.IGNORECASE)
_URL = re.compile(r"url\(\s*(?:\"(.*?)\"|'(.*?)'|(.*?))\s*\)", re.IGNORECASE | re.DOTALL)
# An address that can leave neither its attribute nor the url() of a style.
_SAFE = re.compile(r"https://[^\s\"'()<>\\\\]+", re.IGNORECASE)
_BEGINS_SAFE = re.compile(r"https://|\{", re.IGNORECASE)


def image_addresses(markup: str) -> Iterator[tuple[int, str]]:
    """Yield where an image is named, and its address. What is empty is none."""
    for tag in TAG.finditer(markup):
        if _HINT.search(tag[0]) is None:
            continue
        for found in ATTRIBUTE.finditer(tag[0]):
            name, value = found[1].lower(), unescape(found[2] or found[3] or found[4] or "")
            if name in _OF_IMAGES:
                yield tag.start(), value.strip()
            elif name == "style":
                for url in _URL.finditer(value):
                    yield tag.start(), (url[1] or url[2] or url[3] or "").strip()


def is_safe(address: str) -> bool:
    """Return whether an image of a mail that is about to be sent may have this address."""
    return not address or _SAFE.fullmatch(address) is not None


def may_be_safe(address: str) -> bool:
    """Return whether an address in a template may be one: a whole one, or the beginning of what is filled in."""
    return not address or _BEGINS_SAFE.match(address) is not None
