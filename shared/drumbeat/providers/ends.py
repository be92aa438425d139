"""The end of a call, made fit for the ledger: one place for every adapter, those registered from outside included.

Outcomes are kept for good and written in one statement with those of the neighbours. So nothing an adapter took from a
reply may make that statement fail, and no address may get into it: what a provider says may quote the request.
"""

import hashlib
import math
from collections.abc import Collection
from dataclasses import is_dataclass, replace

from drumbeat.core.masking import holds_address, plain, without_addresses
from drumbeat.core.outcomes import (
    Absent,
    Accepted,
    Denied,
    Found,
    LookupResult,
    NotSent,
    Outcome,
    Refused,
    Throttled,
    Unclear,
    Unknown,
)
from drumbeat.providers.retry_after import LONGEST_WAIT_SECONDS

LONGEST_REFERENCE = 255  # characters
LONGEST_REASON = 500
HIGHEST_COUNT = 1_000_000
SHORTEST_SECRET = 6  # characters; a shorter one is found in any text


def fit_outcome(end: object, *, key: str) -> Outcome:
    """Return the end of a send as the ledger may keep it: an acceptance stays one, whatever its reference is.

    `key` is our own name for what was sent, which a reference may hold before an `@`, as a Message-Id does. What is no
    outcome at all is unknown.
    """
    match end:
        case Accepted(named):
            return Accepted(reference(named, key=key))
        case Refused() | Denied() | Unknown():
            return replace(end, reason=sentence(end.reason))
        case NotSent() | Throttled():
            return replace(end, reason=sentence(end.reason), retry_after=_wait(end.retry_after))
        case _:
            return Unknown(f"the reply was read as {type(end).__name__}, which is no outcome")


def without(end: object, secrets: Collection[str]) -> object:
    """Return what an adapter read without the secrets of the call, should the peer have said one back."""
    if not is_dataclass(end) or isinstance(end, type):
        return end
    telling = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    words = {name: str(getattr(end, name, "")) for name in ("reason", "reference")}
    echoed = [name for name, text in words.items() if any(secret in text for secret in telling)]
    return replace(end, **dict.fromkeys(echoed, "[left out: it held a secret of this account]"))


def fit_look(end: object, *, key: str) -> LookupResult:
    """Return the end of a search as the ledger may keep it, as `fit_outcome` does."""
    match end:
        case Found(named, count):
            return Found(reference(named, key=key), count=_count(count))
        case Absent():
            return end
        case Unclear(reason):
            return Unclear(sentence(reason))
        case _:
            return Unclear(f"the search was read as {type(end).__name__}, which is no result")


def reference(named: object, *, key: str = "") -> str:
    """Return a provider's id for something: printable, at most 255 characters, without an address.

    Any other text is replaced by its hash, by which it can still be recognised; what is no text is dropped.
    """
    if not isinstance(named, str) or not named:
        return ""
    spelled = plain(named)
    anonymous = spelled.replace(key, "") if key else spelled
    if len(named) <= LONGEST_REFERENCE and named.isprintable() and not holds_address(anonymous):
        return named
    return f"sha256:{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()}"


def sentence(text: object) -> str:
    """Return a reason as one short printable line, with addresses left out."""
    if not isinstance(text, str):
        return ""
    line = _printable(text[:LONGEST_REASON])
    return _printable(without_addresses(line))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _wait(seconds: object) -> float | None:
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS)


def _count(count: object) -> int:
    return min(max(count, 1), HIGHEST_COUNT) if isinstance(count, int) else 1
