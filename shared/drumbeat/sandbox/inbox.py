"""The pages at `/`: received mail, contacts and calls, and the lies. They work without JavaScript."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from drumbeat.sandbox.fault_kinds import GROUPS, KINDS, RETRY_AFTER
from drumbeat.sandbox.fault_parser import PROVIDERS, BadOrder
from drumbeat.sandbox.http_messages import Answer, Inbound
from drumbeat.sandbox.mail_page import letter, row, trace
from drumbeat.sandbox.sandbox import CONTROL, Sandbox

FILES = Path(__file__).parent / "pages"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
ROWS, LATEST, SHOWN_CONTACTS = 50, 40, 100
VIEWS = (("html", "Mail"), ("text", "Text"), ("headers", "Headers"), ("record", "What happened"))
TILES = {"nothing": "did nothing"}
LABELS = {"retry_after": "Retry-After", "accept": "does the work", "per": "per seconds"}
JUMPS = (("+1 minute", 60), ("+30 minutes", 1800), ("+1 hour", 3600), ("+24 hours", 86_400), ("+4 days", 345_600))

POLICY = (
    "default-src 'none'; style-src 'self'{style}; script-src 'self'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))


def page(sandbox: Sandbox, request: Inbound) -> Answer:
    """Answer one page request."""
    first, _, rest = request.path.strip("/").partition("/")
    handle = PAGES.get((request.method.replace("HEAD", "GET"), first, bool(rest)))
    return handle(sandbox, request, rest) if handle else _lost(sandbox, request, rest)


def _inbox(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    return _mail_page(sandbox, request, None)


def _mail(sandbox: Sandbox, request: Inbound, rest: str) -> Answer:
    mails = sandbox.world.mailbox.mails
    if not rest.isdecimal() or int(rest) >= len(mails):
        return _lost(sandbox, request, rest)
    return _mail_page(sandbox, request, int(rest))


def _mail_page(sandbox: Sandbox, request: Inbound, place: int | None) -> Answer:
    world, now = sandbox.world, sandbox.now()
    mailbox = world.mailbox
    q, before = request.params.get("q", ""), request.params.get("before", "")
    found = []
    for mail in mailbox.newest_first(q, int(before) if before.isdecimal() else None):
        found.append(mail)
        if len(found) > ROWS:
            break
    opened = letter(world, mailbox.mails[place]) if place is not None else None
    views = dict(VIEWS)
    view = request.params.get("view", "html" if opened is None or opened.document else "text")
    kept = urlencode({name: value for name, value in (("q", q), ("before", before)) if value})
    return _render(
        sandbox, request, "inbox.html", "inbox", style=opened is not None, letter=opened, q=q,
        rows=[row(world, mail, now) for mail in found[:ROWS]],
        older=found[ROWS - 1].place if len(found) > ROWS else None, total=len(mailbox.mails),
        doubled=mailbox.doubled, tabs=VIEWS, view=view if view in views else "html",
        tail=f"?{kept}" if kept else "", more=f"&{kept}" if kept else "",
    )  # fmt: skip


def _activity(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    world = sandbox.world
    contacts = sorted(world.contacts, key=lambda contact: contact.updated_at, reverse=True)
    calls = [world.record.entry(number) for number in world.calls.numbers[: -LATEST - 1 : -1]]
    latest: list[dict[str, Any]] = []
    for number in reversed(range(len(world.record))):
        entry = world.record.entry(number)
        if entry["provider"] != CONTROL:
            latest.append(trace(entry))
        if len(latest) == LATEST:
            break
    totals = world.counts.shown(effects=False)
    tiles = [
        (TILES.get(name, name), totals["totals"][name])
        for name in ("requests", "accepted", "replayed", "refused", "nothing", "lookups")
    ]
    return _render(
        sandbox, request, "activity.html", "activity", contacts=contacts[:SHOWN_CONTACTS],
        hidden_contacts=max(0, len(contacts) - SHOWN_CONTACTS), latest=latest,
        calls=[trace(call) | {"body": call["asked"]["body"]} for call in calls],
        tiles=[*tiles, ("done twice", len(totals["twice"]))],
    )  # fmt: skip


def _lies(sandbox: Sandbox, request: Inbound, _rest: str, problem: str = "") -> Answer:
    lies = [_told(lie) for lie in sandbox.lies.shown(time.time())]
    groups = [(title, [KINDS[name] for name in names]) for title, names in GROUPS]
    return _render(
        sandbox, request, "faults.html", "lies", status=400 if problem else 200, lies=lies, groups=groups,
        problem=problem, providers=("*", *PROVIDERS), forms=RETRY_AFTER, jumps=JUMPS, labels=LABELS,
    )  # fmt: skip


def _told(lie: Mapping[str, Any]) -> dict[str, Any]:
    kind = KINDS[lie["lie"]]
    provider = "any provider" if lie["provider"] == "*" else lie["provider"]
    about = [provider, lie["account"], f"if it mentions {lie['match']}" if lie["match"] else None]
    return {
        "id": lie["id"], "name": kind.name, "about": ", ".join(part for part in about if part),
        "settings": " ".join(f"{name}={lie[name]:g}" if type(lie[name]) in (int, float) else f"{name}={lie[name]}"
                             for name in kind.settings),
        "share": f"{lie['rate'] * 100:g} %",
        "told": f"{lie['told']} of {lie['times']}" if lie["times"] is not None else lie["told"],
    }  # fmt: skip


def _set_lie(sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    fields = _fields(request)
    own = f"{fields.get('lie')}."
    order = {
        name.removeprefix(own): value
        for name, value in fields.items()
        if value and (name.startswith(own) or "." not in name)
    }
    try:
        sandbox.order("lie", order)
    except BadOrder as error:
        return _lies(sandbox, request, "", str(error))
    return _see("/lies")


def _change(sandbox: Sandbox, request: Inbound, rest: str) -> Answer:
    fields = _fields(request)
    try:
        if rest == "drop":
            sandbox.order("drop", {"id": int(fields["id"]) if "id" in fields else None})
        elif rest == "clock":
            shift = sandbox.shift + float(fields["advance"]) if "advance" in fields else float(fields["shift"])
            if abs(shift) < 1e9:
                sandbox.order("clock", {"shift": shift})
        else:
            return _lost(sandbox, request, rest)
    except (KeyError, ValueError) as error:
        return _lies(sandbox, request, "", f"a field is missing or no number: {error}")
    return _see("/lies")


def _file(sandbox: Sandbox, request: Inbound, rest: str) -> Answer:
    kind = TYPES.get(Path(rest).suffix)
    if kind is None or "/" in rest or not (FILES / rest).is_file():
        return _lost(sandbox, request, rest)
    return Answer(200, (FILES / rest).read_bytes(), kind, HEADERS)


def _lost(_sandbox: Sandbox, request: Inbound, _rest: str) -> Answer:
    text = f"There is no {request.method} {request.path} here. The inbox is at /, providers under /mailgun, /resend, "
    return Answer(404, (text + "/hubspot and /http, control under /_sandbox.\n").encode(), "text/plain; charset=utf-8")


def _see(place: str) -> Answer:
    return Answer(303, b"", "text/plain", (("Location", place), *HEADERS))


def _fields(request: Inbound) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}


def _render(
    sandbox: Sandbox,
    request: Inbound,
    name: str,
    here: str,
    *,
    style: bool = False,
    status: int = 200,
    **content: object,
) -> Answer:
    text = _template(name).render(
        here=here,
        entries=len(sandbox.record),
        telling=len(sandbox.lies.shown(time.time())),
        clock=time.strftime("%a %d %b, %H:%M", time.localtime(sandbox.now())),
        shift=_shift(sandbox.shift),
        url=f"http://{request.headers.get('host', '')}",
        **content,
    )
    # A mail's frame inherits this policy, and mail is styled inline; every other page needs no such leave.
    policy = ("Content-Security-Policy", POLICY.format(style=" 'unsafe-inline'" if style else ""))
    return Answer(status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", (policy, *HEADERS))


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


PAGES: Mapping[tuple[str, str, bool], Callable[[Sandbox, Inbound, str], Answer]] = {
    ("GET", "", False): _inbox,
    ("GET", "mail", True): _mail,
    ("GET", "activity", False): _activity,
    ("GET", "lies", False): _lies,
    ("POST", "lies", False): _set_lie,
    ("POST", "lies", True): _change,
    ("GET", "pages", True): _file,
}
