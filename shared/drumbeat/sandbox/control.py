"""The control API under /_sandbox/: read the record, inject faults, move the clock. JSON in, JSON out."""

import json
from collections.abc import Callable, Iterator, Mapping

from drumbeat.sandbox import feedback_control
from drumbeat.sandbox.actions import credential_label
from drumbeat.sandbox.command_body import command_body
from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.fault_kinds import FAULT_KINDS
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.record import Entry
from drumbeat.sandbox.sandbox import CONTROL, Sandbox

MAX_ITEMS, DEFAULT_ITEMS = 10_000, 100

HELP = {
    "GET /_sandbox/health": "alive, and on what clock",
    "GET /_sandbox/record": "?since=<unix time>&after=<number>&provider=&key=<key, effect, id or recipient>&limit=",
    "GET /_sandbox/counts": "how often each effect was really done; ?effects=0 for totals only",
    "GET /_sandbox/mail": "the accepted mail, newest first; ?q=<recipient, subject or marker>&limit=",
    "GET /_sandbox/contacts": "the contacts, with how often each was created and updated",
    "GET, POST, DELETE /_sandbox/lies[/{id}]": '{"lie": "accept_then_500", "provider": "mailgun", "rate": 0.05}',
    "POST /_sandbox/clock": '{"shift": <seconds ahead of the machine>} or {"advance": <seconds>}',
    "POST, DELETE /_sandbox/revoked": '{"credential": "..."}',
    "GET, POST /_sandbox/receivers": '{"account": "erp", "honour_keys": true, "secret": "whsec_..."}',
    **feedback_control.HELP,
}


def control(sandbox: Sandbox, request: HttpRequest) -> HttpResponse:
    """Answer one control request."""
    name, _, rest = request.path.removeprefix("/_sandbox").strip("/").partition("/")
    handle = HANDLERS.get((request.method, name))
    if handle is None:
        return json_response(404, {"error": f"{request.method} {request.path} is not here; these are", "calls": HELP})
    try:
        return handle(sandbox, request, rest)
    except (InvalidCommand, ValueError) as error:
        return json_response(400, {"error": str(error)})


def entries(sandbox: Sandbox, wanted: Mapping[str, str]) -> Iterator[Entry]:
    """Yield the record's entries that a query wants, oldest first; commands only when provider is `_sandbox`."""
    provider, key = wanted.get("provider"), wanted.get("key")
    since, after = float(wanted.get("since") or 0), int(wanted.get("after") or -1)
    sought = key.encode() if key and key.isascii() and not set(key) & set('"\\') else b""  # as written in a line
    for number in range(max(0, after + 1), len(sandbox.record)):
        line = sandbox.record.line(number)
        if sought not in line:
            continue
        entry: Entry = json.loads(line)
        if entry["at"] < since or (provider != entry["provider"] if provider else entry["provider"] == CONTROL):
            continue
        if key and not any(_names(item, key) for item in (entry, *entry.get("items", ()))):
            continue
        yield entry


def _names(item: Entry, key: str) -> bool:
    return key in (item.get("key"), item.get("effect"), item.get("id"), item.get("email"), *item.get("to", ()))


def _health(sandbox: Sandbox, _request: HttpRequest, _rest: str) -> HttpResponse:
    return json_response(
        200, {"ok": True, "now": sandbox.now(), "shift": sandbox.shift, "entries": len(sandbox.record)}
    )


def _record(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    limit = _limit(request.params)
    found: list[Entry] = []
    for entry in entries(sandbox, request.params):
        if len(found) == limit:
            return json_response(200, {"items": found, "next": found[-1]["n"]})
        found.append(entry)
    return json_response(200, {"items": found, "next": None})


def _counts(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    return json_response(200, sandbox.state.counts.to_json(effects=request.params.get("effects") != "0"))


def _mail(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    mailbox = sandbox.state.mailbox
    items: list[Entry] = []
    for mail in mailbox.newest_first(request.params.get("q", "")):
        if len(items) == _limit(request.params):
            break
        parameters = sandbox.state.content(mail)
        items.append({
            "n": mail.number, "at": mail.at, "provider": mail.provider, "account": mail.account, "id": mail.id,
            "to": list(mail.to), "from": mail.sender, "subject": mail.subject, "marker": mail.marker,
            "text": parameters.get("text"), "html": parameters.get("html"),
            "headers": parameters.get("headers") or {}, "copies": len(mailbox.copies(mail)),
            "lookalikes": len(mailbox.lookalikes(mail)),
        })  # fmt: skip
    return json_response(200, {"items": items, "total": len(mailbox.mails)})


def _contacts(sandbox: Sandbox, _request: HttpRequest, _rest: str) -> HttpResponse:
    items = [
        {"id": it.id, "account": it.account, "email": it.email, "properties": it.properties, "created": it.created,
         "updated": it.updated, "traces": it.traces}
        for it in sandbox.state.contacts
    ]  # fmt: skip
    return json_response(200, {"items": items})


def _list_faults(sandbox: Sandbox, _request: HttpRequest, _rest: str) -> HttpResponse:
    kinds = [
        {"lie": kind.name, "tells": kind.description, "on": kind.on, "settings": dict(kind.settings)}
        for kind in FAULT_KINDS.values()
    ]
    return json_response(200, {"items": sandbox.faults.to_json(sandbox.now() - sandbox.shift), "kinds": kinds})


def _add_fault(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    if rest == "clear":
        return _remove_faults(sandbox, request, "")
    number = sandbox.command("lie", command_body(request))
    shown = [fault for fault in sandbox.faults.to_json(sandbox.now() - sandbox.shift) if fault["id"] == number]
    return json_response(201, shown[0] if shown else {"id": number})


def _remove_faults(sandbox: Sandbox, _request: HttpRequest, rest: str) -> HttpResponse:
    before = len(sandbox.faults.to_json(0.0))
    sandbox.command("drop", {"id": int(rest) if rest else None})
    return json_response(200, {"dropped": before - len(sandbox.faults.to_json(0.0))})


def _clock(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    command = command_body(request)
    if "shift" in command:
        shift = float(command["shift"])
    elif "advance" in command:
        shift = sandbox.shift + float(command["advance"])
    else:
        raise InvalidCommand('say {"shift": seconds ahead of the machine} or {"advance": seconds}')
    if not abs(shift) < 1e9:
        raise InvalidCommand(f"a shift of {shift} seconds is out of range")
    sandbox.command("clock", {"shift": shift})
    return json_response(200, {"shift": sandbox.shift, "now": sandbox.now()})


def _revoke(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    return _set_credential(sandbox, request, "revoke")


def _restore(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    return _set_credential(sandbox, request, "restore")


def _set_credential(sandbox: Sandbox, request: HttpRequest, command: str) -> HttpResponse:
    credential = str(command_body(request).get("credential") or "")
    if not credential:
        raise InvalidCommand('say {"credential": "the key or token"}')
    sandbox.command(command, {"label": credential_label(credential)})
    return json_response(200, {"revoked": sandbox.revoked(credential), "account": credential_label(credential)})


def _receivers(sandbox: Sandbox, _request: HttpRequest, _rest: str) -> HttpResponse:
    return json_response(200, sandbox.state.calls.to_json())


def _receiver(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    command = command_body(request)
    if not 200 <= int(command.get("status", 200)) <= 599:
        raise InvalidCommand(f"status is between 200 and 599, not {command['status']}")
    sandbox.command("receiver", command | {"window": float(command.get("window", 86_400))})
    return json_response(200, sandbox.state.calls.to_json())


def _limit(params: Mapping[str, str]) -> int:
    return max(1, min(MAX_ITEMS, int(params.get("limit", DEFAULT_ITEMS))))


HANDLERS: Mapping[tuple[str, str], Callable[[Sandbox, HttpRequest, str], HttpResponse]] = {
    ("GET", "health"): _health,
    ("GET", "record"): _record,
    ("GET", "counts"): _counts,
    ("GET", "mail"): _mail,
    ("GET", "contacts"): _contacts,
    ("GET", "lies"): _list_faults,
    ("POST", "lies"): _add_fault,
    ("DELETE", "lies"): _remove_faults,
    ("POST", "clock"): _clock,
    ("POST", "revoked"): _revoke,
    ("DELETE", "revoked"): _restore,
    ("GET", "receivers"): _receivers,
    ("POST", "receivers"): _receiver,
    **feedback_control.HANDLERS,
}
