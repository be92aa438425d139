"""What flows see of an event: its payload, read from the raw body. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from drumbeat.core.configuration import Config, Source
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.events import Event
from drumbeat.sources import registry

ONE_FACT = 3  # the rules since which a delivery is read as its sender writes it, and is acted on if it holds one fact
_FORMS_BEFORE = ("slack", "twilio")  # whose forms were read by the rules before

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
        Unmappable: the body was erased, is not what the source promises, holds many facts or none, or the source is
            not configured (any more).
    """
    if event.body is None:
        raise Unmappable("its body was erased")
    if event.door != "webhook":
        return _object(_json(event.body).get("payload"))
    source = config.sources.get(event.source)
    if source is None:
        raise Unmappable(f"the source {event.source} is not configured in version {config.version}")
    delivered = _delivered(event.body, source) if config.semantics >= ONE_FACT else _before(event.body, source)
    if not source.map:
        return _object(delivered)
    return {field: _search(field, expression, delivered) for field, expression in source.map.items()}


def _delivered(body: bytes, source: Source) -> object:
    """Return the one fact that a delivery holds."""
    if source.scheme not in registry.names():
        raise Unmappable(f"this release does not know the deliveries of {source.scheme}")
    scheme = registry.get(source.scheme)
    try:
        delivered = scheme.read(body)
    except (ValueError, RecursionError):
        raise Unmappable(f"the delivery is not in a form that {source.scheme} sends") from None
    match scheme.facts(delivered):
        case 1:
            return delivered
        case 0:
            raise Unmappable("the delivery holds no fact")
        case facts:
            raise Unmappable(
                f"the delivery holds {facts:,} facts, and an event can be acted on for one: nothing was done for any of"
                " them, and all are kept in its body"
            )


def _before(body: bytes, source: Source) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        if source.scheme not in _FORMS_BEFORE:
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
