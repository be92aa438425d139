"""Schedule expressions as EventBridge Scheduler spells them: cron(...), rate(...), at(...)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat.calendar import cron
from drumbeat.calendar.cron import FIRST, LAST, Cron

_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE = re.compile(r"([1-9][0-9]{0,5}) (minute|hour|day)(s?)")
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Rate:
    """Again and again after the same time; a day is 24 hours."""

    period: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """One local time."""

    wall: datetime  # naive


type Expression = Cron | Rate | At


def parse(text: str) -> Expression:
    """Read an expression. Raises ValueError, saying what to write."""
    found = _EXPRESSION.fullmatch(text)
    if not found:
        raise ValueError(
            "a schedule is cron(minutes hours day-of-month month day-of-week year), rate(1 day) or"
            " at(2030-01-31T09:00:00)"
        )
    kind, inside = found.groups()
    match kind:
        case "cron":
            return cron.read(inside)
        case "rate":
            return _rate(inside)
        case _:
            return _at(inside)


def _at(inside: str) -> At:
    try:
        if not _AT.fullmatch(inside):
            raise ValueError
        wall = datetime.fromisoformat(inside)
    except ValueError:
        raise ValueError("at() holds a local time such as at(2030-01-31T09:00:00)") from None
    if not FIRST.year <= wall.year <= LAST.year:
        raise ValueError(f"at() holds a year from {FIRST.year} to {LAST.year}")
    return At(wall)


def _rate(inside: str) -> Rate:
    found = _RATE.fullmatch(inside)
    if not found:
        raise ValueError("rate() holds a number and a unit: rate(5 minutes), rate(1 hour), rate(2 days)")
    count, unit, plural = found.groups()
    if (count == "1") == bool(plural):
        raise ValueError(f"write rate({count} {unit}{'' if count == '1' else 's'})")
    return Rate(timedelta(**{f"{unit}s": int(count)}))
