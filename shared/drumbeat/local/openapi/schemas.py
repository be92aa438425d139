"""JSON Schema of what is asked and answered.

What is asked is a pydantic model, which describes itself. What is answered are dataclasses, described here as
`drumbeat.api.response.wire` writes them and `drumbeat.api.masking` masks them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAliasType, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from drumbeat.api.masking import MASKED, PERSONAL
from drumbeat.api.response import camel
from drumbeat.local.openapi.sources import comments, hints, text

type Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"

_PLAIN: Mapping[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    bytes: {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
    object: {},
    Any: {},
}


class Schemas:
    """The schemas of one document. Each model is described once and referred to by a key, until `named` names it."""

    def __init__(self) -> None:
        self._models: dict[str, tuple[str, str, Schema]] = {}  # key -> its name, its module's, its schema

    def asked(self, model: type[BaseModel]) -> Schema:
        """Refer to a model of what is asked."""
        whole = model.model_json_schema(ref_template=f"{REFERENCE}{{model}}")
        inner = whole.pop("$defs", {})
        return self._asked(model.__name__, model.__module__, whole, inner)

    def _asked(self, name: str, module: str, schema: Schema, inner: Mapping[str, Schema]) -> Schema:
        """Describe what stands in a model by itself, but for other models."""

        def placed(part: Any) -> Any:  # noqa: ANN401 - JSON
            if isinstance(part, list):
                return [placed(each) for each in part]
            if not isinstance(part, dict):
                return part
            kept = {name: placed(each) for name, each in part.items() if name not in ("title", "$ref")}
            if kept.get("default", 0) is None:  # it may be left out, which is said already
                del kept["default"]
            if "$ref" not in part:
                return kept
            of = part["$ref"].removeprefix(REFERENCE)
            there = inner[of]
            return {**(self._asked(of, module, there, inner) if "properties" in there else placed(there)), **kept}

        properties = {name: placed(each) for name, each in schema["properties"].items()}
        described = {**placed({**schema, "properties": {}}), "properties": properties}
        if "description" in described:
            described["description"] = " ".join(described["description"].split())
        same = [key for key, known in self._models.items() if known[0] == name and known[2] == described]
        key = same[0] if same else f"{module}.{name}"
        self._models.setdefault(key, (name, module, described))
        return {"$ref": REFERENCE + key}

    def answered(self, kind: Any) -> Schema:  # noqa: ANN401 - any annotation
        """Describe a type of what is answered."""
        if isinstance(kind, TypeAliasType):
            return self.answered(kind.__value__)
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, UnionType):
            return _either([self.answered(each) for each in args])
        if origin is Annotated:
            return self.answered(args[0])
        if origin is Literal:
            return {"enum": list(args)}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.answered(args[1])}
        if isinstance(origin, type) and issubclass(origin, Collection):
            return {"type": "array", "items": self.answered(args[0])}
        if is_dataclass(origin or kind):
            return self._dataclass(origin or kind, args)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"type": "string", "enum": [each.value for each in kind]}
        raise TypeError(f"{kind} is nothing that an answer of the API is known to hold")

    def add(self, name: str, schema: Schema) -> Schema:
        """Add a schema of no model, and refer to it."""
        self._add(name, name, "", schema)
        return {"$ref": REFERENCE + name}

    def named(self, document: Schema) -> Schema:
        """Return a document with all models in it, each by its name; those of one name by their modules', too."""
        times = Counter(name for name, _, _ in self._models.values())
        names = {
            key: name if times[name] == 1 else f"{camel(f'_{module.rpartition(".")[2]}')}{name}"
            for key, (name, module, _) in self._models.items()
        }
        assert len(set(names.values())) == len(names)
        found = {names[key]: schema for key, (_, _, schema) in self._models.items()}
        whole = {**document, "components": {"schemas": dict(sorted(found.items())), **document["components"]}}
        renamed: Schema = _renamed(whole, names)
        return renamed

    def _dataclass(self, cls: Any, args: Sequence[Any]) -> Schema:  # noqa: ANN401 - a dataclass, generic perhaps
        key = _key(cls, args)
        if key not in self._models:
            name = "".join(each.__name__ for each in (*args, cls))
            self._add(key, name, cls.__module__, {})  # before its fields, which may be of the same type
            kinds, said = hints(cls), comments(cls)
            filled = dict(zip(getattr(cls, "__type_params__", ()), args, strict=True))
            properties = {
                camel(each.name): self._field(each.name, _filled(kinds[each.name], filled), said.get(each.name))
                for each in fields(cls)
            }
            schema = {"type": "object", "properties": properties, "required": list(properties)}
            self._add(key, name, cls.__module__, {"description": text(cls), **schema})
        return {"$ref": REFERENCE + key}

    def _field(self, name: str, kind: object, said: str | None) -> Schema:
        schema = self.answered(kind)
        if camel(name) in PERSONAL and schema not in ({}, _PLAIN[str]):
            schema = _either([schema, {"const": MASKED}])  # for a key without the scope `people`
        return {**schema, "description": said} if said else schema

    def _add(self, key: str, name: str, module: str, schema: Schema) -> None:
        self._models[key] = (name, module, schema)


def _key(cls: type[Any], args: Sequence[Any] = ()) -> str:
    return ".".join([cls.__module__, *(each.__name__ for each in args), cls.__name__])


def _filled(kind: Any, filled: Mapping[TypeVar, Any]) -> Any:  # noqa: ANN401 - any annotation
    """Put the arguments of a generic class in place of its parameters."""
    if isinstance(kind, TypeVar):
        return filled[kind]
    parameters = getattr(kind, "__parameters__", ())
    return kind[tuple(filled[each] for each in parameters)] if parameters else kind


def _either(schemas: Sequence[Schema]) -> Schema:
    """Return a schema of either, as briefly as it can be said."""
    if all(set(each) == {"type"} for each in schemas):
        return {"type": [each["type"] for each in schemas]}
    if len(schemas) == 2 and schemas[1] == {"type": "null"} and isinstance(schemas[0].get("type"), str):
        return {**schemas[0], "type": [schemas[0]["type"], "null"]} if "enum" not in schemas[0] else {"anyOf": schemas}
    return {"anyOf": list(schemas)}


def _renamed(part: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, dict):
        return {
            name: REFERENCE + names[each.removeprefix(REFERENCE)]
            if name == "$ref" and each.startswith(REFERENCE)
            else _renamed(each, names)
            for name, each in part.items()
        }
    return [_renamed(each, names) for each in part] if isinstance(part, list) else part
