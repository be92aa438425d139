"""What every file of words is made of: the contract, and the few readings that they share. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from drumbeat.core.feedback import Report
from drumbeat.providers.ends import sentence

MAX_WORD_CHARACTERS = 100
MAX_SAID_CHARACTERS = 500
MAX_NAME_CHARACTERS = 255


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


def words(value: object) -> str:
    """Return a short text fit for the ledger: printable, one line, without addresses; '' for what is no text."""
    return sentence(value)[:MAX_SAID_CHARACTERS].strip() if isinstance(value, str) else ""


def instant(value: object) -> datetime | None:
    """Read a time with its offset, as RFC 3339 or ISO 8601 write it, or Unix seconds; None: it is neither."""
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        read = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return read.astimezone(UTC) if read.tzinfo else None


def name_of(*parts: object) -> str:
    """Return the name of a report by its content, for providers that give none, or another one to each repeat."""
    written = json.dumps(parts, separators=(",", ":"), ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
