"""Addresses in any text: found, and left out. One reading of what looks like one, wherever a text may reach others."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

LEFT_OUT = "[address]"

_LAYERS = 3  # more than any mailer or form writes

# Loose on purpose: better to lose what looks like an address than to show one. What comes before the @ begins where a
# run of such characters does, so that the search is linear in the text.
_OUTSIDE = r"""\s@"'<>(),:;"""
_ADDRESS = re.compile(rf"""(?:"[^"@]*"|(?<![^{_OUTSIDE}])[^{_OUTSIDE}]+)@[^{_OUTSIDE}]+""")


def holds_address(text: str) -> bool:
    """Return whether a text holds what looks like an address, however its `@` is written."""
    return _ADDRESS.search(plain(text)) is not None


def without_addresses(text: str) -> str:
    """Return a text with what looks like an address left out; a text without one stays as it is."""
    return _ADDRESS.sub(LEFT_OUT, plain(text)) if holds_address(text) else text


def addresses(text: str) -> Iterator[str]:
    """Give what looks like an address in a text, as it is written there once its `@` is one."""
    return (found.group() for found in _ADDRESS.finditer(plain(text)))


def plain(text: str) -> str:
    """Undo the ways of writing an `@` that are not one, also where one is wrapped in another."""
    for _ in range(_LAYERS):
        text = unquote(unicodedata.normalize("NFKC", text))
    return text
