"""The arguments of a step, filled with an event: what the actions make their targets and values of.

What is empty: a value that is null or comes out blank is left out of a mapping, since a receiver may take it as an
order to delete. What the document itself writes as "" or null stays: that is how a value is cleared. (By semantics 1
and 2 everything stays.)
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from drumbeat.core.address import normalise
from drumbeat.core.configuration import Parts, Step, Tree
from drumbeat.core.errors import DrumbeatError, InvalidAddress
from drumbeat.planning.context import Variables
from drumbeat.planning.templating import LONGEST_OUTPUT, Missing, Unfillable, compile_text, compile_value

LONGEST_LINE = 2000  # characters of a subject, a header, a path, a channel
NEVER_EMPTY = ("to", "email", "path")

# Line ends and other control characters: what would begin a header of its own; and halves of characters.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")


class Unusable(DrumbeatError):
    """An argument cannot be made of this event. The reason names the argument and holds nothing of the event."""


def address(step: Step, name: str, seen: Variables) -> str:
    """Return an argument as the one address that it is by the rules of what is seen."""
    try:
        return normalise(text(step.arguments.get(name), name, seen), seen.semantics)
    except InvalidAddress as error:
        raise Unusable(f"{name} is not an address: {error}") from None


def line(step: Step, name: str, seen: Variables) -> str:
    """Return an argument that must stay on one line."""
    return one_line(text(step.arguments.get(name), name, seen), name)


def lines(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of one-line values, in the order of their names; those that come out empty are left out."""
    return {key: one_line(value, f"{name}.{key}") for key, value in texts(step, name, seen).items()}


def texts(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of values, in the order of their names; those that come out empty are left out."""
    given = step.arguments.get(name) or {}
    assert isinstance(given, Mapping)
    filled = {key: text(given[key], f"{name}.{key}", seen) for key in sorted(given)}
    if seen.semantics < 3:
        return filled
    return {key: value for key, value in filled.items() if value.strip() or is_literal(given[key])}


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


def text(source: Tree, name: str, seen: Variables, *, html: bool = False, parts: Parts = ()) -> str:
    """Fill one text; null and absent are empty, other plain values as JSON writes them."""
    if source is None:
        return ""
    if not isinstance(source, str):
        return json.dumps(source)
    with _named(name):
        filled = compile_text(source, html=html, semantics=seen.semantics, parts=parts)(seen.values)
    return _whole(filled, name)


def json_text(tree: Tree, name: str, seen: Variables) -> str:
    """Return lists and mappings as JSON, in the order of their names, every text in them filled.

    A text that is one expression alone becomes its value, of the value's own type (by semantics 1 and 2 a text).
    """
    made = json.dumps(_filled(tree, name, seen), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if len(made) > LONGEST_OUTPUT:
        raise Unusable(f"{name} grows over {LONGEST_OUTPUT // 1024} KiB")
    return _whole(made, name)


def is_literal(source: Tree) -> bool:
    """Return whether a text says itself what it is: nothing in it is filled."""
    return not isinstance(source, str) or "{" not in source


def one_line(value: str, name: str) -> str:
    """Return the value without space around it; raises Unusable when it is not one line."""
    value = value.strip()
    if _BREAKS.search(value):
        raise Unusable(f"{name} holds a line break or control character")
    if len(value) > LONGEST_LINE:
        raise Unusable(f"{name} is longer than {LONGEST_LINE:,} characters")
    return value


def _filled(tree: Tree, name: str, seen: Variables) -> Tree:
    match tree:
        case str():
            return text(tree, name, seen) if seen.semantics < 3 else _value(tree, name, seen)
        case Mapping():
            return {key: _filled(branch, name, seen) for key, branch in tree.items()}
        case list():
            return [_filled(branch, name, seen) for branch in tree]
        case _:
            return tree


def _value(source: str, name: str, seen: Variables) -> Tree:
    """Return the value of a text that is one expression alone, any other text filled."""
    with _named(name):
        value = compile_value(source)
        return text(source, name, seen) if value is None else value(seen.values)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the argument in what is wrong with its text."""
    try:
        yield
    except Missing as error:
        raise Unusable(f"{name}: {error}; {_way_out(name, error.path)}") from None
    except Unfillable as error:
        raise Unusable(f"{name}: {error}") from None
    except (RecursionError, SyntaxError, MemoryError):  # when it is compiled; another release may have let it pass
        raise Unusable(f"{name}: its text nests too deep") from None


def _way_out(name: str, path: str) -> str:
    if name in NEVER_EMPTY:
        return f"it may not be empty: let `when` ask for {path}, or write what stands there instead as its default(...)"
    return f"where that is all right, write {{{{ {path} | default('') }}}}"


def _whole(text: str, name: str) -> str:
    if _HALVES.search(text):
        raise Unusable(f"{name} holds half a character")
    return text
