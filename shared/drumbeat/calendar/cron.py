"""cron(minutes hours day-of-month month day-of-week year), as EventBridge Scheduler reads it."""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

# Years that an expression may name.
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
FIRST, LAST = datetime(_FIRST_YEAR, 1, 1), datetime(_LAST_YEAR, 12, 31, 23, 59)

# The days of one month, rising.
type DayRule = Callable[[int, int], Iterable[int]]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY, _SUNDAY = 7, 1
_ONE_DAY = re.compile(r"([1-9][0-9]?)W")
_SPECIAL_WEEKDAY = re.compile(r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#([1-5]))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cron:
    """Local times, without a zone."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    months: tuple[int, ...]
    years: tuple[int, ...]

    def walls(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Yield the local times (naive, as the bounds are) from the first to the last, both inclusive, in order."""
        for day in self._dates(first.date(), last.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    wall = datetime(day.year, day.month, day.day, hour, minute)
                    if first <= wall <= last:
                        yield wall

    def _dates(self, first: date, last: date) -> Iterator[date]:
        for year in self.years:
            if not first.year <= year <= last.year:
                continue
            for month in self.months:
                if (first.year, first.month) <= (year, month) <= (last.year, last.month):
                    dates = (date(year, month, day) for day in self.days(year, month))
                    yield from (each for each in dates if first <= each <= last)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field that holds values, ranges and steps."""

    name: str
    least: int
    greatest: int
    names: Sequence[str] = ()
    steps: bool = True

    def read(self, text: str) -> tuple[int, ...]:
        """Return the values, rising. Raises ValueError."""
        return tuple(sorted({value for item in text.split(",") for value in self._item(text, item)}))

    def _item(self, text: str, item: str) -> range:
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        if slash and not self.steps:
            raise ValueError(f"cron(): {text} is no {self.name}; list the days, such as MON,WED,FRI")
        if base == "*":
            low, high = self.least, self.greatest
        else:
            low = self.number(first, text)
            # A start with a step goes on to the end of the field.
            high = self.number(last, text) if dash else self.greatest if slash else low
        if low > high:
            advice = f"write {first}-{self.spelled(self.greatest)},{self.spelled(self.least)}-{last}"
            raise ValueError(f"cron(): {text} is no {self.name}; a range rises: {advice}")
        return range(low, high + 1, self._step(step, text) if slash else 1)

    def number(self, text: str, whole: str) -> int:
        """Return the value of a number or name. Raises ValueError."""
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.least
        if text.isascii() and text.isdigit() and len(text) <= 4 and self.least <= int(text) <= self.greatest:
            return int(text)
        raise self.wrong(whole)

    def wrong(self, text: str) -> ValueError:
        """Return the error for what cannot be read."""
        named = f", or from {self.names[0]} to {self.names[-1]}" if self.names else ""
        return ValueError(f"cron(): {text} is no {self.name}; it goes from {self.least} to {self.greatest}{named}")

    def spelled(self, value: int) -> str:
        """Write a value by its name, if it has one."""
        return self.names[value - self.least] if self.names else str(value)

    def _step(self, text: str, whole: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= self.greatest):
            raise self.wrong(whole)
        return int(text)


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of week", 1, 7, _DAYS, steps=False)
_YEAR = _Field("year", _FIRST_YEAR, _LAST_YEAR)


def read(inside: str) -> Cron:
    """Read what stands between the parentheses. Raises ValueError, saying what to write."""
    parts = inside.split()
    if len(parts) != 6:
        raise ValueError(
            f"cron() has six fields, not {len(parts)}: minutes hours day-of-month month day-of-week year, such as"
            " cron(0 9 ? * MON *)"
        )
    minutes, hours, month_day, months, week_day, years = parts
    if (month_day == "?") == (week_day == "?"):
        raise ValueError("cron(): exactly one of day of month and day of week must be ?, such as cron(0 9 ? * MON *)")
    cron = Cron(
        minutes=_MINUTE.read(minutes),
        hours=_HOUR.read(hours),
        days=_month_days(month_day) if week_day == "?" else _week_days(week_day),
        months=_MONTH.read(months),
        years=_YEAR.read(years),
    )
    if next(cron.walls(FIRST, LAST), None) is None:
        raise ValueError(f"cron(): {month_day} {months} {years} is a day that never comes")
    return cron


def _month_days(text: str) -> DayRule:
    upper = text.upper()
    if upper == "L":
        return lambda year, month: (_length(year, month),)
    if upper == "LW":
        return lambda year, month: (_nearest_weekday(year, month, _length(year, month)),)
    if found := _ONE_DAY.fullmatch(upper):
        day = _DAY.number(found[1], text)
        return lambda year, month: (_nearest_weekday(year, month, day),) if day <= _length(year, month) else ()
    days = _DAY.read(text)
    return lambda year, month: (day for day in days if day <= _length(year, month))


def _week_days(text: str) -> DayRule:
    if text.upper() == "L":
        return _on({_SATURDAY})
    if found := _SPECIAL_WEEKDAY.fullmatch(text):
        on, nth = _on({_WEEKDAY.number(found[1], text)}), found[2]
        if nth is None:
            return lambda year, month: list(on(year, month))[-1:]
        place = int(nth)
        return lambda year, month: list(on(year, month))[place - 1 : place]
    return _on(set(_WEEKDAY.read(text)))


def _on(weekdays: set[int]) -> DayRule:
    """Give the days that fall on these weekdays; Sunday is 1."""

    def days(year: int, month: int) -> Iterator[int]:
        first = date(year, month, 1).isoweekday() % 7 + 1
        return (day for day in range(1, _length(year, month) + 1) if (first + day - 2) % 7 + 1 in weekdays)

    return days


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Return the Monday to Friday nearest to a day, without leaving its month."""
    weekday = date(year, month, day).isoweekday() % 7 + 1
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < _length(year, month) else day - 2
    return day


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]
