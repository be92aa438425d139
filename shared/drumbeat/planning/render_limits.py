"""How much work one text may make: everything that can grow is counted or measured before it is done.

Counts come out the same on every machine; a limit on the thread's CPU time, which goes on counting nothing while a
process is frozen, stands behind them.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from jinja2.filters import FILTERS
from markupsafe import Markup, escape

LONGEST_OUTPUT = 512 * 1024  # characters
LONGEST_VALUE = 1024 * 1024  # characters or items of anything made on the way
MOST_WRITTEN = 4 * LONGEST_OUTPUT  # characters, with what is captured on the way
MOST_STEPS = 100_000  # turns of loops and calls
CPU_LIMIT_SECONDS = 1.0
LARGEST_FILTER_NUMBER = 10_000  # that a text may give to a filter
HIGHEST_POWER = 64
MOST_BITS = 4096  # of a product

_WIDTH = re.compile(r"\d{4,}|\*")


class TooMuch(Exception):
    """A text asks for more work or output than it may."""


class Meter(threading.local):
    """What the text that this thread is filling has used so far."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin another text."""
        self._steps = self._written = 0
        self._until = time.thread_time() + CPU_LIMIT_SECONDS

    def step(self) -> None:
        """Count one turn of a loop or one call."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuch(f"its text takes more than {MOST_STEPS:,} steps")
        if time.thread_time() > self._until:
            raise TooMuch(f"its text takes more than {CPU_LIMIT_SECONDS:g} s")

    def write(self, value: str) -> str:
        """Count what is printed, also into a variable, and return it."""
        self._written += len(value)
        if self._written > MOST_WRITTEN:
            raise TooMuch(f"its text grows over {LONGEST_OUTPUT // 1024} KiB")
        return value

    def paced[T](self, values: Iterable[T]) -> Iterator[T]:
        """Iterate, each turn a step."""
        for value in values:
            self.step()
            yield value


METER = Meter()


def within(pieces: Iterable[str]) -> Iterator[str]:
    """Pass on the pieces of an output as long as it is not too large."""
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise TooMuch(f"its text grows over {LONGEST_OUTPUT // 1024} KiB")
        yield piece


def check_operator(operator: str, left: Any, right: Any) -> None:  # noqa: ANN401 - any data
    """Refuse an operator whose result would be too large."""
    if operator == "%" and isinstance(left, str):
        _check_widths(left)
    elif operator == "**" and (abs(right) > HIGHEST_POWER or abs(left) > LONGEST_VALUE):
        raise TooMuch(f"its text raises a number to a power over {HIGHEST_POWER}")
    elif operator == "*":
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MOST_BITS:
            raise TooMuch("its text makes a number that is too large")
        for times, value in ((left, right), (right, left)):
            if isinstance(times, int) and (length := _length(value)):
                _check_length(length * times)
    elif operator == "+":
        _check_length(_length(left) + _length(right))


def joined(parts: list[str]) -> str:
    """Join texts; one that is safe HTML has the others escaped."""
    _check_length(sum(map(len, parts)))
    if any(isinstance(part, Markup) for part in parts):
        return Markup("").join(map(escape, parts))
    return "".join(parts)


def formatted(value: str, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - as printf has it
    """Fill a printf format of moderate widths."""
    _check_widths(value)
    return FILTERS["format"](value, *args, **kwargs)  # type: ignore[no-any-return]


def replaced(value: str, old: str, new: str, count: int = -1) -> str:
    """Replace text by text."""
    _check_length(len(value) + value.count(old) * len(new))
    return value.replace(old, new, count)


def narrow(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter so that the numbers it is given stay small."""
    first = 2 if hasattr(function, "jinja_pass_arg") else 1  # after what Jinja passes and what is filtered

    @wraps(function)  # keeps the mark by which Jinja knows what to pass
    def narrowed(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        numbers = [value for value in (*args[first:], *kwargs.values()) if isinstance(value, int)]
        if any(abs(number) > LARGEST_FILTER_NUMBER for number in numbers):
            raise TooMuch(f"its text gives a filter a number over {LARGEST_FILTER_NUMBER:,}")
        return function(*args, **kwargs)

    return narrowed


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _check_length(length: int) -> None:
    if length > LONGEST_VALUE:
        raise TooMuch(f"its text makes a value of more than {LONGEST_VALUE:,} characters")


def _check_widths(text: str) -> None:
    if _WIDTH.search(text):
        raise TooMuch("its text formats to a width over 999")
