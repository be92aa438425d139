"""What is to be done: a step is one intended action, a flow says from which events its steps follow."""

from collections.abc import Mapping
from dataclasses import dataclass

# Text, or nested mappings and lists of text, with `{{ }}` expressions in the leaves.
type Tree = str | int | float | bool | Mapping[str, "Tree"] | list["Tree"] | None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` calls in `period` seconds. `burst` is None for fixed UTC windows (hours, days)."""

    count: int
    period: int
    burst: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One intended action of a flow."""

    id: str
    account: str
    action: str
    arguments: Mapping[str, Tree]  # `with:`
    delay: float  # seconds
    after: str | None
    when: str | None
    unless: str | None
    transactional: str | None = None  # of a campaign's mail without a list: why it goes to people who agreed to none


@dataclass(frozen=True, slots=True)
class Flow:
    """Which steps follow from which event."""

    name: str
    on: str
    when: str | None
    steps: tuple[Step, ...]
