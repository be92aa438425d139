"""E-mail addresses: one spelling for each, and the key that stands for a person where no address may be kept."""

import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache

MAX_ADDRESS_BYTES = 254  # RFC 5321
MAX_LOCAL_PART_BYTES = 64

_LOCAL = re.compile(r"""[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f]+""")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class InvalidAddress(ValueError):
    """The text is not one plain address. The message never holds the text."""


@lru_cache(maxsize=512)  # an event names the same address in several places
def normalise(text: str) -> str:
    """Return the one spelling of an address: trimmed, its domain in lower case and ASCII, its local part as given.

    Exactly one plain address `name@example.com` is taken: no display name, no list, no comment, no quoted name, so that
    nothing in it can become a second recipient or a header.

    Raises:
        InvalidAddress: says what is wrong without repeating the text.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    if not at:
        raise InvalidAddress("it is empty" if not text.strip() else "it holds no @")
    if not _LOCAL.fullmatch(local) or not local.isprintable() or len(local.encode()) > MAX_LOCAL_PART_BYTES:
        raise InvalidAddress("the part before @ is not a plain name")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidAddress("the part before @ has a dot too many")
    domain = _ascii(domain)
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidAddress("the part after @ is not a domain name")
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS_BYTES:
        raise InvalidAddress("it is too long")
    return f"{local}@{domain}"


def contact_key(secret: bytes, address: str) -> bytes:
    """Return the 32 bytes that stand for an address: HMAC-SHA-256 under the stage's secret.

    Letter case never distinguishes two people here: a person who unsubscribes as ADA@example.com is not mailed as
    ada@example.com. Takes any text.
    """
    local, at, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    return hmac.digest(
        secret, f"{local.casefold()}{at}{_ascii(domain)}".encode("utf-8", "surrogatepass"), hashlib.sha256
    )


def _ascii(domain: str) -> str:
    """Return a domain as name servers know it; one that has no such form comes back in lower case."""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain.lower()
