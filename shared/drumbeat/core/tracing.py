"""Ids of traces and spans: computed from the ids of the ledger, so that what is exported again is the same bytes.

An effect's id is the id of its trace, and so is an event's, unless its sender named a trace that it belongs to (W3C
Trace Context). Span ids are hashes of what the span is about.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from drumbeat.core import ids

SAMPLED = 1
# Version 00 has nothing after the flags; a later one may, and is read as if it had not.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_BYTES = 25  # of a stored one: trace id, span id, flags


@dataclass(frozen=True, slots=True)
class SpanContext:
    """Where a span is: its trace and its own id."""

    trace_id: bytes  # 16
    span_id: bytes  # 8
    flags: int = SAMPLED

    @property
    def traceparent(self) -> str:
        """Return it as the header that is sent to others."""
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-{self.flags:02x}"

    @property
    def stored(self) -> bytes:
        """Return it as the ledger keeps it."""
        return self.trace_id + self.span_id + bytes([self.flags])


def parsed(traceparent: str | None) -> SpanContext | None:
    """Read a `traceparent` header; None where there is none, or it is not one: it is then as if it had not come."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return SpanContext(bytes.fromhex(trace), bytes.fromhex(span), int(flags, 16))


def stored(traceparent: str | None) -> bytes | None:
    """Return what the ledger keeps of a `traceparent` header, if it is one."""
    context = parsed(traceparent)
    return None if context is None else context.stored


def restored(stored: bytes | None) -> SpanContext | None:
    """Return what the ledger keeps of an event's sender."""
    if stored is None or len(stored) != _BYTES:
        return None
    return SpanContext(stored[:16], stored[16:24], stored[24])


def of_event(event: UUID, parent: SpanContext | None) -> SpanContext:
    """Return the span of an event, in its sender's trace where there is one."""
    return SpanContext(event.bytes if parent is None else parent.trace_id, span_id(event, "event"))


def of_effect(effect: UUID) -> SpanContext:
    """Return the span of an effect, which is the first of its trace."""
    return SpanContext(effect.bytes, span_id(effect, "effect", 1))


def of_attempt(effect: UUID, n: int) -> SpanContext:
    """Return the span of one attempt."""
    return SpanContext(effect.bytes, span_id(effect, "attempt", n))


def span_id(subject: UUID, what: str, *which: object) -> bytes:
    """Name one span of what an event or effect went through."""
    return ids.derive(str(subject), what, *map(str, which)).bytes[:8]
