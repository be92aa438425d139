"""A span, before it is written in any form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from drumbeat.core.tracing import SpanContext

type Value = str | int | bool


class Kind(IntEnum):
    """What a span is to those of other systems; the numbers are OTLP's."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    CONSUMER = 5


class Code(IntEnum):
    """How it ended; the numbers are OTLP's."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened within a span."""

    name: str
    at: int  # microseconds since 1970
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace. Times are microseconds since 1970."""

    context: SpanContext
    name: str
    start: int
    end: int
    parent: SpanContext | None = None
    remote: bool = False  # the parent is another system's
    kind: Kind = Kind.INTERNAL
    attributes: Mapping[str, Value] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()
    moments_left_out: int = 0
    link: SpanContext | None = None  # a span of another trace that this one comes of
    code: Code = Code.UNSET


def described(**attributes: Value | None) -> dict[str, Value]:
    """Return our own attributes by their names in a trace, without those that are not known."""
    return {f"drumbeat.{name.replace('__', '.')}": value for name, value in attributes.items() if value is not None}
