"""When a schedule fires: a schedule expression in a time zone, as instants. Pure; no clock is read.

The rule of EventBridge Scheduler: a local time that does not exist is skipped, one that comes twice fires once. Ours
differs in one option: with `shift`, a time that does not exist fires at the end of the gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from drumbeat.calendar import walltime
from drumbeat.calendar.cron import FIRST, LAST, Cron
from drumbeat.calendar.expression import At, Rate, parse
from drumbeat.calendar.walltime import Kind
from drumbeat.calendar.zones import zone

__all__ = ["DAYS", "EPOCH", "Calendar", "Occurrence", "OnGap", "parse", "zone"]

# What a rate counts from: a fixed instant, so that applying a configuration again moves nothing.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The first and the last local date that a calendar covers.
DAYS = (FIRST.date(), LAST.date())

_TICK = timedelta(microseconds=1)


class OnGap(StrEnum):
    """What happens to a local time that the clock skips."""

    SHIFT = "shift"  # fires once that day, at the first instant after the gap
    SKIP = "skip"  # does not fire that day: AWS's rule


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that an expression names. `at` is when it fires, in UTC; None when it is skipped."""

    wall: datetime  # naive: the local time that the expression names
    at: datetime | None
    local: datetime | None  # `at` in the zone, with its offset
    kind: Kind = Kind.ONCE

    @property
    def note(self) -> str | None:
        """Say what is special about it."""
        match self.kind:
            case Kind.TWICE:
                return f"{self.wall:%H:%M} comes twice on this day: it fires the first time"
            case Kind.NEVER if self.local is None:
                return f"{self.wall:%Y-%m-%d %H:%M} does not exist: skipped"
            case Kind.NEVER:
                return f"{self.wall:%Y-%m-%d %H:%M} does not exist: it fires at {self.local:%H:%M}"
            case _:
                return None


class Calendar:
    """The instants of one schedule. The same arguments give the same instants on every machine."""

    def __init__(self, expression: str, timezone: str, on_gap: str = OnGap.SHIFT, *, start: datetime = EPOCH) -> None:
        """`start` is what a rate counts from.

        Raises:
            ValueError: the expression or `on_gap` is not valid. LookupError: there is no such time zone.
        """
        self._expression = parse(expression)
        self._zone = zone(timezone)
        self._on_gap = OnGap(on_gap)
        self._start = start

    def between(self, first: datetime, last: datetime) -> Iterator[Occurrence]:
        """Yield what fires in these instants, both inclusive, each instant once, in order."""
        for occurrence in self._from(first):
            if occurrence.at is not None and occurrence.at > last:
                return
            if occurrence.at is not None and occurrence.at >= first:
                yield occurrence

    def after(self, instant: datetime) -> Occurrence | None:
        """Return the next to fire after an instant; None when none follows."""
        return next((each for each in self._from(instant) if each.at is not None and each.at > instant), None)

    def on(self, first: date, last: date) -> Iterator[Occurrence]:
        """Yield what these local dates, both inclusive, name; what is skipped too."""
        if isinstance(self._expression, Rate):
            midnights = (datetime.combine(day, time()) for day in (first, last + timedelta(days=1)))
            lower, upper = (walltime.read(midnight, self._zone).at for midnight in midnights)
            return self.between(lower, upper - _TICK)
        return self._read(self._walls(datetime.combine(first, time()), datetime.combine(last, time.max)))

    def _from(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield from an instant on, and perhaps a little before."""
        if isinstance(self._expression, Rate):
            return self._beats(self._expression.period, instant)
        # A time that the wall has shown already fired no later than that.
        shown = walltime.show(instant - _TICK, self._zone).replace(tzinfo=None)
        return self._read(self._walls(shown, LAST))

    def _walls(self, first: datetime, last: datetime) -> Iterator[datetime]:
        match self._expression:
            case Cron() as cron:
                return cron.walls(first, last)
            case At(wall):
                return iter([wall] if first <= wall <= last else [])
            case _:
                return iter(())  # a rate names no local times

    def _beats(self, period: timedelta, instant: datetime) -> Iterator[Occurrence]:
        at = self._start + max(0, -((self._start - instant) // period)) * period
        while (local := walltime.show(at, self._zone)).year <= LAST.year:
            yield Occurrence(local.replace(tzinfo=None), at, local)
            at += period

    def _read(self, walls: Iterator[datetime]) -> Iterator[Occurrence]:
        before: datetime | None = None
        for wall in walls:
            reading = walltime.read(wall, self._zone)
            if reading.kind is Kind.NEVER and not self._shifts(wall, reading.at):
                yield Occurrence(wall, None, None, Kind.NEVER)
            elif reading.at != before:  # several times in one gap end at the same instant
                yield Occurrence(wall, reading.at, walltime.show(reading.at, self._zone), reading.kind)
                before = reading.at

    def _shifts(self, wall: datetime, gap_end: datetime) -> bool:
        return self._on_gap is OnGap.SHIFT and walltime.day_exists(wall, gap_end, self._zone)
