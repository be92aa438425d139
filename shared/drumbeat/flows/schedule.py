"""Schedule expressions, as EventBridge Scheduler reads them: cron(...), rate(...), at(...). Only their spelling."""

import re
from collections.abc import Sequence
from datetime import datetime

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([1-9][0-9]{0,5}) (minute|hour|day)(s?)")
# name, least, greatest, the names of values, what the field may hold besides lists, ranges and steps
_FIELDS: tuple[tuple[str, int, int, Sequence[str], str], ...] = (
    ("minutes", 0, 59, (), ""),
    ("hours", 0, 23, (), ""),
    ("day of month", 1, 31, (), r"\?|L|LW|[0-9]{1,2}W"),
    ("month", 1, 12, _MONTHS, ""),
    ("day of week", 1, 7, _DAYS, r"\?|L|[1-7]L|[1-7]#[1-5]|(SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])"),
    ("year", 1970, 2199, (), ""),
)


def check(expression: str) -> None:
    """Raise ValueError, saying what to write, when this is no schedule."""
    found = _EXPRESSION.fullmatch(expression)
    if not found:
        raise ValueError(
            "a schedule is cron(minutes hours day-of-month month day-of-week year), rate(1 day) or"
            " at(2030-01-31T09:00:00)"
        )
    kind, inside = found.groups()
    {"cron": _cron, "rate": _rate, "at": _at}[kind](inside)


def _at(inside: str) -> None:
    try:
        datetime.strptime(inside, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise ValueError("at() holds a local time such as at(2030-01-31T09:00:00)") from None


def _rate(inside: str) -> None:
    found = _RATE.fullmatch(inside)
    if not found:
        raise ValueError("rate() holds a number and a unit: rate(5 minutes), rate(1 hour), rate(2 days)")
    count, unit, plural = found.groups()
    if (count == "1") == bool(plural):
        raise ValueError(f"write rate({count} {unit}{'' if count == '1' else 's'})")


def _cron(inside: str) -> None:
    parts = inside.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"cron() has six fields, not {len(parts)}: minutes hours day-of-month month day-of-week year, such as"
            " cron(0 9 ? * MON *)"
        )
    for part, (name, least, greatest, names, special) in zip(parts, _FIELDS, strict=True):
        if not (special and re.fullmatch(special, part)) and not _is_values(part, least, greatest, names):
            raise ValueError(f"cron(): {part} is not a {name}; it goes from {least} to {greatest}")
    if (parts[2] == "?") == (parts[4] == "?"):
        raise ValueError("cron(): exactly one of day of month and day of week must be ?, such as cron(0 9 ? * MON *)")


def _is_values(part: str, least: int, greatest: int, names: Sequence[str]) -> bool:
    def number(text: str) -> int:
        if text.upper() in names:
            return names.index(text.upper()) + least
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else -1

    for item in part.split(","):
        base, slash, step = item.partition("/")
        if slash and not 1 <= number(step) <= greatest:
            return False
        first, dash, last = base.partition("-")
        if base == "*":
            continue
        bounds = [number(first), number(last)] if dash else [number(first)]
        if not all(least <= bound <= greatest for bound in bounds) or bounds != sorted(bounds):
            return False
    return True
