"""What each filter may be given: those that can make more than they are given are checked before they run.

A filter is offered because it has an entry here. One that gives at most a fixed multiple of what it is given needs no
check; its result is measured like any other (`render_limits`).
"""

import re
from collections.abc import Callable, Mapping

from drumbeat.planning.render_limits import METER, TooMuch, check_format, check_length, size, weight

LARGEST_FILTER_NUMBER = 10_000  # that a text may give to a filter
LONGEST_WORD = 5_000  # characters that word wrap may cut: it takes the square of that in time

_LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACE = re.compile(r"(\s+)")


def _narrow(_: object, *args: object, **kwargs: object) -> None:
    for number in (*args, *kwargs.values()):
        if isinstance(number, int) and abs(number) > LARGEST_FILTER_NUMBER:
            raise TooMuch(f"its text gives a filter a number over {LARGEST_FILTER_NUMBER:,}")


def _indent(value: str, width: int | str = 4, *_: object, **__: object) -> None:
    _narrow(value, width)
    lines = len(_LINE_ENDS.findall(value)) + 1
    check_length(len(value) + lines * (width if isinstance(width, int) else len(width)))


def _joined(value: object, d: str = "", attribute: object = None) -> None:
    del attribute  # what it picks is part of what is weighed
    check_length(weight(value) + max(size(value) - 1, 0) * len(d))


def _tojson(value: object, indent: int | None = None) -> None:
    _narrow(value, indent)
    weight(value, indent or 0)


def _wordwrap(
    value: str, width: int = 79, break_long_words: object = True, wrapstring: str | None = None, *_: object
) -> None:
    del break_long_words  # either way
    _narrow(value, width)
    if max(map(len, _SPACE.split(value))) > LONGEST_WORD:
        raise TooMuch(f"its text wraps a word, or a space, of more than {LONGEST_WORD:,} characters")
    lines = len(value) // max(width, 1) + len(_LINE_ENDS.findall(value)) + len(value.split()) + 1
    check_length(len(value) + lines * len(wrapstring or ""))


def _format(value: str, *args: object, **kwargs: object) -> None:
    check_format(value, *args, *kwargs.values())


def _sum(_: object, attribute: object = None, start: object = 0) -> None:
    del attribute
    if not isinstance(start, int | float):  # lists would be copied once for each
        raise TooMuch("its text sums what are no numbers")


def _replace(value: object, old: str, new: str, *_: object) -> None:
    check_length(size(value) + str(value).count(old) * len(new))


type Check = Callable[..., None]

CHECKED: Mapping[str, Check] = {
    "batch": _narrow,
    "center": _narrow,
    "format": _format,
    "indent": _indent,
    "join": _joined,
    "replace": _replace,
    "round": _narrow,
    "slice": _narrow,
    "sum": _sum,
    "tojson": _tojson,
    "truncate": _narrow,
    "wordwrap": _wordwrap,
}
# These give at most a fixed multiple of what they are given.
MODEST = frozenset(
    {
        "abs",
        "attr",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "filesizeformat",
        "first",
        "float",
    }
    | {"forceescape", "groupby", "int", "items", "last", "length", "list", "lower", "map", "max", "min", "reject"}
    | {
        "rejectattr",
        "reverse",
        "safe",
        "select",
        "selectattr",
        "sort",
        "string",
        "striptags",
        "title",
        "trim",
        "unique",
    }
    | {"upper", "urlencode", "wordcount"}
)


def limited(filters: Mapping[str, Callable[..., object]]) -> dict[str, Callable[..., object]]:
    """Return those filters that are offered, each under the meter."""
    return {
        name: METER.metered(function, CHECKED.get(name))
        for name, function in filters.items()
        if name in CHECKED or name in MODEST
    }
