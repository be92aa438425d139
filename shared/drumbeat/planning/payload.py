"""What flows see of an event: its payload, read from the raw body. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from drumbeat.core.configuration import Config, Source
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.events import Event
from drumbeat.sources import registry

type Payload = Mapping[str, object]


@dataclass
class Unmappable(DrumbeatError):
    """An event's body does not give a payload. The event is kept; the reason holds nothing of the body."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def read(event: Event, config: Config) -> Payload:
    """Return the payload of an event: as sent to the API, or mapped from the delivery as its source says.

    A mapped field that the delivery lacks is present and null.

    Raises:
        Unmappable: the body was erased, is not what the source promises, or the source is not configured (any more).
    """
    if event.body is None:
        raise Unmappable("its body was erased")
    if event.door not in ("webhook", "form"):
        return _object(_json(event.body).get("payload"))
    source = config.sources.get(event.source)
    if source is None:
        raise Unmappable(f"the source {event.source} is not configured in version {config.version}")
    delivered = _delivered(event.body, source)
    if not source.map:
        return _object(delivered)
    return {field: _search(field, expression, delivered) for field, expression in source.map.items()}


def _delivered(body: bytes, source: Source) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        if source.scheme not in registry.names() or not registry.get(source.scheme).form_encoded:
            raise Unmappable("the delivery is not JSON") from None
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise Unmappable("the delivery is neither JSON nor a form") from None
    return {name: values[-1] for name, values in fields.items()}


def _search(field: str, expression: str, delivered: object) -> object:
    from drumbeat.planning.queries import Unsearchable, search

    try:
        return search(expression, delivered)
    except Unsearchable:
        raise Unmappable(f"the mapping of {field} does not fit the delivery") from None


def _json(body: bytes) -> Payload:
    try:
        return _object(json.loads(body))
    except (ValueError, RecursionError):
        raise Unmappable("the body is not JSON") from None


def _object(value: object) -> Payload:
    if not isinstance(value, dict):
        raise Unmappable("the payload is not a JSON object")
    return value
