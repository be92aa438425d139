"""E-mail addresses: one reading for planner, suppressions, configuration and requests, and the key of a person.

What a text means is part of what an event's plan means, so each reading belongs to a number of
`core.compatibility.SEMANTICS`: only `normalise` asks for it. Everything here is linear in its input: it refuses by
length before it looks at a character.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from drumbeat.core import first_reading
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import InvalidAddress

LONGEST_TEXT = 998  # characters of an address with its display name: a line of RFC 5322
MAX_ADDRESS_BYTES = 254  # RFC 5321
MAX_LOCAL_PART_BYTES = 64

_BLANKS = " \t\r\n"
_LOCAL = re.compile(r"""[^\s"(),:;<>@\[\\\]\x00-\x1f\x7f]+""")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_UNQUOTABLE = re.compile(r'[()<>\[\]:;@\\,"]')  # what a display name may hold in quotes only (RFC 5322)
_ATOMS = re.compile(r'[^()<>\[\]:;@\\,."]+')
# Shown as nothing, though Unicode calls them letters, marks or symbols: fillers and selectors of variants.
_FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# A display name is only shown: some scripts need the joiners, and emoji need joiner and selectors.
_OF_NAMES = re.compile("[\u200c\u200d\ufe0e\ufe0f]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address, with the name that is shown for it ("": none). As text it is what RFC 5322 wants in a header."""

    name: str
    address: str

    def __str__(self) -> str:
        if not self.name:
            return deliverable(self.address)
        return f"{self.name if _ATOMS.fullmatch(self.name) else quoted(self.name)} <{deliverable(self.address)}>"


class Keys(NamedTuple):
    """The keys of one person: that of their address, and that by the first reading of addresses where it is another."""

    today: bytes
    former: bytes | None = None

    @property
    def known(self) -> tuple[bytes, ...]:
        """The keys that there are, today's first."""
        return (self.today,) if self.former is None else (self.today, self.former)


def normalise(text: str, semantics: int) -> str:
    """Return the one spelling of an address: its domain in lower case and ASCII, its local part as given.

    By semantics 2 the domain is read by IDNA 2008, and `Name <a@b>`, `<a@b>` and `mailto:a@b` are the address a@b. By
    semantics 1 the domain is read by IDNA 2003, and only a plain address is taken. By semantics 4 a local part may have
    dots at its ends or beside each other, as some carriers gave out, in quotes or without: that is one address.

    Raises:
        InvalidAddress: it is not exactly one address. Says what is wrong without repeating the text.
    """
    return first_reading.normalise(text) if semantics == 1 else mailbox(text, semantics).address


def mailbox(text: str, semantics: int = SEMANTICS) -> Mailbox:
    """Read a text that must be exactly one address, with or without a display name. Raises as `normalise` does."""
    text = text.strip(_BLANKS)
    if len(text) > LONGEST_TEXT:
        raise InvalidAddress("it is too long")
    return _read(text, odd=semantics > 3)


def deliverable(address: str) -> str:
    """Return a normalised address as a header or a provider must have it: an odd local part stands in quotes."""
    local, _, domain = address.rpartition("@")
    return f"{quoted(local)}@{domain}" if _has_odd_dots(local) else address


def quoted(name: str) -> str:
    """Return a display name in quotes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def keys_of(secret: bytes, target: str, semantics: int = SEMANTICS) -> Keys:
    """Return the keys of a person by an address as these rules normalised it; what semantics 1 read has one."""
    former = former_address(target) if semantics > 1 else None
    return Keys(contact_key(secret, target), contact_key(secret, former) if former else None)


def contact_key(secret: bytes, target: str) -> bytes:
    """Return the 32 bytes that stand for a person: HMAC-SHA-256 of their normalised address under the stage's secret.

    Letter case never distinguishes two people here: a person who unsubscribes as ADA@example.com is not mailed as
    ada@example.com. Takes any text: an action of one's own may know people by something else.
    """
    local, at, domain = unicodedata.normalize("NFC", target.strip()).rpartition("@")
    spelling = f"{local.casefold()}{at}{first_reading.ascii_domain(domain)}"  # a normalised domain stays as it is
    return hmac.digest(secret, spelling.encode("utf-8", "surrogatepass"), hashlib.sha256)


def former_address(address: str) -> str | None:
    """Return the address that semantics 1 read where today's reading is this one; None: the same.

    Its key may hold a suppression of the person from then, and is what a release of then looks at.
    """
    local, at, domain = address.rpartition("@")
    former = first_reading.former_domain(domain) if at else domain
    return None if former == domain else f"{local}@{former}"


@lru_cache(maxsize=512)  # an event names the same address in several places
def _read(text: str, *, odd: bool) -> Mailbox:
    if not text:
        raise InvalidAddress("it is empty")
    name, written = _unwrapped(text)
    _refuse_invisible(_OF_NAMES.sub("", name))
    _refuse_invisible(written)
    return Mailbox(name, _plain(_without_scheme(written), odd=odd))


def _unwrapped(text: str) -> tuple[str, str]:
    """Split a display name from the address in brackets."""
    if not text.endswith(">"):
        if "<" in text:
            raise InvalidAddress("the > after the address is missing, or something follows it")
        return "", text
    name, bracket, address = text[:-1].rpartition("<")
    if not bracket:
        raise InvalidAddress("the < before the address is missing")
    return _display_name(name.strip(_BLANKS)), address.strip(_BLANKS)


def _display_name(text: str) -> str:
    if match := _QUOTED.fullmatch(text):
        return re.sub(r"\\(.)", r"\1", match[1])
    if "@" in text:
        raise InvalidAddress("it names more than one address")
    if found := _UNQUOTABLE.search(text):
        raise InvalidAddress(f"the name before the address holds a {found.group()} and is not in double quotes")
    return text


def _without_scheme(text: str) -> str:
    """Take `mailto:` off; what else such a link may hold is not an address."""
    if text[:7].lower() != "mailto:":
        return text
    if "?" in text or "%" in text:
        raise InvalidAddress("it is a link with more than an address; write the address alone")
    return text[7:]


def _refuse_invisible(text: str) -> None:
    for character in text:
        if not character.isprintable() or _FILLERS.match(character):
            name = unicodedata.name(character, "")
            raise InvalidAddress(f"it holds an invisible character (U+{ord(character):04X}{name and ' '}{name})")


def _plain(text: str, *, odd: bool) -> str:
    if "," in text or ";" in text:
        raise InvalidAddress("it holds a comma or semicolon; write one address alone")
    if text.count("@") > 1:
        raise InvalidAddress("it names more than one address")
    local, at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    if not at:
        raise InvalidAddress("it holds no @")
    if " " in text:
        raise InvalidAddress("it holds a space; a name goes before the address in < and >")
    if odd and (in_quotes := _QUOTED.fullmatch(local)):
        local = re.sub(r"\\(.)", r"\1", in_quotes[1])
    if not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL_PART_BYTES:
        raise InvalidAddress("the part before @ is not a plain name")
    if _has_odd_dots(local) and not (odd and local.strip(".")):
        raise InvalidAddress("the part before @ has a dot too many")
    domain = ascii_domain(domain)
    if len(local.encode()) + 1 + len(domain) > MAX_ADDRESS_BYTES:
        raise InvalidAddress("it is too long")
    return f"{local}@{domain}"


def _has_odd_dots(local: str) -> bool:
    return local.startswith(".") or local.endswith(".") or ".." in local


def ascii_domain(domain: str) -> str:
    """Return a domain as name servers know it: by IDNA 2008, mapped first as browsers do (UTS 46, non-transitional).

    Raises InvalidAddress for what is no domain name, or has no such form.
    """
    if domain.endswith("."):
        raise InvalidAddress("it ends with a dot")
    domain = domain.lower() if domain.isascii() else _by_idna_2008(domain)
    labels = domain.split(".")
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidAddress("the part after @ is not a domain name")
    return domain


def _by_idna_2008(domain: str) -> str:
    import idna  # its tables; few domains need them

    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise InvalidAddress("the part after @ is not a domain name") from None
