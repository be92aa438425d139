"""How much work one text may make: every step is counted, and what it makes is measured before it is too large.

Two counts close the kind. A step is a turn of a loop, a call, a filter, a test or a comparison, and costs more the
longer the values are that it reads. What was made is the characters and items of every value that came into being on
the way, with all that it holds. A filter that can give more than it is given is checked before it runs
(`filter_limits`).

Counts come out the same on every machine; a limit on the thread's CPU time, which goes on counting nothing while a
process is frozen, stands behind them.
"""

import re
import threading
import time
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MappingView,
    Sequence,
    ValuesView,
)
from functools import wraps
from typing import Any

from jinja2.utils import Namespace
from markupsafe import Markup, escape

LONGEST_OUTPUT = 512 * 1024  # characters
LONGEST_VALUE = 1024 * 1024  # characters and items of anything made on the way, with all that it holds
MOST_MADE = 16 * LONGEST_VALUE  # of all that is made on the way
MOST_WRITTEN = 4 * LONGEST_OUTPUT  # characters, with what is captured on the way
MOST_STEPS = 100_000
ITEM_WEIGHT = 8  # characters that an item of a list or mapping counts for, beside its own
READ_IN_A_STEP = 256  # characters or items; a value that is longer costs more steps
CPU_LIMIT_SECONDS = 1.0
HIGHEST_POWER = 64
MOST_BITS = 4096  # of a product

_WIDTH = re.compile(r"\d{4,}|\*")
WIDEST_FIELD = 1000  # characters that a printf field of a moderate width may have


_DATA = (str, int, float, list, tuple, Mapping, MappingView, range, type(None))


class TooMuch(Exception):
    """A text asks for more work or output than it may."""


class Meter(threading.local):
    """What the text that this thread is filling has used so far."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin another text."""
        self._steps = self._written = self._made = 0
        self._until = time.thread_time() + CPU_LIMIT_SECONDS

    def step(self, *read: object) -> None:
        """Count one step that reads these values."""
        self._steps += 1 + sum(map(size, read)) // READ_IN_A_STEP
        if self._steps > MOST_STEPS:
            raise TooMuch(f"its text takes more than {MOST_STEPS:,} steps")
        self._check_time()

    def write(self, value: str) -> str:
        """Count what is printed, also into a variable, and return it."""
        self._written += len(value)
        if self._written > MOST_WRITTEN:
            raise TooMuch(f"its text grows over {LONGEST_OUTPUT // 1024} KiB")
        return value

    def made[T](self, value: T) -> T:
        """Count a value that came into being, and return it."""
        self._made += weight(value)
        if self._made > MOST_MADE:
            raise TooMuch(f"its text makes values of more than {MOST_MADE:,} characters in all")
        self._check_time()
        return value

    def paced[T](self, values: Iterable[T]) -> Iterator[T]:
        """Iterate, each turn a step."""
        for value in values:
            self.step()
            yield value

    def scanned[T](self, value: T) -> T:
        """Count the reading of a value, and return it."""
        self.step(value)
        return value

    def metered(self, function: Callable[..., Any], check: Callable[..., None] | None = None) -> Callable[..., Any]:
        """Wrap a filter or test: a step that is checked before it runs, and whose result counts as made."""
        first = 1 if hasattr(function, "jinja_pass_arg") else 0  # after what Jinja passes

        @wraps(function)  # keeps the mark by which Jinja knows what to pass
        def metered(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            passed, given = args[:first], list(args[first:])
            self.step(*given, *kwargs.values())
            if given and isinstance(given[0], Namespace):
                raise TooMuch("its text filters a namespace, which is no data")
            if check is not None:
                if isinstance(given[0], Iterable) and not isinstance(given[0], str | list | tuple | Mapping):
                    given[0] = list(self.paced(given[0]))  # its length is needed
                check(*given, **kwargs)
            result = function(*passed, *given, **kwargs)
            if isinstance(result, Iterator):
                return self.paced(result)
            return result if given and result is given[0] else self.made(result)

        return metered

    def _check_time(self) -> None:
        if time.thread_time() > self._until:
            raise TooMuch(f"its text takes more than {CPU_LIMIT_SECONDS:g} s")


METER = Meter()


def within(pieces: Iterable[str]) -> Iterator[str]:
    """Pass on the pieces of an output as long as it is not too large."""
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise TooMuch(f"its text grows over {LONGEST_OUTPUT // 1024} KiB")
        yield piece


def size(value: object) -> int:
    """Return the length of a value that has one of its own."""
    return len(value) if isinstance(value, str | list | tuple | Mapping | MappingView | range) else 0


def weight(value: object, indent: int = 0) -> int:
    """Return about how many characters a print of a value has: its texts, and some for each item, however deep.

    `indent`: so many characters more for each level before each item. Raises TooMuch for over LONGEST_VALUE, and for
    what is no data inside a list or mapping.
    """
    total, todo = 0, [(value, 1)]
    while todo:
        one, depth = todo.pop()
        if depth > 1 and not isinstance(one, _DATA):
            raise TooMuch("its text puts what is no data into a list or mapping")
        items = _items(one)
        total += len(items) * (ITEM_WEIGHT + indent * depth) if items else size(one)
        total += one.bit_length() // 3 if isinstance(one, int) else 0
        check_length(total)
        todo += [(each, depth + 1) for each in items]
    return total


def _items(value: object) -> Sequence[object]:
    if isinstance(value, Mapping):
        return [*value, *value.values()]
    if isinstance(value, ItemsView | KeysView | ValuesView):
        return list(value)
    return value if isinstance(value, list | tuple) else ()


def check_length(length: int) -> None:
    """Refuse a value that would be so long."""
    if length > LONGEST_VALUE:
        raise TooMuch(f"its text makes a value of more than {LONGEST_VALUE:,} characters")


def check_operator(operator: str, left: Any, right: Any) -> None:  # noqa: ANN401 - any data
    """Refuse an operator whose result would be too large."""
    if operator == "%" and isinstance(left, str):
        check_format(left, right)
    elif operator == "**" and (abs(right) > HIGHEST_POWER or abs(left) > LONGEST_VALUE):
        raise TooMuch(f"its text raises a number to a power over {HIGHEST_POWER}")
    elif operator == "*":
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MOST_BITS:
            raise TooMuch("its text makes a number that is too large")
        for times, value in ((left, right), (right, left)):
            if isinstance(times, int) and size(value):
                check_length(weight(value) * max(times, 0))
    elif operator == "+" and size(left) + size(right):
        check_length(weight(left) + weight(right))


def check_format(text: str, *values: object) -> None:
    """Refuse a printf format whose widths, or whose values, each as often as it may name them, are too long."""
    if _WIDTH.search(text):
        raise TooMuch("its text formats to a width over 999")
    if "%(" in text:  # a name may stand in it any number of times
        check_length(len(text) + text.count("%") * (WIDEST_FIELD + weight(values)))
    fields = sum(len(value) if isinstance(value, tuple) else 1 for value in values)
    check_length(len(text) + weight(values) + fields * WIDEST_FIELD)


def joined(parts: list[str]) -> str:
    """Join texts; one that is safe HTML has the others escaped."""
    check_length(sum(map(len, parts)))
    if any(isinstance(part, Markup) for part in parts):
        return METER.made(Markup("").join(map(escape, parts)))
    return METER.made("".join(parts))


def replaced(value: str, old: str, new: str, count: int = -1) -> str:
    """Replace text by text."""
    check_length(len(value) + value.count(old) * len(new))
    return value.replace(old, new, count)
