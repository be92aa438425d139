"""The document as a stranger to the code is tested by: its answers closed, and among what is asked what there is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.api.description import SOURCE

type Json = dict[str, Any]


def closed() -> Json:
    """Return the document with every object that an answer holds closed: a field that it does not name fails a test.

    To callers it stays open, so that a later release may answer more.
    """
    document: Json = json.loads(SOURCE.read_text())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return document


def knowing(known: Mapping[str, Sequence[object]]) -> Json:
    """Return the closed document in which parameters and fields of these names have these values, too."""
    document = closed()
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["schema"] = _either(known[parameter["name"]], parameter["schema"])
            _fill(operation.get("requestBody", {}), document, known)
    return document


def _fill(body: Json, document: Json, known: Mapping[str, Sequence[object]]) -> None:
    for content in body.get("content", {}).values():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        properties = document["components"]["schemas"].get(name, {}).get("properties", {})
        for field in properties.keys() & known.keys():
            properties[field] = _either(known[field], properties[field])


def _either(values: Sequence[object], schema: Json) -> Json:
    return {"anyOf": [{"enum": list(values)}, schema]}
