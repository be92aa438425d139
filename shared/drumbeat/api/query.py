"""A caller's query, read strictly: anything unknown is named in the error, nothing is guessed."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import core_schema

from drumbeat.api.tables import FORMATS
from drumbeat.core.errors import Invalid
from drumbeat.views.pages import PAGE_SIZE
from drumbeat.web.requests import HttpEvent

MAX_PAGE_SIZE = 200
ID_PATTERN = "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$"
ID_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": ID_PATTERN}
_ID = re.compile(ID_PATTERN)


class Query(BaseModel):
    """The parameters that a route takes; this one takes none. What reads them raises Invalid itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def query[Q: Query](event: HttpEvent, model: type[Q]) -> Q:
    """Return the query parameters; an empty one counts as absent. Raises Invalid for a name that the model has not,
    one that came twice, and for the one character that Postgres cannot look for.
    """
    parameters: Mapping[str, str] = event.get("queryStringParameters") or {}
    # API Gateway joins the values of a parameter that came twice by a comma; the text of the query shows both.
    written = parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
    if twice := sorted(name for name, times in Counter(name for name, _ in written).items() if times > 1):
        raise Invalid(f"parameter {', '.join(twice)} came twice; send it once")
    if unknown := sorted(set(parameters) - set(model.model_fields)):
        known = ", ".join(sorted(model.model_fields)) or "none"
        raise Invalid(f"unknown parameter {', '.join(unknown)}; known are {known}")
    if "\0" in "".join(parameters.values()):
        raise Invalid("a parameter holds the character NUL, which no name or key has; leave it out")
    return model.model_validate({name: value for name, value in parameters.items() if value})


def identifier(text: str) -> UUID:
    """Read an id, with its hyphens or without. Raises Invalid for all else that Python takes for one."""
    if not _ID.fullmatch(text):
        raise Invalid(f"{text[:64]!r} is not an id, nor the first four or more digits of one")
    return UUID(text)


def instant(text: str) -> datetime:
    """Read an ISO 8601 instant; without an offset it is UTC. Raises Invalid."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:64]!r} is not an instant such as 2026-11-22T09:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


class Parameter:
    """How one parameter is read, and what is said of it: beside a type, in `Annotated`."""

    name: str

    def read(self, text: str) -> object:
        """Read it. Raises Invalid."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """Describe what it takes, as JSON Schema."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, *_: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, Any]:
        return self.schema()


@dataclass(frozen=True)
class Whole(Parameter):
    """A whole number between two."""

    name: str
    least: int
    most: int

    def read(self, text: str) -> int:
        """Read one. Raises Invalid."""
        digits = len(text) <= len(str(self.most)) and text.isascii() and text.isdecimal()
        if not digits or not self.least <= int(text) <= self.most:
            raise Invalid(f"{self.name} goes from {self.least} to {self.most}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        """Describe it."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class Word(Parameter):
    """One of a few words."""

    def __init__(self, name: str, *words: str) -> None:
        self.name, self.words = name, [str(word) for word in words]

    def read(self, text: str) -> str:
        """Read one. Raises Invalid."""
        if text not in self.words:
            raise Invalid(f"{self.name} is one of {', '.join(self.words)}")
        return text

    def schema(self) -> dict[str, Any]:
        """Describe it."""
        return {"type": "string", "enum": self.words}


type Id = Annotated[UUID, PlainValidator(identifier), WithJsonSchema(dict(ID_SCHEMA))]
type Instant = Annotated[
    datetime, PlainValidator(instant), WithJsonSchema({"type": "string", "examples": ["2026-11-22T09:00:00Z"]})
]
type Cursor = Annotated[str, Field(description="`next` of the page before: where this one begins")]
type Limit = Annotated[int, Whole("limit", 1, MAX_PAGE_SIZE), Field(description="how many items at most")]


class Listed(Query):
    """How a list is answered."""

    format: Annotated[str, Word("format", *FORMATS), Field(description="csv: as a table")] = FORMATS[0]


class Paged(Listed):
    """Which part of a list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_SIZE


class PagedById(Listed):
    """Which part of a list that is in the order of ids."""

    cursor: Annotated[Id, Field(description="`next` of the page before: where this one begins")] | None = None
    limit: Limit = PAGE_SIZE
