"""What every file of words is made of: the contract, and the few readings that they share. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from drumbeat.core.feedback import Kind, Report
from drumbeat.core.masking import holds_address, without_addresses
from drumbeat.core.provider_keys import effect_of
from drumbeat.core.scanners import opened_by_machine
from drumbeat.providers.ends import reference

MAX_WORD_CHARACTERS = 100
MAX_SAID_CHARACTERS = 500
MAX_NAME_CHARACTERS = 255

_READ_CHARACTERS = 4 * MAX_SAID_CHARACTERS  # of a text, of which addresses are then left out


class Words(Protocol):
    """How one provider words its reports."""

    def read(self, fact: object) -> Report:
        """Read one fact: a whole delivery, or one element of a delivery that is a list.

        The same fact, delivered or signed again, gives the same report. A word that is not known is Kind.OTHER.

        Raises:
            ValueError: it is not in this provider's form. Its text holds nothing of the fact.
        """
        ...


def fields(value: object) -> Mapping[str, object]:
    """Return an object's fields; those of anything else are none."""
    return value if isinstance(value, dict) else {}


def within(value: object, *path: str) -> object:
    """Return what stands at a path of objects inside each other; None: nothing."""
    for name in path:
        value = fields(value).get(name)
    return value


def text(value: object) -> str:
    """Return a text as it is written; '' for what is no text, or has no UTF-8."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return ""
    return value


def words(value: object) -> str:
    """Return a short text fit for the ledger: printable, one line, without addresses; '' for what is no text."""
    if not isinstance(value, str):
        return ""
    line = _printable(value[:_READ_CHARACTERS])
    while holds_address(line):  # what was left out may uncover another way to write one
        line = _printable(without_addresses(line))
    return line[:MAX_SAID_CHARACTERS].strip()


def word(*parts: object) -> str:
    """Return the provider's own word for what it reports, made of those parts that are texts."""
    return words(" ".join(part for part in parts if isinstance(part, str) and part))[:MAX_WORD_CHARACTERS].strip()


def instant(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Read a time as RFC 3339 or ISO 8601 write it, or Unix seconds, and return it in UTC; None: it is neither.

    One without an offset is in `zone`; without a zone it is none.
    """
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        read = datetime.fromisoformat(str(value))
        if read.tzinfo is None:
            read = read.replace(tzinfo=zone)
        return read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def our_key(value: object) -> str | None:
    """Return a text that is a key of ours; None: it is something else."""
    return value if isinstance(value, str) and effect_of(value) else None


def reference_of(value: object, key: str | None) -> str | None:
    """Return the provider's id of a mail, fit for the ledger; None: there is none."""
    return reference(value, key=key or "") or None


def by_machine(kind: Kind, user_agent: object, address: object, *, known: bool = False) -> bool:
    """Return whether what opened a mail or followed its link shows, by its name or IP address, that it is no person.

    `known`: the provider says that it is none.
    """
    return kind in (Kind.OPENED, Kind.CLICKED) and (known or opened_by_machine(text(user_agent), text(address)))


def named(value: object, *content: object) -> str:
    """Return the provider's own name of a report where it can be one, and else the name by its content."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**30 else None
    usable = isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARACTERS and value.isprintable()
    return value if usable and isinstance(value, str) and not holds_address(value) else name_of(*content)


def name_of(*parts: object) -> str:
    """Return the name of a report by its content, for providers that give none, or another one to each repeat.

    Parts that are objects or lists count for nothing. An address is a part only where there is neither a key of ours
    nor an id of the mail: a digest can be tried for addresses.
    """
    plain = [part if isinstance(part, str | int | float) else None for part in parts]
    written = json.dumps(plain, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)
