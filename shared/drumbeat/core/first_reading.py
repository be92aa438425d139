"""Addresses as semantics 1 read them: domains by IDNA 2003. Kept, so that a plan of then is made again to the letter.

Nothing here may change but the bounds on length, which refuse only what was refused before.
"""

import re
import unicodedata
from itertools import islice

from drumbeat.core.errors import InvalidAddress

MAX_ADDRESS_BYTES = 254  # RFC 5321
MAX_LOCAL_PART_BYTES = 64
# Composing (NFC) leaves at least one of four characters.
LONGEST_LOCAL_PART = 4 * MAX_LOCAL_PART_BYTES
LONGEST_DOMAIN = 4 * MAX_ADDRESS_BYTES  # characters that IDNA 2003 does not drop

_LOCAL = re.compile(r"""[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f]+""")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PREFIX = "xn--"


def normalise(text: str) -> str:
    """Return a plain address: trimmed, its domain in lower case and ASCII. Raises InvalidAddress."""
    text = text.strip()
    local, at, domain = text.rpartition("@")
    if not at:
        raise InvalidAddress("it holds no @" if text else "it is empty")
    if len(local) > LONGEST_LOCAL_PART or _kept(domain) > LONGEST_DOMAIN:
        raise InvalidAddress("it is too long")
    # No character composes with an @, so the parts are composed as the whole would be.
    local, domain = unicodedata.normalize("NFC", local), unicodedata.normalize("NFC", domain)
    if not _LOCAL.fullmatch(local) or not local.isprintable() or len(local.encode()) > MAX_LOCAL_PART_BYTES:
        raise InvalidAddress("the part before @ is not a plain name")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidAddress("the part before @ has a dot too many")
    domain = ascii_domain(domain)
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidAddress("the part after @ is not a domain name")
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS_BYTES:
        raise InvalidAddress("it is too long")
    return f"{local}@{domain}"


def ascii_domain(domain: str) -> str:
    """Return a domain as it was looked up then; one that has no such form comes back in lower case."""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain.lower()


def former_domain(domain: str) -> str:
    """Return what stood here then for a domain that is in ASCII by today's rules."""
    if _PREFIX not in domain:
        return domain
    try:
        return ascii_domain(".".join(map(_unicode_label, domain.split("."))))
    except UnicodeError:
        return domain


def _unicode_label(label: str) -> str:
    encoded = label.removeprefix(_PREFIX)
    return encoded.encode().decode("punycode") if encoded and encoded != label else label


def _kept(domain: str) -> int:
    """Count the characters that IDNA 2003 does not drop, up to one more than a domain may have."""
    if len(domain) <= LONGEST_DOMAIN:
        return len(domain)
    import stringprep  # tables that almost no text needs

    kept = (character for character in domain if not stringprep.in_table_b1(character))
    return sum(1 for _ in islice(kept, LONGEST_DOMAIN + 1))
