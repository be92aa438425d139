"""A caller's parameters and body, read strictly: anything unknown is named in the error, nothing is guessed."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from drumbeat.api.routing import Routes
from drumbeat.api.tables import FORMATS
from drumbeat.core.errors import Invalid
from drumbeat.web import strict
from drumbeat.web.problems import mistakes
from drumbeat.web.requests import body_of

MAX_PAGE_SIZE = 200
LONGEST_REASON = 500
# Why a person decides so. One of blanks alone would be none to who reads the journal.
type Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)]
type Version = Annotated[int, Field(ge=0, lt=2**31)]  # of what a person has looked at, as the ledger counts it


def query(router: Routes, *allowed: str) -> Mapping[str, str]:
    """Return the query parameters; an empty one counts as absent. Raises Invalid for a name that is not `allowed`, one
    that came twice, and for the one character that Postgres cannot look for.
    """
    parameters = router.current_event.query_string_parameters or {}
    # API Gateway joins the values of a parameter that came twice by a comma; the text of the query shows both.
    written = parse_qsl(router.current_event.raw_event.get("rawQueryString") or "", keep_blank_values=True)
    if twice := sorted(name for name, times in Counter(name for name, _ in written).items() if times > 1):
        raise Invalid(f"parameter {', '.join(twice)} came twice; send it once")
    if unknown := sorted(set(parameters) - set(allowed)):
        raise Invalid(f"unknown parameter {', '.join(unknown)}; known are {', '.join(sorted(allowed)) or 'none'}")
    if "\0" in "".join(parameters.values()):
        raise Invalid("a parameter holds the character NUL, which no name or key has; leave it out")
    return {name: value for name, value in parameters.items() if value}


def listing(router: Routes, *allowed: str) -> Mapping[str, str]:
    """Return the query parameters of a list, as `query` does. With `format=csv` its answer leaves as a table."""
    parameters = dict(query(router, "format", *allowed))
    if (wanted := parameters.pop("format", FORMATS[0])) not in FORMATS:
        raise Invalid(f"format is one of {', '.join(FORMATS)}")
    router.append_context(tabled=wanted == "csv")  # type: ignore[no-untyped-call]
    return parameters


def body[M: BaseModel](router: Routes, model: type[M]) -> M:
    """Return the JSON body as `model`, read as strictly as an event. Raises Invalid and names each field that is wrong,
    never its value.
    """
    document = strict.read(body_of(router.current_event.raw_event))
    if document.suspect:
        strict.check(document.value)
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        raise Invalid(f"{mistakes(error, 'the body', _names(model))}; nothing was changed") from None


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def identifier(text: str) -> UUID:
    """Read an id. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{text[:64]!r} is not an id, nor the first four or more digits of one") from None


def instant(text: str | None) -> datetime | None:
    """Read an ISO 8601 instant; without an offset it is UTC. Raises Invalid."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:64]!r} is not an instant such as 2026-11-22T09:00:00Z") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def limit(parameters: Mapping[str, Any], default: int) -> int:
    """Read how many items a page may have. Raises Invalid."""
    text = parameters.get("limit", str(default))
    return number(text, least=1, most=MAX_PAGE_SIZE, name="limit")


def number(text: str, *, least: int, most: int, name: str) -> int:
    """Read a whole number between two. Raises Invalid."""
    if len(text) > len(str(most)) or not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
        raise Invalid(f"{name} goes from {least} to {most}")
    return int(text)
