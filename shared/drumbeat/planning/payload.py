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
_UNSPLIT = "nothing was done for any of its facts, and all are kept in its body"

type Payload = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Body:
    """What the body of an event says."""

    payload: Payload
    around: Mapping[str, object]  # the document that holds it; empty for a webhook, all of which is its sender's


@dataclass
class Unmappable(DrumbeatError):
    """An event's body does not give a payload. The event is kept; the reason holds nothing of the body."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def read(event: Event, config: Config) -> Payload:
    """Return the payload of an event: as sent to the API, or mapped from the delivery as its source says.

    A mapped field that the delivery lacks is present and null. Raises as `read_body` does.
    """
    return read_body(event, config).payload


def read_body(event: Event, config: Config) -> Body:
    """Return what the body of an event says: once, since it may be large.

    Raises:
        Unmappable: the body was erased, is not what the source promises, holds many facts or none, or the source is
            not configured (any more).
    """
    if event.body is None:
        raise Unmappable("its body was erased")
    if event.door != "webhook":
        around = _object(_loaded(event.body))
        return Body(_object(around.get("payload")), around)
    source = config.sources.get(event.source)
    if source is None:
        raise Unmappable(f"the source {event.source} is not configured in version {config.version}")
    delivered = _fact(event, event.body, source, config)
    if not source.map:
        return Body(_object(delivered), {})
    fields = source.map.items()
    return Body({field: _search(where, delivered, f"mapping of {field}") for field, where in fields}, {})


def split(body: bytes, source: Source) -> list[object]:
    """Return the facts that a source's `split` finds in a delivery: one or more.

    Raises:
        Unmappable: it is not what the source promises, or `split` gives no list, or an empty one, or does not fit it.
    """
    assert source.split is not None
    found = _search(source.split, _delivered(body, source), "split")
    if not isinstance(found, list):
        raise Unmappable(f"the source's split gives no list for this delivery: {_UNSPLIT}")
    if not found:
        raise Unmappable("the source's split finds no fact in this delivery, and all of it is kept in its body")
    return found


def _fact(event: Event, body: bytes, source: Source, config: Config) -> object:
    """Return the one fact that an event stands for."""
    if event.delivery is not None:
        return _loaded(body)
    if source.split is not None:
        found = split(body, source)
        if len(found) == 1:
            return found[0]
        raise Unmappable(f"the delivery holds {len(found):,} facts, which are split: {_UNSPLIT}")
    if config.semantics < ONE_FACT:
        return _before(body, source)
    return _one_fact(_delivered(body, source), source)


def _delivered(body: bytes, source: Source) -> object:
    if source.scheme not in registry.names():
        raise Unmappable(f"this release does not know the deliveries of {source.scheme}")
    try:
        return registry.get(source.scheme).read(body)
    except (ValueError, RecursionError):
        raise Unmappable(f"the delivery is not in a form that {source.scheme} sends") from None


def _one_fact(delivered: object, source: Source) -> object:
    match registry.get(source.scheme).facts(delivered):
        case 1:
            return delivered
        case 0:
            raise Unmappable("the delivery holds no fact")
        case facts:
            raise Unmappable(
                f"the delivery holds {facts:,} facts, and an event can be acted on for one: nothing was done for any of"
                " them, and all are kept in its body; once its source has a `split`, each becomes an event of its own"
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


def _search(expression: str, delivered: object, what: str) -> object:
    from drumbeat.planning.queries import Unsearchable, search

    try:
        return search(expression, delivered)
    except Unsearchable:
        raise Unmappable(f"the {what} does not fit the delivery") from None


def _loaded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unmappable("the body is not JSON") from None


def _object(value: object) -> Payload:
    if not isinstance(value, dict):
        raise Unmappable("the payload is not a JSON object")
    return value
