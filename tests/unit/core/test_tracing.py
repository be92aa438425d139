"""Which `traceparent` headers are read, and that ids of spans are computed."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core import tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
EFFECT = UUID(int=7)


@pytest.mark.parametrize("version", ["00", "01", "cc"])
@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_traceparent_is_read(version: str, flags: str) -> None:
    context = tracing.parsed(f"{version}-{TRACE}-{SPAN}-{flags}")

    assert context is not None
    assert (context.trace_id.hex(), context.span_id.hex(), f"{context.flags:02x}") == (TRACE, SPAN, flags)
    assert tracing.restored(context.stored) == context


def test_a_later_version_may_have_more() -> None:
    assert tracing.parsed(f"01-{TRACE}-{SPAN}-01-what-comes-then") is not None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",  # the header came twice
        f"00-{TRACE[:-1]}\N{FULLWIDTH DIGIT ONE}-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_as_if_it_had_not_come(header: str | None) -> None:
    assert tracing.stored(header) is None


@given(st.text(max_size=60))
def test_no_header_is_an_error(header: str) -> None:
    tracing.stored(header)


def test_ids_are_the_same_each_time_and_another_for_each_span() -> None:
    ids = [
        tracing.of_effect(EFFECT).span_id,
        tracing.of_event(EFFECT, None).span_id,
        *(tracing.of_attempt(EFFECT, n).span_id for n in range(3)),
        tracing.of_attempt(UUID(int=8), 1).span_id,
    ]

    assert len(set(ids)) == len(ids)
    assert tracing.of_attempt(EFFECT, 1) == tracing.of_attempt(EFFECT, 1)
    assert tracing.of_attempt(EFFECT, 1).traceparent == f"00-{EFFECT.hex}-{ids[3].hex()}-01"
