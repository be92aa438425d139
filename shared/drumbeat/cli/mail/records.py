"""What name servers answer, and what is said where they do not. The readings of SPF, DKIM and DMARC are pure."""

from collections.abc import Callable
from dataclasses import dataclass

from drumbeat.cli.checks import Check, note

WHY = "Gmail, Yahoo and Outlook.com defer or refuse mail of bulk senders without SPF, DKIM and DMARC"
AGAIN = "ask again later, or another name server: --dns 1.1.1.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """The TXT records of one name; none is an answer, too."""

    texts: tuple[str, ...] = ()
    alias: str | None = None  # where a CNAME at the name leads
    unknown: str | None = None  # why it cannot be said now what is there


type Ask = Callable[[str], Answer]


def not_known(name: str, asked: str, why: str) -> Check:
    """Return a check that could not be made: that a record was not seen does not mean that it is not there."""
    return note(name, f"not known: {asked}: {why}", AGAIN)
