"""Lists are read a page at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drumbeat.core.errors import Invalid

PAGE_SIZE = 50
INVALID_CURSOR = "the cursor is not valid; start again without it"

# Whether one more item fits into the answer: what it was asked about is counted. A page ends before the item that does
# not fit, and has at least one.
type Fits = Callable[[object], bool]


def everything(_: object) -> bool:
    """Take whatever there is: for who has no limit."""
    return True


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Some items and where the next ones begin; None: that was all."""

    items: list[T]
    next: str | None


def one_of(name: str, value: str | None, allowed: Sequence[str]) -> None:
    """Raise Invalid when a filter has another value than these."""
    if value is not None and value not in allowed:
        raise Invalid(f"{name} {value!r} does not exist; use one of {', '.join(allowed)}")
