"""A schedule in words, where there are words for it: `cron(0 9 ? * MON *)` is "Mondays at 09:00"."""

import re

_EXPRESSION = re.compile(r"(cron|rate|at)\((.*)\)")
_DAYS = {
    "SUN": "Sundays",
    "MON": "Mondays",
    "TUE": "Tuesdays",
    "WED": "Wednesdays",
    "THU": "Thursdays",
    "FRI": "Fridays",
    "SAT": "Saturdays",
}
_BY_NUMBER = dict(enumerate(_DAYS, 1))
_DAILY = "daily"
_WEEKDAYS = ("MON-FRI", "2-6")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDINALS = {"1": "st", "2": "nd", "3": "rd", "21": "st", "22": "nd", "23": "rd", "31": "st"}
_PLACES = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth"}
_NUMBER = re.compile("[0-9]{1,4}", re.ASCII)
_NTH = re.compile("([1-7]|[A-Z]{3})#([1-5])")
_LAST = re.compile("([1-7]|[A-Z]{3})L")


def in_words(expression: str) -> str | None:
    """Return a valid expression in words; None: there are none that are shorter than itself."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        return None
    kind, inside = found.groups()
    match kind:
        case "rate":
            number, _, unit = inside.partition(" ")
            return f"every {unit.removesuffix('s')}" if number == "1" else f"every {inside}"
        case "at":
            return f"once, {inside.replace('T', ' at ').removesuffix(':00')}"
    return _cron(*inside.upper().split())


def _cron(minute: str, hour: str, day: str, month: str, weekday: str, year: str) -> str | None:
    at, on = _time(minute, hour), _day(day, weekday)
    names = [_month(each) for each in month.split(",")] if month != "*" else []
    if at is None or on is None or None in names:
        return None
    within = ", ".join(filter(None, names))
    if on.startswith("the "):
        on += f" of {within or 'each month'}"
    elif within:
        on += f" in {within}"
    words = at if on == _DAILY and at.startswith("every") else f"{on} {at}"
    return words if year == "*" else f"{words}, in {year}"


def _time(minute: str, hour: str) -> str | None:
    if not _NUMBER.fullmatch(minute):
        step = minute.removeprefix("*/").removeprefix("0/")
        is_each = hour == "*" and minute != step and _NUMBER.fullmatch(step)
        return f"every {step} minutes" if is_each else "every minute" if (minute, hour) == ("*", "*") else None
    if hour == "*":
        return f"every hour at :{int(minute):02}"
    hours = hour.split(",")
    if not all(map(_NUMBER.fullmatch, hours)):
        return None
    return "at " + ", ".join(f"{int(each):02}:{int(minute):02}" for each in hours)


def _day(day: str, weekday: str) -> str | None:
    if day in ("*", "?") and weekday in ("*", "?"):
        return _DAILY
    if weekday == "?":
        return _of_month(day)
    if weekday in _WEEKDAYS:
        return "Monday to Friday"
    if (nth := _NTH.fullmatch(weekday)) and (name := _weekday(nth[1])):
        return f"the {_PLACES[nth[2]]} {name.removesuffix('s')}"
    if (last := _LAST.fullmatch(weekday)) and (name := _weekday(last[1])):
        return f"the last {name.removesuffix('s')}"
    names = [_weekday(each) for each in weekday.split(",")]
    return None if None in names else ", ".join(filter(None, names))


def _of_month(day: str) -> str | None:
    if day == "L":
        return "the last day"
    days = day.split(",")
    if not all(map(_NUMBER.fullmatch, days)):
        return None
    return "the " + ", ".join(f"{int(each)}{_ORDINALS.get(str(int(each)), 'th')}" for each in days)


def _weekday(text: str) -> str | None:
    return _DAYS.get(_BY_NUMBER.get(int(text), "") if _NUMBER.fullmatch(text) else text)


def _month(text: str) -> str | None:
    if _NUMBER.fullmatch(text):
        return _MONTHS[int(text) - 1]
    return text.capitalize() if text.capitalize() in _MONTHS else None
