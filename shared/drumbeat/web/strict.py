"""JSON from outside, read strictly: everything that another parser could read differently is refused.

Refused are duplicate keys, numbers that a double cannot hold exactly, NUL, halves of surrogate pairs, and nesting
beyond a stated depth. A flaw keeps its place, so that in a batch it affects its own event only.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from drumbeat.core.errors import Invalid
from drumbeat.core.numbers import BEYOND, VANISHES, is_exact, vanishes

MAX_DEPTH = 64  # of objects and lists within each other


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands in a document for a value that is not unambiguous."""

    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document. `suspect`: it has to be searched for flaws before it is used."""

    value: object
    suspect: bool


def read(raw: bytes) -> Document:
    """Parse one JSON document.

    Raises:
        Invalid: it is not UTF-8 or not JSON at all.
    """
    flaws: list[Flaw] = []

    def flaw(reason: str) -> Flaw:
        flaws.append(Flaw(reason))
        return flaws[-1]

    def members(pairs: list[tuple[str, object]]) -> object:
        made = dict(pairs)
        return made if len(made) == len(pairs) else flaw("a key appears twice in one object")

    def whole(digits: str) -> object:
        return int(digits) if len(digits) < 18 and is_exact(int(digits)) else flaw(_TOO_LARGE)

    def fraction(digits: str) -> object:
        if vanishes(digits):
            return flaw(_TOO_SMALL)
        return number if is_exact(number := float(digits)) else flaw(_TOO_LARGE)

    def constant(name: str) -> object:
        return flaw(f"{name} is not JSON")

    try:
        text = raw.decode()
        value = json.loads(
            text, object_pairs_hook=members, parse_int=whole, parse_float=fraction, parse_constant=constant
        )
    except UnicodeDecodeError:
        raise Invalid(f"The body is not UTF-8. {_RESEND}") from None
    except json.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error.msg} at character {error.pos}. {_RESEND}") from None
    except RecursionError:
        raise Invalid(f"The body is nested too deeply; {MAX_DEPTH} levels are allowed. {_RESEND}") from None
    # Cheap checks on the bytes; only a body that fails one is searched.
    deep = raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    return Document(value, bool(flaws) or deep or b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw)


def check(value: object) -> None:
    """Search a part of a suspect document; raises Invalid with the first flaw found."""
    for part in _parts(value):
        match part:
            case Flaw(reason):
                raise Invalid(f"{reason[0].upper()}{reason[1:]}. {_RESEND}")
            case str() if "\0" in part:
                raise Invalid(f"Text holds the character NUL (\\u0000), which cannot be stored. {_RESEND}")
            case str() if not _unicode(part):
                raise Invalid(f"Text holds half of a surrogate pair, which is not Unicode. {_RESEND}")


_RESEND = "Nothing was stored; correct it and send it again."
_TOO_LARGE = f"a number {BEYOND}: send it as text"
_TOO_SMALL = f"a number {VANISHES}: send it as text"


def _parts(value: object) -> Sequence[object]:
    """List a value and all that it holds, keys included, level by level; raises Invalid when it is too deep."""
    found: list[object] = [value]
    level: list[object] = [value]
    depth = 0
    while level:
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                found += one
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        found += inner
        level = [one for one in inner if isinstance(one, dict | list)]
        depth += 1
        if depth > MAX_DEPTH:
            raise Invalid(f"The body is nested too deeply; {MAX_DEPTH} levels are allowed. {_RESEND}")
    return found


def _unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
