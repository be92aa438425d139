"""What is answered is described as it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid4

import pytest
from jsonschema import Draft202012Validator

from drumbeat.api.response import wire
from drumbeat.local.openapi.schemas import Schema, Schemas
from drumbeat.views import Page


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    """One of several."""

    raw_bytes: bytes
    at: datetime | None


@dataclass(frozen=True)
class Outer:
    """An answer: None means nothing."""

    some_id: UUID
    colour: Colour
    counts: Mapping[str, int]
    parts: tuple[Inner, ...]
    also: "Outer | None"  # None: this is the last
    anything: object
    payload: Mapping[str, int]


OUTER = Outer(uuid4(), Colour.RED, {"a": 1}, (Inner(b"\x0f", datetime.now(UTC)), Inner(b"", None)), None, [1], {"p": 1})


def described(kind: object) -> Schema:
    """Return a document of one answer, which describes it."""
    schemas = Schemas()
    return schemas.named({**schemas.answered(kind), "components": {}})


def test_an_answer_is_as_it_is_described() -> None:
    document = described(Page[Outer])

    assert document["$ref"] == "#/components/schemas/OuterPage"
    Draft202012Validator(document).validate(wire(Page([OUTER], None)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("someId", 1),
        ("colour", "blue"),
        ("counts", {"a": "b"}),
        ("parts", [{"rawBytes": "0g", "at": None}]),
        ("also", 0),
    ],
)
def test_another_value_is_not_described(field: str, value: object) -> None:
    answer = wire(OUTER)
    assert isinstance(answer, dict)

    assert not Draft202012Validator(described(Outer)).is_valid({**answer, field: value})


def test_a_field_that_holds_a_person_may_be_masked() -> None:
    answer = wire(OUTER)
    assert isinstance(answer, dict)

    Draft202012Validator(described(Outer)).validate({**answer, "payload": "masked"})
    assert not Draft202012Validator(described(Outer)).is_valid({**answer, "counts": "masked"})


def test_docstrings_and_comments_are_said_in_the_words_of_json() -> None:
    outer = described(Outer)["components"]["schemas"]["Outer"]

    assert outer["description"] == "An answer: null means nothing."
    assert outer["properties"]["also"]["description"] == "null: this is the last"


def test_what_no_answer_is_known_to_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        described(complex)
