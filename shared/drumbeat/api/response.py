"""From views to JSON: names in camelCase, instants in UTC with a `Z`, hashes in hex."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat.views import Page

JSON = "application/json"


def reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Answer with one JSON document."""
    return Response(status, JSON, written(wire(value)), headers=dict(headers or {}))


def page[T](page: Page[T]) -> Response[str]:
    """Answer with one page of a list."""
    return reply({"items": page.items, "next": page.next})


def written(value: object) -> str:
    """Return JSON that every parser takes: half of a surrogate pair, which no encoding has, becomes U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def wire(value: object) -> object:
    """Turn dataclasses and what they hold into what JSON knows. Keys of mappings are data and stay as they are."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(field.name): wire(getattr(value, field.name)) for field in fields(value)}
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


@cache
def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
