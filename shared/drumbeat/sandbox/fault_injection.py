"""Carrying out a fault: how it changes the work, and how it changes the response."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

from drumbeat.sandbox.faults import Fault, Injection
from drumbeat.sandbox.http_messages import HttpResponse, Transmission
from drumbeat.sandbox.vendors.base import Vendor

CYCLED_FORMS = ("seconds", "decimals", "date", "zero", "negative", "absurd", "past_date", "missing")
SKIPS_WORK = {"refuse_then_500", "refuse_then_cut", "refuse_then_hang", "lookup_500"}
DECLINES = {"429", "denied"}

ODD_ID_TEXTS = {
    "nul": "a\0b",
    "surrogate": "half \ud800 of a letter",
    "long": "x" * 60_000,
    "address": "sent-to-ada@example.com",
}

ERROR_PAGE = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>One moment, please</h1></body></html>"
)


def does_work(injection: Injection) -> bool:
    """Return whether the provider carries out the request."""
    fault = injection.fault
    return fault is None or (fault.kind.name not in SKIPS_WORK | DECLINES and bool(fault.settings.get("accept", True)))


def is_declined(injection: Injection) -> bool:
    """Return whether the provider openly declines the request before any work."""
    return injection.wait_seconds > 0 or (injection.fault is not None and injection.fault.kind.name in DECLINES)


def declined_response(injection: Injection, vendor: Vendor, now: float) -> HttpResponse:
    """Return the open refusal: over the rate limit, or credentials denied."""
    if injection.fault is None or injection.wait_seconds > 0:
        return vendor.error_response(429, ("Retry-After", f"{max(1.0, injection.wait_seconds):.0f}"))
    if injection.fault.kind.name == "denied":
        return vendor.error_response(int(injection.fault.settings["status"]))
    return vendor.error_response(429, *retry_after(injection.fault, now))


def faulty_response(injection: Injection, response: HttpResponse, vendor: Vendor) -> HttpResponse:
    """Return the response as the fault changes it, later by the injected latency."""
    fault = injection.fault
    changed = response if fault is None else _changed(fault, response, vendor)
    if not injection.latency_seconds:
        return changed
    delay_seconds = injection.latency_seconds + changed.transmission.delay_seconds
    return replace(changed, transmission=replace(changed.transmission, delay_seconds=delay_seconds))


def retry_after(fault: Fault, now: float) -> tuple[tuple[str, str], ...]:
    """Return the Retry-After header in the form that the fault names; `cycle` takes each form in turn."""
    form, seconds = fault.settings["retry_after"], float(fault.settings["seconds"])
    if form == "cycle":
        form = CYCLED_FORMS[fault.times_injected % len(CYCLED_FORMS)]
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


def _changed(fault: Fault, response: HttpResponse, vendor: Vendor) -> HttpResponse:
    seconds = float(fault.settings.get("seconds", 0.0))
    match fault.kind.name:
        case "accept_then_500" | "refuse_then_500" | "lookup_500":
            return vendor.error_response(int(fault.settings["status"]))
        case "accept_then_cut" | "refuse_then_cut":
            return replace(response, transmission=Transmission(cut="before"))
        case "accept_then_hang":
            return replace(response, transmission=Transmission(delay_seconds=seconds))
        case "refuse_then_hang":
            return replace(response, transmission=Transmission(delay_seconds=seconds, cut="before"))
        case "slow_headers":
            return replace(response, transmission=Transmission(drip="headers", drip_seconds=seconds))
        case "slow_body":
            return replace(response, transmission=Transmission(drip="body", drip_seconds=seconds))
        case "cut_body":
            return replace(response, transmission=Transmission(cut="midway"))
        case "drop_idle":
            return replace(response, transmission=Transmission(close_afterwards=True))
        case "truncated_json":
            return HttpResponse(200, response.body[: max(1, len(response.body) // 2)], response.type, response.headers)
        case "html_200":
            return HttpResponse(200, ERROR_PAGE, "text/html; charset=utf-8")
        case "odd_id":
            return replace(response, body=_with_odd_id(response.body, fault))
        case "long_body":
            return replace(response, body=response.body.ljust(int(float(fault.settings["kib"]) * 1024)))
        case "ok_200_with_error_body":
            return HttpResponse(200, vendor.error_response(500).body, "application/json")
        case _:
            return response


def _with_odd_id(body: bytes, fault: Fault) -> bytes:
    """Replace each id in an answer; `cycle` takes each way of being unusable in turn."""
    form = fault.settings["form"]
    if form == "cycle":
        form = tuple(ODD_ID_TEXTS)[fault.times_injected % len(ODD_ID_TEXTS)]
    odd = json.dumps(ODD_ID_TEXTS[str(form)]).encode()
    return re.sub(rb'"(id|MessageID)": ?"[^"]*"', lambda found: b'"%b":%b' % (found[1], odd), body)


def _date(instant: float) -> str:
    return format_datetime(datetime.fromtimestamp(instant, UTC), usegmt=True)
