"""The arguments of a step, filled with an event: what the actions make their targets and values of."""

import json
import re
from collections.abc import Mapping
from typing import Any

from drumbeat.core.address import normalise
from drumbeat.core.configuration import Step, Tree
from drumbeat.core.errors import DrumbeatError, InvalidAddress
from drumbeat.planning.templating import Unfillable, compile_text

type Variables = Mapping[str, Any]

LONGEST_LINE = 2000  # characters of a subject, a header, a path, a channel

# Line ends and other control characters: what would begin a header of its own; and halves of characters.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")


class Unusable(DrumbeatError):
    """An argument cannot be made of this event. The reason names the argument and holds nothing of the event."""


def address(step: Step, name: str, seen: Variables, semantics: int) -> str:
    """Return an argument as the one address that it is by these rules."""
    try:
        return normalise(text(step.arguments.get(name), name, seen), semantics)
    except InvalidAddress as error:
        raise Unusable(f"{name} is not an address: {error}") from None


def line(step: Step, name: str, seen: Variables) -> str:
    """Return an argument that must stay on one line."""
    return one_line(text(step.arguments.get(name), name, seen), name)


def lines(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of one-line values, in the order of their names."""
    given = step.arguments.get(name) or {}
    assert isinstance(given, Mapping)
    return {key: one_line(text(given[key], f"{name}.{key}", seen), f"{name}.{key}") for key in sorted(given)}


def texts(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of values, in the order of their names."""
    given = step.arguments.get(name) or {}
    assert isinstance(given, Mapping)
    return {key: text(given[key], f"{name}.{key}", seen) for key in sorted(given)}


def list_of_texts(step: Step, name: str, seen: Variables) -> tuple[str, ...]:
    """Return a list of values."""
    given = step.arguments.get(name) or []
    assert isinstance(given, list)
    return tuple(text(one, f"{name}[{index}]", seen) for index, one in enumerate(given))


def some_text(step: Step, name: str, seen: Variables) -> str:
    """Return an argument that may not be empty."""
    if not (words := text(step.arguments.get(name), name, seen)).strip():
        raise Unusable(f"{name} is empty")
    return words


def text(source: Tree, name: str, seen: Variables, *, html: bool = False) -> str:
    """Fill one text; null and absent are empty, other plain values as JSON writes them."""
    if source is None:
        return ""
    if not isinstance(source, str):
        return json.dumps(source)
    try:
        filled = compile_text(source, html=html)(seen)
    except Unfillable as error:
        raise Unusable(f"{name}: {error}") from None
    except (RecursionError, SyntaxError, MemoryError):  # when it is compiled; another release may have let it pass
        raise Unusable(f"{name}: its text nests too deep") from None
    if _HALVES.search(filled):
        raise Unusable(f"{name} holds half a character")
    return filled


def one_line(value: str, name: str) -> str:
    """Return the value without space around it; raises Unusable when it is not one line."""
    value = value.strip()
    if _BREAKS.search(value):
        raise Unusable(f"{name} holds a line break or control character")
    if len(value) > LONGEST_LINE:
        raise Unusable(f"{name} is longer than {LONGEST_LINE:,} characters")
    return value
