"""Spans as the SDK of OpenTelemetry encodes them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace import SpanContext as SdkContext

from drumbeat import __version__
from drumbeat.core.tracing import SpanContext
from drumbeat.observability.traces.otlp import SCOPE, Envelope, written
from drumbeat.observability.traces.spans import Code, Kind, Moment, Span, Value
from tests.collectors import read

RESOURCE = {"service.name": "drumbeat", "deployment.environment.name": "prod"}
KINDS = {kind: SpanKind[kind.name] for kind in Kind}
CODES = {code: StatusCode[code.name] for code in Code}

values = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20))
attributes: st.SearchStrategy[dict[str, Value]] = st.dictionaries(st.text("abc._", min_size=1), values, max_size=4)
moments = st.integers(0, 2**50)
contexts = st.builds(
    SpanContext,
    st.binary(min_size=16, max_size=16).filter(any),
    st.binary(min_size=8, max_size=8).filter(any),
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    parent = draw(st.none() | contexts)
    return Span(
        draw(contexts),
        draw(st.text(min_size=1, max_size=20)),
        draw(moments),
        draw(moments),
        parent=parent,
        remote=parent is not None and draw(st.booleans()),
        kind=draw(st.sampled_from(Kind)),
        attributes=draw(attributes),
        moments=tuple(draw(st.lists(st.builds(Moment, st.text(min_size=1), moments, attributes), max_size=3))),
        link=draw(st.none() | contexts),
        code=draw(st.sampled_from(Code)),
    )


@given(st.lists(spans(), min_size=1, max_size=3))
def test_spans_are_written_as_the_sdk_encodes_them(some: list[Span]) -> None:
    ours = read(Envelope(RESOURCE).around(map(written, some)))

    assert ours == encode_spans([_as_sdk(span) for span in some])


def test_what_was_left_out_of_a_span_is_counted() -> None:
    span = Span(SpanContext(b"t" * 16, b"s" * 8), "wait", 1, 2, moments_left_out=7)

    request = read(Envelope(RESOURCE).around([written(span)]))

    assert request.resource_spans[0].scope_spans[0].spans[0].dropped_events_count == 7


def test_a_request_is_ascii_whatever_is_in_it() -> None:
    span = Span(SpanContext(b"t" * 16, b"s" * 8), "größe", 1, 2)

    assert Envelope(RESOURCE).around([written(span)]).isascii()


def _as_sdk(span: Span) -> ReadableSpan:
    return ReadableSpan(
        span.name,
        context=_context(span.context),
        parent=_context(span.parent, remote=span.remote) if span.parent else None,
        resource=Resource(RESOURCE),
        attributes=dict(span.attributes),
        events=[Event(one.name, dict(one.attributes), one.at * 1000) for one in span.moments],
        links=[Link(_context(span.link))] if span.link else (),
        kind=KINDS[span.kind],
        status=Status(CODES[span.code]),
        start_time=span.start * 1000,
        end_time=span.end * 1000,
        instrumentation_scope=InstrumentationScope(SCOPE, __version__),
    )


def _context(context: SpanContext, **more: Any) -> SdkContext:
    ids = int.from_bytes(context.trace_id), int.from_bytes(context.span_id)
    return SdkContext(*ids, is_remote=more.get("remote", False))
