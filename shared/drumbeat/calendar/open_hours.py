"""When people of a zone are not mailed: in its quiet hours, and on its weekends. Pure; no clock is read.

What counts is what the clocks on their walls show. Between two changes of those a time on the wall is the instant plus
a constant, so the closed times are worked out there, and put together again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drumbeat.calendar import walltime
from drumbeat.calendar.walltime import DAY, SECOND
from drumbeat.calendar.zones import zone
from drumbeat.core.campaigns import Campaign, QuietHours

# Longer is nothing closed: quiet hours that leave a minute a day, around a weekend, where that minute does not exist.
LONGEST_CLOSED = timedelta(days=8)
_SATURDAY = 5
_WEEKEND = timedelta(days=2)

type Interval = tuple[datetime, datetime]  # from the first on, and before the second


@dataclass(frozen=True, slots=True)
class OpenHours:
    """When one zone's people may be mailed. What falls on a weekend waits for Monday, until `monday` o'clock."""

    zone: ZoneInfo
    quiet: QuietHours | None
    business_days: bool
    monday: timedelta = timedelta()

    def closed(self, first: datetime, last: datetime) -> tuple[Interval, ...]:
        """Return the closed times that touch these instants, both inclusive, each as long as it is; in order; UTC."""
        if self.quiet is None and not self.business_days:
            return ()
        found = _merged(
            (max(since, begin), min(until, end))
            for begin, end, offset in _segments(self.zone, first - LONGEST_CLOSED, last + LONGEST_CLOSED)
            for since, until in self._on_walls(begin, end, offset)
            if since < end and until > begin
        )
        return tuple((since, until) for since, until in found if since <= last and until > first)

    def next(self, instant: datetime) -> datetime:
        """Return the first instant from this one on that is not closed; UTC."""
        at = instant.astimezone(UTC)
        if self._is_open(at):  # as almost always, and it is asked for each mail
            return at
        return next(until for since, until in self.closed(at, at) if since <= at < until)

    def _is_open(self, instant: datetime) -> bool:
        time, weekday = _time_of_day(instant, self.zone)
        if self.business_days and (weekday >= _SATURDAY or (weekday == 0 and time < self.monday)):
            return False
        if self.quiet is None:
            return True
        begin, end = (timedelta(minutes=each) for each in self.quiet)
        return not begin <= time < end if begin < end else end <= time < begin

    def _on_walls(self, begin: datetime, end: datetime, offset: timedelta) -> Iterator[Interval]:
        """Yield what is closed by a clock of one offset around two instants."""
        day = (
            (begin + offset).replace(hour=0, minute=0, second=0, microsecond=0)
        ) - 3 * DAY  # a weekend may have begun
        while day - offset < end:
            if self.quiet is not None:
                since, until = (day + timedelta(minutes=each) for each in self.quiet)
                yield since - offset, (until if until > since else until + DAY) - offset
            if self.business_days and day.weekday() == _SATURDAY:
                yield day - offset, day + _WEEKEND + self.monday - offset
            day += DAY


def open_hours(campaign: Campaign, name: str, instant: datetime) -> OpenHours:
    """Return when people of a zone may be mailed by a campaign that would reach them at this instant.

    On a weekend that is at the same time on Monday; where quiet hours are in the way, at their end.
    """
    clock = zone(name)
    if not campaign.business_days:
        return OpenHours(clock, campaign.quiet_hours, business_days=False)
    awake = OpenHours(clock, campaign.quiet_hours, business_days=False).next(instant)
    return OpenHours(clock, campaign.quiet_hours, business_days=True, monday=_time_of_day(awake, clock)[0])


def next_allowed(campaign: Campaign, name: str, instant: datetime) -> datetime:
    """Return when a person of a zone may be mailed who is not before an instant: at it, where nothing is closed."""
    return open_hours(campaign, name, instant).next(instant)


def _time_of_day(instant: datetime, clock: ZoneInfo) -> tuple[timedelta, int]:
    """Return the time since midnight that the clock shows, and the day of the week; 0 is Monday."""
    shown = walltime.show(instant, clock).replace(tzinfo=None)
    return shown - datetime.combine(shown.date(), time()), shown.weekday()


def _segments(clock: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield the times in which the clock keeps its offset from UTC, from one instant to beyond another."""
    begin = at = first
    offset = _offset(at, clock)
    while at <= last:
        following = at + DAY  # no clock was moved twice within two
        if (later := _offset(following, clock)) != offset:
            change = _change(at, following, offset, clock)
            yield begin, change, offset
            begin, offset = change, later
        at = following
    yield begin, at, offset


def _change(low: datetime, high: datetime, offset: timedelta, clock: ZoneInfo) -> datetime:
    """Return the instant at which the clock leaves an offset: after `low`, and at or before `high`; a whole second."""
    low, high = low.replace(microsecond=0), high.replace(microsecond=0) + SECOND
    while high - low > SECOND:
        middle = low + (high - low) // 2 // SECOND * SECOND
        low, high = (middle, high) if _offset(middle, clock) == offset else (low, middle)
    return high


def _offset(instant: datetime, clock: ZoneInfo) -> timedelta:
    return walltime.show(instant, clock).replace(tzinfo=UTC) - instant


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for since, until in sorted(intervals):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged
