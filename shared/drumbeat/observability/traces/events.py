"""The trace of an event: received, recorded, planned; and what was learned of an effect beside its attempts."""

from collections.abc import Sequence

from drumbeat.core import tracing
from drumbeat.core.tracing import SpanContext
from drumbeat.ledger.database import Row
from drumbeat.observability.traces.effects import server_of
from drumbeat.observability.traces.spans import Code, Kind, Span, described


def of_plan(plan: Row) -> Sequence[Span]:
    """Return the spans of an event that was planned. Its source is named where it is one of the configuration."""
    parent = tracing.restored(plan["trace"])
    top = tracing.of_event(plan["id"], parent)
    recorded = max(plan["received_at"], plan["recorded_at"])
    planned = max(recorded, plan["planned_at"])

    def part(name: str, start: int, end: int, kind: Kind = Kind.INTERNAL) -> Span:
        context = SpanContext(top.trace_id, tracing.span_id(plan["id"], name))
        return Span(context, name, start, end, parent=top, kind=kind)

    whole = Span(
        top,
        f"event {plan['type']}",
        plan["received_at"],
        planned,
        parent=parent,
        remote=parent is not None,
        kind=Kind.SERVER if plan["door"] in ("api", "webhook", "form") else Kind.INTERNAL,
        attributes=described(
            event__id=str(plan["id"]),
            event__type=plan["type"],
            event__door=plan["door"],
            event__source=plan["source"],
            version=plan["version"],
            flows_failed=plan["failed"],
        ),
        code=Code.ERROR if plan["failed"] else Code.OK,
    )
    return [whole, part("receive", plan["received_at"], recorded), part("plan", recorded, planned)]


def of_outcome(outcome: Row) -> Sequence[Span]:
    """Return the span of a look-up at a provider, or of an answer that came late: the instant at which it was known."""
    look = outcome["origin"] == "look"
    attempt = tracing.of_attempt(outcome["id"], outcome["attempt"])
    failed = {"error.type": outcome["reason_code"] or "_OTHER"} if outcome["kind"] == "unclear" else {}
    return [
        Span(
            SpanContext(attempt.trace_id, tracing.span_id(outcome["id"], outcome["origin"], outcome["n"])),
            "look-up" if look else "late answer",
            outcome["at"],
            outcome["at"],
            parent=attempt,
            kind=Kind.CLIENT,
            attributes=server_of(outcome["identity"])
            | described(attempt=outcome["attempt"], outcome=outcome["kind"], reason=outcome["reason_code"])
            | failed,
            code=Code.ERROR if failed else Code.UNSET,
        )
    ]


def of_report(report: Row) -> Sequence[Span]:
    """Return the span of a provider's report on a mail: the instant that the provider names."""
    top = tracing.of_effect(report["effect_id"])
    return [
        Span(
            SpanContext(top.trace_id, tracing.span_id(report["id"], "feedback")),
            f"feedback {report['kind']}",
            report["at"],
            report["at"],
            parent=top,
            kind=Kind.CONSUMER,
            attributes=described(
                account=report["account"],
                feedback=report["kind"],
                generation=report["generation"],
                by_program=report["machine"],
            ),
            link=tracing.of_event(report["id"], tracing.restored(report["trace"])),
        )
    ]
