"""From views to JSON: names in camelCase, instants in UTC with a `Z`, hashes in hex."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, overload
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

JSON = "application/json"
REPLAYED = {"Idempotent-Replayed": "true"}

# Lambda answers 6 MB at most (AWS Lambda Developer Guide, "Lambda quotas": invocation payload), and what it counts is
# JSON in which our JSON is a text. Half of that for a page's items leaves room for what stands beside them.
ANSWER_BYTES = 3 * 1024 * 1024

_PLAIN = frozenset({str, int, bool, type(None)})  # what is JSON as it is


class Room:
    """What is left of an answer; says of one item after another whether it still fits."""

    def __init__(self) -> None:
        self._left = ANSWER_BYTES

    def __call__(self, item: object) -> bool:
        """Count an item, and return whether the answer holds it."""
        self._left -= weight(item)
        return self._left >= 0


class Answer[T, S: int = Literal[200]](Response[str]):
    """A T as JSON, with one of the statuses S."""


@overload
def reply[T](value: T) -> Answer[T]: ...
@overload
def reply[T, S: int](value: T, status: S, headers: Mapping[str, str] | None = None) -> Answer[T, S]: ...
def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer with one JSON document."""
    return Answer(status, JSON, written(wire(value)), headers=dict(headers or {}))


def once[T](value: T, *, replayed: bool) -> Answer[T, Literal[200, 202]]:
    """Answer what is done once for each key: 202, or 200 when the key was used before."""
    return reply(value, 200, REPLAYED) if replayed else reply(value, 202)


def weight(value: object) -> int:
    """Return how many bytes a value takes of an answer, as Lambda counts them."""
    return len(json.dumps(written(wire(value)), ensure_ascii=False).encode())


def written(value: object) -> str:
    """Return JSON that every parser takes: half of a surrogate pair, which no encoding has, becomes U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def wire(value: object) -> object:
    """Turn dataclasses and what they hold into what JSON knows. Keys of mappings are data and stay as they are."""
    if type(value) in _PLAIN:  # most of what there is: a list of a thousand items has ten thousand of these
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: wire(getattr(value, field)) for field, name in _names(type(value))}
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case Mapping():
            return {str(key): wire(item) for key, item in value.items()}
        case list() | tuple():
            return [wire(item) for item in value]
        case float() if not math.isfinite(value):
            return None  # JSON has no such number
        case _:
            return value


def camel(name: str) -> str:
    """Write a name of ours as JSON has it."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


@cache
def _names(of: type[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, camel(field.name)) for field in fields(of))
