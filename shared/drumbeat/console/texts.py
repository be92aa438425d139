"""How values read on a page: numbers, instants, ages, ids, statuses. What varies by reader is left to the browser."""

import json
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from markupsafe import Markup

from drumbeat.calendar import zones

SHORT_DIGITS = 8  # of an id: so many tell any two of a million apart, nearly always; an id is found by its beginning
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
# status or state -> the colour of its badge
TONES: Mapping[str, str] = {
    **dict.fromkeys(("accepted", "done", "running", "finished", "given", "delivered", "ok", "sent"), "good"),
    **dict.fromkeys(("held", "attention", "stopped", "refused", "missed", "complained", "bounced", "failing"), "alarm"),
    **dict.fromkeys(("paused", "unknown", "awaiting_approval", "probing", "withdrawn", "pending"), "warn"),
    **dict.fromkeys(("waiting", "claimed", "sending", "planned", "expanding", "in_progress", "recorded"), "blue"),
}


def count(number: float | None) -> str:
    """Write a whole number; None is unknown."""
    return "?" if number is None else f"{number:,.0f}"


def span(seconds: float | None) -> str:
    """Write a length of time by its largest unit."""
    if seconds is None:
        return ""
    for size, unit in _SPANS:
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def moment(text: str | None) -> Markup:
    """Write an instant in UTC; a script shows it in the reader's zone."""
    return _time(text, "%Y-%m-%d %H:%M", "minute")


def second(text: str | None) -> Markup:
    """Write an instant to the second, as journals need it."""
    return _time(text, "%Y-%m-%d %H:%M:%S", "second")


def _time(text: str | None, form: str, exact_to: str) -> Markup:
    if not text:
        return Markup("")
    at = datetime.fromisoformat(text).astimezone(UTC)
    return Markup('<time class="{}" datetime="{}">{} UTC</time>').format(exact_to, text, at.strftime(form))


def clock_of(text: str | None, zone: str) -> str:
    """Write an instant by the clock of a zone, which it names; of a zone that is not known it says nothing."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text).astimezone(zones.zone(zone))
    except LookupError:
        return ""
    return f"{at:%a} {at.day} {at:%b %H:%M} {zone}"


def short(id: str) -> str:
    """Return how an id begins: enough to tell it from others."""
    return id[:SHORT_DIGITS]


def words(name: str | None) -> str:
    """Write a status, a state or a reason code as words."""
    return (name or "").replace("_", " ")


def badge(status: str | None) -> Markup:
    """Write a status or a state in its colour."""
    if not status:
        return Markup("")
    return Markup('<i class="badge {}">{}</i>').format(TONES.get(status, ""), words(status))


def path(text: object) -> str:
    """Return a text as one part of a path."""
    return quote(str(text), safe="")


def options(given: Mapping[str, str], *names: str) -> str:
    """Return what is given of these as options of a command; a shell acts on nothing in them, whatever they are."""
    found = [f" --{name.replace('_', '-')} {shlex.quote(given[name])}" for name in names if given.get(name)]
    return "".join(found)


def pretty(value: object, most: int = 20_000) -> str:
    """Write a value as it is read: a text as it is, anything else as JSON in lines; the beginning of a long one."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}\n… the first {most:,} of {len(text):,} characters"


FILTERS: Mapping[str, Callable[..., object]] = {
    "count": count,
    "span": span,
    "moment": moment,
    "second": second,
    "clock_of": clock_of,
    "short": short,
    "words": words,
    "badge": badge,
    "path": path,
    "pretty": pretty,
    "options": options,
}
