"""The end of a call, made fit for the ledger: one place for every adapter, those registered from outside included.

Outcomes are kept for good and written in one statement with those of the neighbours. So nothing an adapter took from a
reply may make that statement fail, and no address may get into it: what a provider says may quote the request.
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Collection
from dataclasses import is_dataclass, replace
from urllib.parse import unquote

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

# Loose on purpose: better to lose an id that looks like an address than to keep an address.
_ADDRESS = re.compile(r"""[^\s@"'<>(),:;]+@[^\s@"'<>(),:;]+""")


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
    if len(named) <= LONGEST_REFERENCE and named.isprintable() and not _holds_address(named, key):
        return named
    return f"sha256:{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()}"


def sentence(text: object) -> str:
    """Return a reason as one short printable line, with addresses left out."""
    if not isinstance(text, str):
        return ""
    line = _printable(text[:LONGEST_REASON])
    return _printable(_ADDRESS.sub("[address]", _plain(line))) if _holds_address(line) else line


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _holds_address(text: str, key: str = "") -> bool:
    plain = _plain(text)
    return _ADDRESS.search(plain.replace(key, "") if key else plain) is not None


def _plain(text: str) -> str:
    """Undo the ways of writing an `@` that are not one."""
    return unquote(unicodedata.normalize("NFKC", text))


def _wait(seconds: object) -> float | None:
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS)


def _count(count: object) -> int:
    return min(max(count, 1), HIGHEST_COUNT) if isinstance(count, int) else 1
