"""The control API's part about reports: where webhooks go, reports on order, and what was reported."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drumbeat.sandbox.command_body import command_body
from drumbeat.sandbox.destinations import parse
from drumbeat.sandbox.feedback import Report
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.orders import parse_order, places_of
from drumbeat.sandbox.sandbox import Sandbox

MAX_REPORTS, DEFAULT_REPORTS = 10_000, 100

HELP = {
    "GET, POST, DELETE /_sandbox/webhooks[/{id}]": '{"provider": "mailgun", "account": "mg.example.com", '
    '"url": "http://127.0.0.1:8787/v1/webhooks/mailgun", "secret": "...", "topic": "arn:... (ses)"}',
    "GET /_sandbox/feedback": "reported and waiting, newest first; ?provider=&key=<key or id>&state=&limit=",
    "POST /_sandbox/feedback": '{"provider": "mailgun", "key": "<key>", "kind": "bounced", "times": 1, "after": 0}',
}


def shown(sandbox: Sandbox, report: Report) -> dict[str, Any]:
    """Return a report as the control API shows it; without a kind it asks to confirm a subscription."""
    facts: dict[str, Any] = {
        "report": report.number, "webhook": report.destination, "state": report.state, "due": report.due,
        "tries": report.tries, "status": report.status, "told_at": report.told_at, "copy": report.copy,
    }  # fmt: skip
    if report.occurrence is None:
        return facts | {"kind": None}
    sent, occurrence = sandbox.state.feedback.sent(report), report.occurrence
    return facts | {
        "kind": occurrence.kind, "provider": sent.provider, "account": sent.account, "id": sent.id, "key": sent.key,
        "to": occurrence.recipient, "at": occurrence.at,
    }  # fmt: skip


def _webhooks(sandbox: Sandbox, _request: HttpRequest, _rest: str) -> HttpResponse:
    return json_response(200, {"items": sandbox.state.feedback.destinations.to_json()})


def _add_webhook(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    """Register; one that is no different is left as it is, and asked to confirm again where it has not yet."""
    command, kept = command_body(request), sandbox.state.feedback.destinations
    same = kept.same(parse(len(sandbox.record), command))
    if same is not None and same.confirmed:
        return json_response(200, _webhook(sandbox, same.number))
    number = sandbox.command("webhook", command)
    return json_response(201, _webhook(sandbox, same.number if same is not None else number))


def _webhook(sandbox: Sandbox, number: int) -> dict[str, Any]:
    return next(one for one in sandbox.state.feedback.destinations.to_json() if one["id"] == number)


def _remove_webhooks(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    destinations = sandbox.state.feedback.destinations
    provider, account = request.params.get("provider"), request.params.get("account")
    gone = [
        one.number
        for one in destinations
        if (not rest or rest == str(one.number)) and provider in (None, one.provider) and account in (None, one.account)
    ]
    for number in gone:
        sandbox.command("webhook_removed", {"id": number})
    return json_response(200, {"removed": len(gone)})


def _reports(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    wanted = request.params
    limit = max(1, min(MAX_REPORTS, int(wanted.get("limit", DEFAULT_REPORTS))))
    items: list[dict[str, Any]] = []
    for report in _newest_first(sandbox, wanted):
        if len(items) == limit:
            break
        if wanted.get("state") not in (None, report.state):
            continue
        one = shown(sandbox, report)
        if wanted.get("provider") in (None, one.get("provider")):
            items.append(one)
    return json_response(200, {"items": items, "next_due": sandbox.state.feedback.next_at()})


def _newest_first(sandbox: Sandbox, wanted: Mapping[str, str]) -> Iterable[Report]:
    feedback = sandbox.state.feedback
    if "key" not in wanted:
        return reversed(feedback.reports.values())
    places = places_of(sandbox.state, wanted.get("provider", ""), wanted["key"])
    found = [report for place in places for report in feedback.of(*place)]
    return sorted(found, key=lambda report: report.number, reverse=True)


def _order(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    number = sandbox.command("feedback", parse_order(sandbox.state, command_body(request)))
    made = sandbox.state.feedback.ordered(number)
    return json_response(201, {"items": [shown(sandbox, report) for report in made]})


HANDLERS: Mapping[tuple[str, str], Callable[[Sandbox, HttpRequest, str], HttpResponse]] = {
    ("GET", "webhooks"): _webhooks,
    ("POST", "webhooks"): _add_webhook,
    ("DELETE", "webhooks"): _remove_webhooks,
    ("GET", "feedback"): _reports,
    ("POST", "feedback"): _order,
}
