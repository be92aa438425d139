"""Spans in the JSON of OTLP (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).

As the SDK of OpenTelemetry writes them, which a test compares: ids in hex, 64-bit numbers as text, enums as numbers.
"""

import json
from collections.abc import Iterable, Mapping

from drumbeat import __version__
from drumbeat.core.tracing import SpanContext
from drumbeat.observability.traces.spans import Moment, Span, Value

SCOPE = "drumbeat"
HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200  # flags of spans and links
NANOSECONDS = 1000  # of a microsecond

type Json = dict[str, object]


class Envelope:
    """What stands around the spans of a request: the resource that they are of, and what made them."""

    def __init__(self, resource: Mapping[str, Value]) -> None:
        head = {"resource": {"attributes": _attributes(resource)}}
        scope = {"scope": {"name": SCOPE, "version": __version__}}
        # The spans are written once each, and put in between.
        self._before = f'{{"resourceSpans":[{_text(head)[:-1]},"scopeSpans":[{_text(scope)[:-1]},"spans":['
        self._after = "]}]}]}"

    def around(self, spans: Iterable[str]) -> bytes:
        """Return a request with these spans, each as `written`."""
        return f"{self._before}{','.join(spans)}{self._after}".encode()


def written(span: Span) -> str:
    """Return one span as JSON."""
    document: Json = {
        "traceId": span.context.trace_id.hex(),
        "spanId": span.context.span_id.hex(),
        **({"parentSpanId": span.parent.span_id.hex()} if span.parent else {}),
        "flags": _flags(remote=span.remote),
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(span.end),
        "attributes": _attributes(span.attributes),
        **({"events": [_event(moment) for moment in span.moments]} if span.moments else {}),
        **({"droppedEventsCount": span.moments_left_out} if span.moments_left_out else {}),
        **({"links": [_link(span.link)]} if span.link else {}),
        "status": {"code": int(span.code)} if span.code else {},
    }
    return _text(document)


def _event(moment: Moment) -> Json:
    attributes = {"attributes": _attributes(moment.attributes)} if moment.attributes else {}
    return {"timeUnixNano": _nanoseconds(moment.at), "name": moment.name, **attributes}


def _link(context: SpanContext) -> Json:
    return {"traceId": context.trace_id.hex(), "spanId": context.span_id.hex(), "flags": _flags(remote=False)}


def _flags(*, remote: bool) -> int:
    return HAS_IS_REMOTE | (IS_REMOTE if remote else 0)


def _nanoseconds(microseconds: int) -> str:
    return str(microseconds * NANOSECONDS)


def _attributes(attributes: Mapping[str, Value]) -> list[Json]:
    return [{"key": name, "value": _value(value)} for name, value in attributes.items()]


def _value(value: Value) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case _:
            return {"stringValue": value}


def _text(document: Mapping[str, object]) -> str:
    return json.dumps(document, separators=(",", ":"))
