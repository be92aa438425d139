"""The pages at `/`: received mail, contacts and calls, and the faults. They work without JavaScript."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from drumbeat import console
from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.fault_kinds import FAULT_KINDS, GROUPS, RETRY_AFTER
from drumbeat.sandbox.front import Front
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.mail_page import list_row, mail_page, record_line
from drumbeat.sandbox.orders import order_of_mail
from drumbeat.sandbox.reporting import first_link
from drumbeat.sandbox.sandbox import CONTROL, Sandbox
from drumbeat.sandbox.vendors import registry

FILES = Path(__file__).parent / "pages"
SHARED = Path(console.__file__).parent / "static"  # one look for both
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
MAX_MAILS, MAX_REQUESTS, MAX_CONTACTS = 50, 40, 100
VIEWS = (("html", "Mail"), ("dark", "Dark"), ("text", "Text"), ("headers", "Headers"), ("record", "What happened"))
TILES = {"nothing": "did nothing"}
LABELS = {"retry_after": "Retry-After", "accept": "does the work", "per": "per seconds"}
CLOCK_STEPS = (("+1 minute", 60), ("+30 minutes", 1800), ("+1 hour", 3600), ("+24 hours", 86_400), ("+4 days", 345_600))

POLICY = (
    "default-src 'none'; style-src 'self'{style}; script-src 'self'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# With no-referrer a browser sends our own forms as from nowhere (Origin: null), and they would be refused.
HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"))


def page(sandbox: Sandbox, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
    """Answer one page request."""
    first, _, rest = request.path.strip("/").partition("/")
    handle = PAGES.get((request.method.replace("HEAD", "GET"), first, bool(rest)))
    return handle(sandbox, request, rest) if handle else _not_found(sandbox, request, rest)


def _inbox(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    return _mailbox_page(sandbox, request, None)


def _mail(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    mails = sandbox.state.mailbox.mails
    if not rest.isdecimal() or int(rest) >= len(mails):
        return _not_found(sandbox, request, rest)
    return _mailbox_page(sandbox, request, int(rest))


def _mailbox_page(sandbox: Sandbox, request: HttpRequest, index: int | None) -> HttpResponse:
    state, now = sandbox.state, sandbox.now()
    mailbox = state.mailbox
    q, before = request.params.get("q", ""), request.params.get("before", "")
    found = []
    for mail in mailbox.newest_first(q, int(before) if before.isdecimal() else None):
        found.append(mail)
        if len(found) > MAX_MAILS:
            break
    opened = mail_page(state, mailbox.mails[index], sandbox.front) if index is not None else None
    views = dict(VIEWS)
    view = request.params.get("view", "html" if opened is None or opened.document else "text")
    kept = urlencode({name: value for name, value in (("q", q), ("before", before)) if value})
    return _render(
        sandbox, request, "inbox.html", "inbox", style=opened is not None, mail_page=opened, q=q,
        rows=[list_row(state, mail, now) for mail in found[:MAX_MAILS]],
        older=found[MAX_MAILS - 1].index if len(found) > MAX_MAILS else None, total=len(mailbox.mails),
        doubled=mailbox.doubled, tabs=VIEWS, view=view if view in views else "html",
        tail=f"?{kept}" if kept else "", more=f"&{kept}" if kept else "",
        unsubscribed=None if index is None else sandbox.unsubscribed.get(index),
    )  # fmt: skip


def _act(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse | Awaitable[HttpResponse]:
    return _report(sandbox, request, rest) if rest.endswith("/report") else _unsubscribe(sandbox, request, rest)


def _report(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    place, _, action = rest.partition("/")
    mails = sandbox.state.mailbox.mails
    if action != "report" or not place.isdecimal() or int(place) >= len(mails):
        return _not_found(sandbox, request, rest)
    mail = mails[int(place)]
    link = first_link(sandbox.state, mail)
    try:
        order = order_of_mail(sandbox.state, mail, _fields(request).get("kind", ""), **({"link": link} if link else {}))
    except InvalidCommand as error:
        return HttpResponse(400, f"Nothing was reported: {error}.\n".encode(), "text/plain; charset=utf-8")
    sandbox.command("feedback", order)
    return _redirect(f"/mail/{place}")


def _unsubscribe(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse | Awaitable[HttpResponse]:
    place, _, action = rest.partition("/")
    mails, front = sandbox.state.mailbox.mails, sandbox.front
    if action != "unsubscribe" or not place.isdecimal() or int(place) >= len(mails) or front is None:
        return _not_found(sandbox, request, rest)
    url = front.unsubscribe_url(sandbox.state.content(mails[int(place)]))
    return _not_found(sandbox, request, rest) if url is None else _posted(sandbox, front, int(place), url)


async def _posted(sandbox: Sandbox, front: Front, index: int, url: str) -> HttpResponse:
    """Post in a thread: providers are answered meanwhile, and the stack may be asking one."""
    sandbox.unsubscribed[index] = await asyncio.to_thread(front.post_one_click, url)
    return _redirect(f"/mail/{index}")


def _activity(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    state = sandbox.state
    contacts = sorted(state.contacts, key=lambda contact: contact.updated_at, reverse=True)
    calls = [state.record.entry(number) for number in state.calls.numbers[: -MAX_REQUESTS - 1 : -1]]
    latest: list[dict[str, Any]] = []
    for number in reversed(range(len(state.record))):
        entry = state.record.entry(number)
        if entry["provider"] != CONTROL:
            latest.append(record_line(entry))
        if len(latest) == MAX_REQUESTS:
            break
    totals = state.counts.to_json(effects=False)
    tiles = [
        (TILES.get(name, name), totals["totals"][name])
        for name in ("requests", "accepted", "replayed", "refused", "nothing", "lookups")
    ]
    return _render(
        sandbox, request, "activity.html", "activity", contacts=contacts[:MAX_CONTACTS],
        hidden_contacts=max(0, len(contacts) - MAX_CONTACTS), latest=latest,
        calls=[record_line(call) | {"body": call["asked"]["body"]} for call in calls],
        tiles=[*tiles, ("done twice", len(totals["twice"]))],
    )  # fmt: skip


def _faults(sandbox: Sandbox, request: HttpRequest, _rest: str, problem: str = "") -> HttpResponse:
    faults = [_fault_row(fault) for fault in sandbox.faults.to_json(time.time())]
    groups = [(title, [FAULT_KINDS[name] for name in names]) for title, names in GROUPS]
    return _render(
        sandbox, request, "faults.html", "faults", status=400 if problem else 200, faults=faults, groups=groups,
        problem=problem, providers=("*", *registry.names()), forms=RETRY_AFTER, clock_steps=CLOCK_STEPS, labels=LABELS,
    )  # fmt: skip


def _fault_row(fault: Mapping[str, Any]) -> dict[str, Any]:
    kind = FAULT_KINDS[fault["lie"]]
    provider = "any provider" if fault["provider"] == "*" else fault["provider"]
    scope = [provider, fault["account"], f"that mention {fault['match']}" if fault["match"] else None]
    return {
        "id": fault["id"], "name": kind.name, "scope": ", ".join(part for part in scope if part),
        "settings": " ".join(f"{name}={fault[name]:g}" if type(fault[name]) in (int, float) else f"{name}={fault[name]}"
                             for name in kind.settings),
        "share": f"{fault['rate'] * 100:g} %",
        "times_injected": f"{fault['told']} of {fault['times']}" if fault["times"] is not None else fault["told"],
    }  # fmt: skip


def _add_fault(sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    fields = _fields(request)
    own = f"{fields.get('lie')}."
    command = {
        name.removeprefix(own): value
        for name, value in fields.items()
        if value and (name.startswith(own) or "." not in name)
    }
    try:
        sandbox.command("lie", command)
    except InvalidCommand as error:
        return _faults(sandbox, request, "", str(error))
    return _redirect("/lies")


def _change(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    fields = _fields(request)
    try:
        if rest == "drop":
            sandbox.command("drop", {"id": int(fields["id"]) if "id" in fields else None})
        elif rest == "clock":
            shift = sandbox.shift + float(fields["advance"]) if "advance" in fields else float(fields["shift"])
            if abs(shift) < 1e9:
                sandbox.command("clock", {"shift": shift})
        else:
            return _not_found(sandbox, request, rest)
    except (KeyError, ValueError) as error:
        return _faults(sandbox, request, "", f"a field is missing or no number: {error}")
    return _redirect("/lies")


def _file(sandbox: Sandbox, request: HttpRequest, rest: str) -> HttpResponse:
    kind = TYPES.get(Path(rest).suffix)
    found = [folder / rest for folder in (FILES, SHARED) if (folder / rest).is_file()]
    if kind is None or "/" in rest or not found:
        return _not_found(sandbox, request, rest)
    return HttpResponse(200, found[0].read_bytes(), kind, HEADERS)


def _not_found(_sandbox: Sandbox, request: HttpRequest, _rest: str) -> HttpResponse:
    vendors = ", ".join(f"/{name}" for name in registry.names())
    text = (
        f"There is no {request.method} {request.path} here. The inbox is at /, providers under {vendors}, "
        f"control under /{CONTROL}.\n"
    )
    return HttpResponse(404, text.encode(), "text/plain; charset=utf-8")


def _redirect(path: str) -> HttpResponse:
    return HttpResponse(303, b"", "text/plain", (("Location", path), *HEADERS))


def _fields(request: HttpRequest) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}


def _render(
    sandbox: Sandbox,
    request: HttpRequest,
    name: str,
    here: str,
    *,
    style: bool = False,
    status: int = 200,
    **content: object,
) -> HttpResponse:
    text = _template(name).render(
        here=here,
        entries=len(sandbox.record),
        active_faults=len(sandbox.faults.to_json(time.time())),
        clock=time.strftime("%a %d %b, %H:%M", time.localtime(sandbox.now())),
        shift=_shift(sandbox.shift),
        url=f"http://{request.headers.get('host', '')}",
        **content,
    )
    # A mail's frame inherits this policy, and mail is styled inline; every other page needs no such permission.
    policy = ("Content-Security-Policy", POLICY.format(style=" 'unsafe-inline'" if style else ""))
    return HttpResponse(status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", (policy, *HEADERS))


def _shift(seconds: float) -> str:
    if not seconds:
        return ""
    size = abs(seconds)
    unit, name = next(
        ((unit, name) for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")) if size >= unit), (1, "s")
    )
    return f"{'+' if seconds > 0 else '−'}{round(size / unit, 1):g} {name}"


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(FILES)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


type Answer = HttpResponse | Awaitable[HttpResponse]

PAGES: Mapping[tuple[str, str, bool], Callable[[Sandbox, HttpRequest, str], Answer]] = {
    ("GET", "", False): _inbox,
    ("GET", "mail", True): _mail,
    ("POST", "mail", True): _act,
    ("GET", "activity", False): _activity,
    ("GET", "lies", False): _faults,
    ("POST", "lies", False): _add_fault,
    ("POST", "lies", True): _change,
    ("GET", "pages", True): _file,
}
