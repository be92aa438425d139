"""The document's JSON schema, for editors: the same forms that `apply` reads, so that the two cannot differ."""

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from drumbeat.configuration import document_models
from drumbeat.providers import registry as providers
from drumbeat.sources import registry as schemes

type Json = dict[str, Any]


def schema() -> Json:
    """Return the schema. References, texts and conditions are checked by `drumbeat apply` alone."""
    models: list[type[document_models.Form]] = [document_models.Document, *document_models.ARGUMENTS.values()]
    _, made = models_json_schema([(model, "validation") for model in models], by_alias=True)
    parts: Json = {name: _plain(part) for name, part in made["$defs"].items()}
    parts["Account"]["properties"]["provider"] = {"type": "string", "enum": sorted(providers.names())}
    parts["Source"]["properties"]["webhook"] = {"type": "string", "enum": sorted(schemes.names())}
    step = parts["Step"]
    step["properties"]["action"] = {"type": "string", "enum": list(document_models.ARGUMENTS)}
    step["allOf"] = [
        {
            "if": {"properties": {"action": {"const": action}}},
            "then": {"properties": {"with": {"$ref": f"#/$defs/{form.__name__}"}}},
        }
        for action, form in document_models.ARGUMENTS.items()
    ]
    document = parts.pop("Document")
    for section in ("accounts", "sources", "flows", "campaigns"):
        document["properties"][section]["propertyNames"] = {"pattern": document_models.NAME}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Drumbeat configuration",
        **document,
        "$defs": dict(sorted(parts.items())),
    }


def _plain(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out what only the code needs: titles, defaults in seconds, null for fields that are simply absent."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    plain = {
        name: {key: _plain(value) for key, value in inner.items()} if name == "properties" else _plain(inner)
        for name, inner in part.items()
        if name not in ("title", "default")
    }
    choices = [choice for choice in plain.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **plain}
    return {"anyOf": choices, **plain} if choices else plain
