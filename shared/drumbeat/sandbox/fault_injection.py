"""Telling the lie: what a fate does to the work, and to the answer."""

from datetime import UTC, datetime
from email.utils import format_datetime

from drumbeat.sandbox.faults import Fate, Lie
from drumbeat.sandbox.http_messages import Answer, Manner
from drumbeat.sandbox.vendors.base import Vendor

FORMS = ("seconds", "decimals", "date", "zero", "negative", "absurd", "past_date", "missing")
SKIPS_WORK = {"refuse_then_500", "refuse_then_cut", "refuse_then_hang", "lookup_500"}
REFUSES = {"429", "denied"}

PAGE = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>One moment, please</h1></body></html>"
)


def works(fate: Fate) -> bool:
    """Tell whether the provider does what it was asked."""
    lie = fate.lie
    return lie is None or (lie.kind.name not in SKIPS_WORK | REFUSES and bool(lie.settings.get("accept", True)))


def refuses(fate: Fate) -> bool:
    """Tell whether the provider openly declines before any work."""
    return fate.wait > 0 or (fate.lie is not None and fate.lie.kind.name in REFUSES)


def decline(fate: Fate, vendor: Vendor, now: float) -> Answer:
    """Return the open refusal: over the limit, or denied."""
    if fate.lie is None or fate.wait > 0:
        return vendor.failure(429, ("Retry-After", f"{max(1.0, fate.wait):.0f}"))
    if fate.lie.kind.name == "denied":
        return vendor.failure(int(fate.lie.settings["status"]))
    return vendor.failure(429, *retry_after(fate.lie, now))


def twist(fate: Fate, answer: Answer, vendor: Vendor) -> Answer:
    """Return the answer as the lie has it, late by the fate's latency."""
    lie = fate.lie
    told = answer if lie is None else _told(lie, answer, vendor)
    if not fate.latency:
        return told
    manner = told.manner
    late = Manner(fate.latency + manner.delay, manner.cut, manner.drip, manner.over, manner.hang_up)
    return Answer(told.status, told.body, told.type, told.headers, late)


def retry_after(lie: Lie, now: float) -> tuple[tuple[str, str], ...]:
    """Return the Retry-After header in the form the lie asks for; `cycle` takes each form in turn."""
    form, seconds = lie.settings["retry_after"], float(lie.settings["seconds"])
    if form == "cycle":
        form = FORMS[lie.told % len(FORMS)]
    values = {
        "seconds": f"{seconds:.0f}",
        "decimals": f"{seconds + 0.25:.3f}",
        "date": _date(now + seconds),
        "past_date": _date(now - 86_400),
        "zero": "0",
        "negative": "-1",
        "absurd": "1000000000",
    }
    return (("Retry-After", values[form]),) if form in values else ()


def _told(lie: Lie, answer: Answer, vendor: Vendor) -> Answer:
    seconds = float(lie.settings.get("seconds", 0.0))
    match lie.kind.name:
        case "accept_then_500" | "refuse_then_500" | "lookup_500":
            return vendor.failure(int(lie.settings["status"]))
        case "accept_then_cut" | "refuse_then_cut":
            return _in(answer, Manner(cut="before"))
        case "accept_then_hang" | "refuse_then_hang":
            return _in(answer, Manner(delay=seconds, cut="before" if lie.kind.name == "refuse_then_hang" else ""))
        case "slow_headers":
            return _in(answer, Manner(drip="headers", over=seconds))
        case "slow_body":
            return _in(answer, Manner(drip="body", over=seconds))
        case "cut_body":
            return _in(answer, Manner(cut="midway"))
        case "drop_idle":
            return _in(answer, Manner(hang_up=True))
        case "truncated_json":
            return Answer(200, answer.body[: max(1, len(answer.body) // 2)], answer.type, answer.headers)
        case "html_200":
            return Answer(200, PAGE, "text/html; charset=utf-8")
        case "ok_200_with_error_body":
            return Answer(200, vendor.failure(500).body, "application/json")
        case _:
            return answer


def _in(answer: Answer, manner: Manner) -> Answer:
    return Answer(answer.status, answer.body, answer.type, answer.headers, manner)


def _date(instant: float) -> str:
    return format_datetime(datetime.fromtimestamp(instant, UTC), usegmt=True)
