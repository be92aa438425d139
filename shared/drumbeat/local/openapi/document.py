"""The whole document: the API of the console function, and those routes of the ingest function that programs call."""

import json
import re
from collections.abc import Iterator
from types import ModuleType

from drumbeat import __version__
from drumbeat.api.resolver import NOUNS
from drumbeat.api.routing import Declared
from drumbeat.local.openapi import doors
from drumbeat.local.openapi.operations import KEY, operation, path_of
from drumbeat.local.openapi.problems import Problems
from drumbeat.local.openapi.schemas import Schema, Schemas
from drumbeat.local.openapi.sources import text

ABOUT = (
    "Every marketing event recorded once, every intended action carried out once. Errors are problems (RFC 9457): each"
    " has a stable `type`, and says what happened, what was not lost, and what to do. A list continues where its `next`"
    " says, until that is null."
)
KEYS = "An API key. The scopes that an operation needs stand beside it; `people` shows addresses and payloads."


def document() -> Schema:
    """Describe all routes."""
    schemas = Schemas()
    problems = Problems(schemas)
    paths: dict[str, Schema] = {}
    for noun, route in routes():
        described = operation(route, noun, schemas, problems)
        paths.setdefault(path_of(route.rule), {})[route.method.lower()] = described
    return schemas.named(
        {
            "openapi": "3.1.0",
            "info": {"title": "Drumbeat", "version": __version__, "description": ABOUT},
            "servers": [{"url": "/"}],
            "tags": [{"name": name, "description": said} for name, said in _tags()],
            "paths": paths,
            "components": {
                "responses": dict(sorted(problems.responses.items())),
                "securitySchemes": {KEY: {"type": "http", "scheme": "bearer", "description": KEYS}},
            },
        }
    )


def routes() -> Iterator[tuple[str, Declared]]:
    """List each route with its noun."""
    for route in doors.DOORS:
        yield "ingest", route
    for noun in NOUNS:
        for route in noun.router.declared:
            yield _noun(noun), route


def written(document: Schema) -> str:
    """Write a document as it is kept: a line for each operation and schema, so that a change shows which it is."""
    paths = {path: _lines(operations) for path, operations in document["paths"].items()}
    components = {name: _lines(each) for name, each in document["components"].items()}
    return _lines({**document, "paths": _Written(_lines(paths)), "components": _Written(_lines(components))}) + "\n"


class _Written(str):
    """JSON already."""


def _lines(members: Schema) -> "_Written":
    return _Written(
        "{\n"
        + ",\n".join(
            f"{json.dumps(name)}:{each if isinstance(each, _Written) else _compact(each)}"
            for name, each in members.items()
        )
        + "\n}"
    )


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tags() -> Iterator[tuple[str, str]]:
    yield "ingest", doors.TITLE
    for noun in NOUNS:
        first = re.split(r"(?<=\.) ", text(noun))[0]
        said = re.sub(r"^`[^`]*`: ", "", first)
        yield _noun(noun), said[0].upper() + said[1:]


def _noun(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].replace("_", " ")
