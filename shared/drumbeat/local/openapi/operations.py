"""One route as an operation of the document: all of it from the route's declaration."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from types import NoneType
from typing import Annotated, Any, TypeAliasType, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from drumbeat.api.access import Needed
from drumbeat.api.named import Named
from drumbeat.api.query import ID_SCHEMA, Listed, Query
from drumbeat.api.response import JSON, REPLAYED, Answer, camel
from drumbeat.api.routing import Declared, parameter_of
from drumbeat.api.tables import CSV
from drumbeat.core.errors import (
    Ambiguous,
    Encoded,
    Forbidden,
    Invalid,
    NotFound,
    NotUnderstood,
    Problem,
    Unauthorized,
    Unavailable,
)
from drumbeat.local.openapi.problems import Problems
from drumbeat.local.openapi.schemas import Schema, Schemas
from drumbeat.local.openapi.sources import hints, text

KEY = "apiKey"  # the name of the security scheme

_KEY_HEADER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "instead of the field `idempotencyKey`",
    "schema": {"type": "string", "pattern": r"^[ -+\--~]{1,255}$"},
}
_RAW_BODY: Schema = {"requestBody": {"required": True, "content": {"*/*": {}}}}
_REPLAYED_HEADER: Schema = {
    name: {"description": "the key was used before", "schema": {"const": value}} for name, value in REPLAYED.items()
}


def path_of(rule: str) -> str:
    """Write a rule of ours as a path of the document."""
    return re.sub(r"<(\w+)>", r"{\1}", rule)


def operation(route: Declared, noun: str, schemas: Schemas, problems: Problems) -> Schema:
    """Describe a route."""
    kinds = dict(hints(route.handler))
    answer, said = kinds.pop("return"), text(route.handler)
    models = {kind: _model(kind) for kind in kinds.values()}
    bodies = {kind: each for kind, each in models.items() if each is not None and not issubclass(each, Query)}
    summary = re.split(r"(?<=[a-z`])[.:;] ", said)[0].removesuffix(".")
    return {
        "operationId": camel(route.handler.__name__),
        "tags": [noun],
        "summary": summary,
        **({"description": said} if said.removesuffix(".") != summary else {}),
        "security": _security(route.needed),
        **_named("parameters", list(_parameters(route.rule, kinds))),
        **next((_body(kind, each, schemas) for kind, each in bodies.items()), _RAW_BODY if bytes in models else {}),
        "responses": _merged(
            _successes(answer, schemas, models.values()), _refused(route, kinds, bool(bodies)), problems
        ),
    }


def _parameters(rule: str, kinds: Mapping[str, Any]) -> Iterator[Schema]:
    for name in re.findall(r"<(\w+)>", rule):
        schema = _of_path(kinds.get(name))
        said = schema.pop("description", None)
        yield {"name": name, "in": "path", "required": True, **_described(said), "schema": schema}
    for model in (_model(kind) for kind in kinds.values()):
        if model is not None and issubclass(model, Query):
            yield from _queried(model)
        elif model is not None and "idempotencyKey" in model.model_fields:
            yield _KEY_HEADER


def _queried(model: type[Query]) -> Iterator[Schema]:
    """Describe the parameters of a query: an empty one counts as absent."""
    whole = model.model_json_schema()
    for name, described in whole.get("properties", {}).items():
        schema = _resolved(described, whole.get("$defs", {}))
        said = schema.pop("description", None)
        yield {"name": name, "in": "query", **_described(said), "allowEmptyValue": True, "schema": schema}


def _of_path(kind: object) -> Schema:
    if (parameter := parameter_of(kind)) is not None:
        return parameter.schema()
    return dict(ID_SCHEMA) if kind is UUID else {"type": "string", "minLength": 1}


def _described(said: str | None) -> Schema:
    return {"description": said} if said else {}


def _resolved(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Describe a parameter by itself. It has no null, which no query can say: it is there or not."""
    if "$ref" in schema:
        return {**_resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions), **_said(schema)}
    if "anyOf" in schema:
        (only,) = (each for each in schema["anyOf"] if each != {"type": "null"})
        return {**_resolved(only, definitions), **_said(schema)}
    return {name: value for name, value in schema.items() if name != "title" and (name, value) != ("default", None)}


def _said(schema: Schema) -> Schema:
    return {name: schema[name] for name in ("description", "default") if schema.get(name) is not None}


def _body(kind: object, model: type[BaseModel], schemas: Schemas) -> Schema:
    content = {JSON: {"schema": schemas.asked(model)}}
    return {"requestBody": {"required": NoneType not in get_args(kind), "content": content}}


def _successes(answer: Any, schemas: Schemas, asked: Iterable[type[BaseModel] | None]) -> dict[str, Schema]:  # noqa: ANN401 - any annotation
    if get_origin(answer) is Annotated:  # text of a media type
        _, media_type, *status = get_args(answer)
        text_of = {media_type: {"schema": {"type": "string"}}}
        return {status[0] if status else "200": {"description": "OK", "content": text_of}}
    assert get_origin(answer) is Answer, f"{answer} is no Answer: what does it answer?"
    kind, *rest = get_args(answer)
    statuses = get_args(rest[0]) if rest else (200,)
    content: Schema = {JSON: {"schema": schemas.answered(kind)}}
    if any(each is not None and issubclass(each, Listed) for each in asked):
        content[CSV] = {"schema": {"type": "string"}}
    found: dict[str, Schema] = {
        str(each): {"description": HTTPStatus(each).phrase, "content": content} for each in statuses
    }
    if {200, 202} <= set(statuses):
        found["200"]["headers"] = _REPLAYED_HEADER
    return found


def _merged(successes: dict[str, Schema], refused: Iterator[type[Problem]], problems: Problems) -> dict[str, Schema]:
    """Put both together: of a status that is both, each has its own media type."""
    found = problems.answers(refused)
    for status, success in successes.items():
        if status in found:
            success["content"] = {**success["content"], **problems.of(found[status])["content"]}
    return dict(sorted({**found, **successes}.items()))


def _refused(route: Declared, kinds: Mapping[str, Any], has_body: bool) -> Iterator[type[Problem]]:
    always: tuple[type[Problem], ...] = (Problem, Unavailable, NotUnderstood, Invalid)
    yield from (*always, *route.refuses)
    if route.needed is not None:
        yield from (Unauthorized, Forbidden)
    if "<" in route.rule or _names(kinds):
        yield NotFound
    if _names(kinds):
        yield Ambiguous
    if has_body:
        yield Encoded


def _names(kinds: Mapping[str, Any]) -> bool:
    """Return whether a route takes an id by its beginning, in its path or its query."""
    queries = [model for model in map(_model, kinds.values()) if model is not None and issubclass(model, Query)]
    fields = [each.annotation for model in queries for each in model.model_fields.values()]
    return any(isinstance(parameter_of(kind), Named) for kind in (*kinds.values(), *map(_present, fields)))


def _present(kind: Any) -> Any:  # noqa: ANN401 - any annotation
    """Return what a parameter is when it is there."""
    kind = next((each for each in get_args(kind) if each is not NoneType), kind) if NoneType in get_args(kind) else kind
    while isinstance(kind, TypeAliasType) or (get_args(kind) and parameter_of(kind) is None):
        kind = kind.__value__ if isinstance(kind, TypeAliasType) else get_args(kind)[0]
    return kind


def _security(needed: Needed | None) -> list[dict[str, list[str]]]:
    """Say which scopes a key needs; of alternatives, each."""
    if needed is None:
        return []
    return [{KEY: [*needed.scopes, one]} for one in needed.one_of] or [{KEY: list(needed.scopes)}]


def _model(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    found = (get_args(kind) or (kind,))[0]
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _named(name: str, value: list[Schema]) -> Schema:
    return {name: value} if value else {}
