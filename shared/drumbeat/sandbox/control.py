"""The control API under /_sandbox/: read the record, set lies, move the clock. JSON in, JSON out."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from drumbeat.sandbox.actions import label
from drumbeat.sandbox.fault_kinds import KINDS
from drumbeat.sandbox.fault_parser import BadOrder
from drumbeat.sandbox.http_messages import Answer, Inbound, reply
from drumbeat.sandbox.record import Entry
from drumbeat.sandbox.sandbox import CONTROL, Sandbox

MAX_ITEMS, ITEMS = 10_000, 100

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
}


def control(sandbox: Sandbox, request: Inbound) -> Answer:
    """Answer one control request."""
    name, _, rest = request.path.removeprefix("/_sandbox").strip("/").partition("/")
    handle = HANDLERS.get((request.method, name))
    if handle is None:
        return reply(404, {"error": f"{request.method} {request.path} is not here; this is", "calls": HELP})
    try:
        return handle(sandbox, request, rest)
    except (BadOrder, ValueError) as error:
        return reply(400, {"error": str(error)})


def entries(sandbox: Sandbox, wanted: Mapping[str, str]) -> Iterator[Entry]:
    """Yield the record's entries that a query wants, oldest first; orders only when provider is `_sandbox`."""
    provider, key = wanted.get("provider"), wanted.get("key")
    since, after = float(wanted.get("since") or 0), int(wanted.get("after") or -1)
    sought = key.encode() if key and key.isascii() and not set(key) & set('"\\') else b""  # as it stands in a line
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


def _health(sandbox: Sandbox, _request: Inbound, _rest: str) -> Answer:
    return reply(200, {"ok": True, "now": sandbox.now(), "shift": sandbox.shift, "entries": len(sandbox.record)})


def _record(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    limit = _limit(request.params)
    found: list[Entry] = []
    for entry in entries(sandbox, request.params):
        if len(found) == limit:
            return reply(200, {"items": found, "next": found[-1]["n"]})
        found.append(entry)
    return reply(200, {"items": found, "next": None})


def _counts(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    return reply(200, sandbox.world.counts.shown(effects=request.params.get("effects") != "0"))


def _mail(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    mailbox = sandbox.world.mailbox
    items: list[Entry] = []
    for mail in mailbox.newest_first(request.params.get("q", "")):
        if len(items) == _limit(request.params):
            break
        asked = sandbox.world.content(mail)
        items.append({
            "n": mail.number, "at": mail.at, "provider": mail.provider, "account": mail.account, "id": mail.id,
            "to": list(mail.to), "from": mail.sender, "subject": mail.subject, "marker": mail.marker,
            "text": asked.get("text"), "html": asked.get("html"),
            "headers": asked.get("headers") or {}, "copies": len(mailbox.copies(mail)),
            "lookalikes": len(mailbox.lookalikes(mail)),
        })  # fmt: skip
    return reply(200, {"items": items, "total": len(mailbox.mails)})


def _contacts(sandbox: Sandbox, _request: Inbound, _rest: str) -> Answer:
    items = [
        {"id": it.id, "account": it.account, "email": it.email, "properties": it.properties, "created": it.created,
         "updated": it.updated, "traces": it.traces}
        for it in sandbox.world.contacts
    ]  # fmt: skip
    return reply(200, {"items": items})


def _lies(sandbox: Sandbox, _request: Inbound, _rest: str) -> Answer:
    kinds = [
        {"lie": kind.name, "tells": kind.tells, "on": kind.on, "settings": dict(kind.settings)}
        for kind in KINDS.values()
    ]
    return reply(200, {"items": sandbox.lies.shown(sandbox.now() - sandbox.shift), "kinds": kinds})


def _lie(sandbox: Sandbox, request: Inbound, rest: str) -> Answer:
    if rest == "clear":
        return _drop(sandbox, request, "")
    number = sandbox.order("lie", _content(request))
    shown = [lie for lie in sandbox.lies.shown(sandbox.now() - sandbox.shift) if lie["id"] == number]
    return reply(201, shown[0] if shown else {"id": number})


def _drop(sandbox: Sandbox, _request: Inbound, rest: str) -> Answer:
    before = len(sandbox.lies.shown(0.0))
    sandbox.order("drop", {"id": int(rest) if rest else None})
    return reply(200, {"dropped": before - len(sandbox.lies.shown(0.0))})


def _clock(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    order = _content(request)
    if "shift" in order:
        shift = float(order["shift"])
    elif "advance" in order:
        shift = sandbox.shift + float(order["advance"])
    else:
        raise BadOrder('say {"shift": seconds ahead of the machine} or {"advance": seconds}')
    if not abs(shift) < 1e9:
        raise BadOrder(f"a shift of {shift} seconds is out of range")
    sandbox.order("clock", {"shift": shift})
    return reply(200, {"shift": sandbox.shift, "now": sandbox.now()})


def _revoke(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    return _set_credential(sandbox, request, "revoke")


def _restore(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    return _set_credential(sandbox, request, "restore")


def _set_credential(sandbox: Sandbox, request: Inbound, order: str) -> Answer:
    credential = str(_content(request).get("credential") or "")
    if not credential:
        raise BadOrder('say {"credential": "the key or token"}')
    sandbox.order(order, {"label": label(credential)})
    return reply(200, {"revoked": sandbox.revoked(credential), "account": label(credential)})


def _receivers(sandbox: Sandbox, _request: Inbound, _rest: str) -> Answer:
    return reply(200, sandbox.world.calls.shown())


def _receiver(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    order = _content(request)
    if not 200 <= int(order.get("status", 200)) <= 599:
        raise BadOrder(f"status is between 200 and 599, not {order['status']}")
    sandbox.order("receiver", order | {"window": float(order.get("window", 86_400))})
    return reply(200, sandbox.world.calls.shown())


def _content(request: Inbound) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    content = request.json()
    if not isinstance(content, dict):
        raise BadOrder("the body is a JSON object")
    return content


def _limit(params: Mapping[str, str]) -> int:
    return max(1, min(MAX_ITEMS, int(params.get("limit", ITEMS))))


HANDLERS: Mapping[tuple[str, str], Callable[[Sandbox, Inbound, str], Answer]] = {
    ("GET", "health"): _health,
    ("GET", "record"): _record,
    ("GET", "counts"): _counts,
    ("GET", "mail"): _mail,
    ("GET", "contacts"): _contacts,
    ("GET", "lies"): _lies,
    ("POST", "lies"): _lie,
    ("DELETE", "lies"): _drop,
    ("POST", "clock"): _clock,
    ("POST", "revoked"): _revoke,
    ("DELETE", "revoked"): _restore,
    ("GET", "receivers"): _receivers,
    ("POST", "receivers"): _receiver,
}
