"""The shape of audiences in the document: groups, and what a leaf may say.

The forms of leaves are read one by one, as their mistakes are easier to understand than those of a tree; the tree is
here for the schema.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, RootModel, WithJsonSchema

from drumbeat.configuration.document_models import Form
from drumbeat.configuration.document_types import Duration, one_of
from drumbeat.core.audiences import RECEIVED, REPORTED

_PERCENT = r"^[0-9]{1,3}(\.[0-9]{1,3})?%$"
MOST_KEYS = 10
MOST_VALUES = 1_000
MOST_TIMES = 1_000_000


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float | bool):
        raise ValueError("must be a text, a number, or true or false")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number without quotes; for dates write before or after")
    return value


def _part(value: object) -> object:
    if value == "":
        raise ValueError("is empty, and every text begins with that; write a part of it")
    return _scalar(value)


def _beginning(value: object) -> object:
    if not isinstance(value, str) or not value:
        raise ValueError("must be the beginning of a text, in quotes where it looks like a number")
    return value


def _path(value: object) -> list[str]:
    """Return the attribute's name and the keys inside it."""
    keys = value.split(".") if isinstance(value, str) else value
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS or not all(isinstance(k, str) and k for k in keys):
        raise ValueError(
            "must be an attribute's name, with keys inside it after dots, like address.city; a name with dots is"
            " written as a list, like [utm.source]"
        )
    return keys


def _instant(value: object) -> str:
    """Return an instant with its offset; a date begins at midnight, and what has no offset is in UTC."""
    try:
        if not isinstance(value, str):
            raise ValueError
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise ValueError("must be a date or time like 2026-01-31 or 2026-01-31T09:00:00+01:00") from None


def _percent(value: object) -> float:
    if not isinstance(value, str) or not re.fullmatch(_PERCENT, value) or not 0 < float(value[:-1]) <= 100:
        raise ValueError('must be a part of all people, from over 0% to 100%, like "10%"')
    return float(value[:-1])


Scalar = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Part = Annotated[Any, BeforeValidator(_part), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Beginning = Annotated[str, BeforeValidator(_beginning), WithJsonSchema({"type": "string", "minLength": 1})]
FieldPath = Annotated[
    list[str],
    BeforeValidator(_path),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "examples": ["plan", "address.city"]}),
]
Instant = Annotated[
    str, BeforeValidator(_instant), WithJsonSchema({"type": "string", "examples": ["2026-01-31T09:00:00Z"]})
]
Percent = Annotated[
    float, BeforeValidator(_percent), WithJsonSchema({"type": "string", "pattern": _PERCENT, "examples": ["10%"]})
]


class FieldLeaf(Form):
    """What a lead's attribute is. Exactly one of the others says how it is compared."""

    field: FieldPath
    is_: Annotated[Scalar, Field(alias="is")] = None
    is_not: Scalar = None
    in_: Annotated[list[Scalar] | None, Field(alias="in", min_length=1, max_length=MOST_VALUES)] = None
    contains: Part = None
    starts_with: Beginning | None = None
    at_least: Number = None
    at_most: Number = None
    before: Instant | None = None
    after: Instant | None = None
    exists: bool | None = None


class ListLeaf(Form):
    """Consent to a list is given."""

    list: str


class SourceLeaf(Form):
    """An event of a source names the person."""

    source: str


class HappenedLeaf(Form):
    """Something was reported of a mail to the person, or received about them, so often; once at least, if not said."""

    happened: Annotated[str, *one_of((*REPORTED, *RECEIVED))]
    within: Duration | None = None
    at_least: Annotated[int, Field(ge=1, le=MOST_TIMES)] | None = None
    at_most: Annotated[int, Field(ge=0, le=MOST_TIMES)] | None = None
    campaign: str | None = None
    step: str | None = None


class AudienceLeaf(Form):
    """The person is in another audience."""

    audience: str


class BucketLeaf(Form):
    """The person is in a part of all people: always the same ones, and of a larger part more."""

    bucket: Percent


class AllOf(Form):
    """Each of these holds."""

    all: Annotated[list["Audience"], Field(min_length=1)]


class AnyOf(Form):
    """One of these holds."""

    any: Annotated[list["Audience"], Field(min_length=1)]


class Not(Form):
    """This does not hold."""

    not_: Annotated["Audience", Field(alias="not")]


class Audience(
    RootModel[AllOf | AnyOf | Not | FieldLeaf | ListLeaf | SourceLeaf | HappenedLeaf | AudienceLeaf | BucketLeaf]
):
    """Who is meant: a condition, or conditions joined by all, any and not."""
