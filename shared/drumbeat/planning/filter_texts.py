"""What the filters of texts see of a value that is none: what would be printed for it.

Jinja gives them Python's own words: a name that is null came out of `| title` as "None", and true as "True".
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2.filters import make_attrgetter

# Those whose first argument is read as a text.
OF_ONE_TEXT = frozenset(
    {"capitalize", "center", "e", "escape", "forceescape", "indent", "lower", "replace", "safe", "string"}
    | {"striptags", "title", "trim", "truncate", "upper", "wordcount", "wordwrap"}
)

type Filter = Callable[..., Any]
type Word = Callable[[Any], Any]


def reading_texts(filters: Mapping[str, Filter], word: Word) -> dict[str, Filter]:
    """Return the filters, those of texts reading each value as its `word`."""
    special = {"format": _formatted, "join": _joined, "urlencode": _encoded}
    return {
        name: special[name](function, word)
        if name in special
        else _of_one_text(function, word)
        if name in OF_ONE_TEXT
        else function
        for name, function in filters.items()
    }


def _of_one_text(function: Filter, word: Word) -> Filter:
    first = 1 if hasattr(function, "jinja_pass_arg") else 0  # after what Jinja passes

    @wraps(function)  # keeps the mark by which Jinja knows what to pass
    def filter(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Jinja has it
        return function(*args[:first], *map(word, args[first : first + 1]), *args[first + 1 :], **kwargs)

    return filter


def _formatted(function: Filter, word: Word) -> Filter:
    @wraps(function)
    def filter(value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return function(word(value), *operands(args, word), **operands(kwargs, word))

    return filter


class _Named(dict[str, Any]):
    """The values of a printf format by name; where it names none, it shows them as one."""

    def __init__(self, values: Mapping[str, Any], word: Word) -> None:
        super().__init__({name: _shown(value, word) for name, value in values.items()})
        self._values, self._word = values, word

    def __repr__(self) -> str:
        return str(self._word(self._values))


def operands(given: Any, word: Word) -> Any:  # noqa: ANN401 - any data
    """Return what a printf format shows of its values: numbers as it says, all else as it would be printed."""
    if isinstance(given, tuple):
        return tuple(_shown(value, word) for value in given)
    return _Named(given, word) if isinstance(given, Mapping) else _shown(given, word)


def _shown(value: Any, word: Word) -> Any:  # noqa: ANN401 - any data
    return value if isinstance(value, int | float) and not isinstance(value, bool) else word(value)


def _joined(function: Filter, word: Word) -> Filter:
    @wraps(function)
    def filter(context: Any, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> Any:  # noqa: ANN401
        picked = value if attribute is None else map(make_attrgetter(context.environment, attribute), value)
        return function(context, [word(each) for each in picked], word(d))

    return filter


def _encoded(function: Filter, word: Word) -> Filter:
    @wraps(function)
    def filter(value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Mapping):
            return function({name: word(each) for name, each in value.items()})
        if isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
            return function([(word(name), word(each)) for name, each in value])
        return function(word(value))

    return filter
