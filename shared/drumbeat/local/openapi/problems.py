"""The problems of the document: which an operation may answer, by status."""

from collections.abc import Collection, Iterable

from drumbeat.api.problems import Refused
from drumbeat.core.errors import (
    Ambiguous,
    ConfigurationChanged,
    KeyReused,
    Problem,
    TooMany,
    Unauthorized,
    Unavailable,
)
from drumbeat.local.openapi.schemas import Schema, Schemas
from drumbeat.web.problems import MEDIA_TYPE

REFERENCE = "#/components/responses/"

# What some problems say beside what all say.
_FACTS: dict[type[Problem], Schema] = {
    KeyReused: {"eventId": {"type": "string", "format": "uuid", "description": "the event that the key names"}},
    Ambiguous: {"candidates": {"type": "array", "items": {"type": "string", "format": "uuid"}}},
    ConfigurationChanged: {"differences": {"type": "array", "items": {"type": "string"}}},
    Refused: {
        "mistakes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "file": {"type": "string"},
                    "line": {"type": "integer"},
                    "message": {"type": "string"},
                },
                "required": ["file", "line", "message"],
            },
        }
    },
}
_HEADERS: dict[type[Problem], Schema] = {
    Unauthorized: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    Unavailable: {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}},
    TooMany: {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}},
}


class Problems:
    """The answers of one document that are problems, each described once."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self.responses: dict[str, Schema] = {}

    def answers(self, kinds: Iterable[type[Problem]]) -> dict[str, Schema]:
        """Refer to the answers of some problems, by status."""
        by_status: dict[int, list[type[Problem]]] = {}
        for kind in sorted(set(kinds), key=lambda each: (each.status, each.slug)):
            by_status.setdefault(kind.status, []).append(kind)
        return {str(status): self._refer(same) for status, same in by_status.items()}

    def of(self, reference: Schema) -> Schema:
        """Return the answer that is referred to."""
        return self.responses[reference["$ref"].removeprefix(REFERENCE)]

    def _refer(self, kinds: Collection[type[Problem]]) -> Schema:
        name = "Or".join("".join(word.capitalize() for word in kind.slug.split("-")) for kind in kinds)
        self.responses[name] = {
            "description": "; or: ".join(f"{kind.title}." for kind in kinds),
            **_headers(kinds),
            "content": {MEDIA_TYPE: {"schema": _either([self._schema(kind) for kind in kinds])}},
        }
        return {"$ref": REFERENCE + name}

    def _schema(self, kind: type[Problem]) -> Schema:
        facts = _FACTS.get(kind, {})
        name = f"{''.join(word.capitalize() for word in kind.slug.split('-'))}Problem"
        properties = {
            "type": {"const": f"urn:drumbeat:problem:{kind.slug}"},
            "title": {"type": "string"},
            "status": {"const": kind.status},
            "detail": {"type": "string", "description": "what happened, what was not lost, and what to do"},
            **facts,
            "requestId": {"type": "string"},
        }
        return self._schemas.add(name, {"type": "object", "properties": properties, "required": list(properties)})


def _headers(kinds: Iterable[type[Problem]]) -> Schema:
    found = {name: header for kind in kinds for name, header in _HEADERS.get(kind, {}).items()}
    return {"headers": found} if found else {}


def _either(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
