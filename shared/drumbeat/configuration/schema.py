"""The document's JSON schema, for editors: made of the same models and declarations that `apply` checks by."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from drumbeat.configuration import document_models
from drumbeat.configuration.audience_models import Audience
from drumbeat.configuration.declared_models import arguments_model
from drumbeat.core import secret_references
from drumbeat.core.configuration import NAME
from drumbeat.planning import actions
from drumbeat.providers import registry as providers
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Option

type Json = dict[str, Any]


def schema() -> Json:
    """Return the schema. References, texts and conditions are checked by `drumbeat apply` alone."""
    forms = {name: arguments_model(actions.get(name)) for name in actions.names()}
    models: list[type[BaseModel]] = [document_models.Document, Audience, *forms.values()]
    places, made = models_json_schema([(model, "validation") for model in models], by_alias=True)
    parts: Json = {name: _plain(part) for name, part in made["$defs"].items()}
    parts["Account"]["properties"]["provider"] = {"type": "string", "enum": sorted(providers.names())}
    _add_schemes(parts["Source"])
    for step in (parts["Step"], parts["CampaignStep"]):
        step["properties"]["action"] = {"type": "string", "enum": list(forms)}
        step["allOf"] = [
            _where("action", action, {"properties": {"with": places[form, "validation"]}})
            for action, form in forms.items()
        ]
    document = parts.pop("Document")
    for section in ("accounts", "lists", "audiences", "sources", "flows", "campaigns"):
        document["properties"][section]["propertyNames"] = {"pattern": NAME}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Drumbeat configuration",
        **document,
        "$defs": dict(sorted(parts.items())),
    }


def _add_schemes(source: Json) -> None:
    """Add the schemes, every option there is, and what each scheme says of its own."""
    options = {name: schemes.get(name).options for name in sorted(schemes.names())}
    source["properties"]["webhook"] = {"type": "string", "enum": list(options)}
    source["properties"] |= {
        name: {"type": "boolean" if option.flag else "string"}
        for declared in options.values()
        for name, option in declared.items()
    }
    source["allOf"] = [
        _where("webhook", scheme, _options(declared)) for scheme, declared in options.items() if declared
    ]
    without = [name for name in options if not schemes.get(name).has_secrets]
    signed = {"required": ["secrets"]}
    source["allOf"].append({"if": {"properties": {"webhook": {"not": {"enum": without}}}}, "then": signed})


def _options(declared: Mapping[str, Option]) -> Json:
    required = [name for name, option in declared.items() if option.required]
    return {"properties": {name: _option(option) for name, option in declared.items()}} | (
        {"required": required} if required else {}
    )


def _option(option: Option) -> Json:
    if option.secret:
        return {"description": option.meaning, "pattern": secret_references.REFERENCE}
    if option.flag:
        return {"description": option.meaning, "default": option.default == "true"}
    made: Json = {"description": option.meaning, "default": option.default, "enum": list(option.choices)}
    return {name: value for name, value in made.items() if value}


def _where(field: str, value: str, then: Json) -> Json:
    return {"if": {"properties": {field: {"const": value}}}, "then": then}


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
