"""When a run reaches each person: a pure function of the campaign, how many people each zone has, and a few instants.

The people of a zone have it at the same local time, outside what is closed there. With a pace the zones queue in the
order of their instants, and each one's people are spread evenly over the time that so many take. Where a person stands
in it is said by the first four bytes of their key, which is a hash. So a database works it out for each, to the
microsecond:

    first_four = get_byte(key, 0) * 16777216::numeric + get_byte(key, 1) * 65536 + get_byte(key, 2) * 256
                 + get_byte(key, 3)                      -- Postgres reads << and | as one operator, from left to right
    offset = div(first_four * span, 4294967296)          -- microseconds; in Python: first_four * span >> 32

and what then falls into a closed time has its end. There the pace does not hold: what waited leaves at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drumbeat.calendar import OnGap, walltime
from drumbeat.calendar.open_hours import Interval, OpenHours, open_hours
from drumbeat.calendar.walltime import Kind
from drumbeat.calendar.zones import names, zone
from drumbeat.core.campaigns import Campaign
from drumbeat.core.steps import Limit

UNKNOWN = ""  # the zone of people who say none, or one that there is not: they have the campaign's fallback
NO_LOCAL_TIME = "no_local_time"  # why people are left out: their clock skips the time, and `on_gap` is skip
LONGEST_RUN = timedelta(days=60)
_MICROSECOND = timedelta(microseconds=1)


class TooSlow(ValueError):
    """At its pace a run would take longer than `LONGEST_RUN`."""

    def __init__(self, takes: timedelta) -> None:
        super().__init__(f"at this pace the run would take {takes.days} days, and {LONGEST_RUN.days} are the most")
        self.takes = takes


@dataclass(frozen=True, slots=True)
class ZoneTimes:
    """When the people of one zone are mailed: spread over `span` microseconds from `start` on, outside of `closed`."""

    zone: str  # as people say it, or UNKNOWN
    start: datetime  # UTC, as every instant here
    span: int
    closed: tuple[Interval, ...]
    left_out: str | None  # why none of them is mailed
    at: datetime  # when they would be, were there no pace and had the run begun in time: lateness counts from here


def moment(campaign: Campaign, scheduled_at: datetime | None, received_at: datetime) -> datetime:
    """Return for when a firing is: a local time without an offset, which is each zone's own, or one instant for all."""
    if scheduled_at is not None and campaign.is_by_recipient:
        return walltime.show(scheduled_at, zone(campaign.firing_zone)).replace(tzinfo=None)
    return (scheduled_at or received_at).astimezone(UTC)


def zone_of(campaign: Campaign, said: str) -> str:
    """Return the name of the zone that people have who say this one."""
    return said if said in names() else campaign.fallback_timezone


def run_times(
    campaign: Campaign, people: Mapping[str, int], when: datetime, *, not_before: datetime
) -> tuple[ZoneTimes, ...]:
    """Return when the people of each zone are mailed, the earliest zone first.

    `people` says how many there are by what they say of their zone; what is no zone, UNKNOWN among it, has the
    fallback. `when` is what `moment` returns. Nothing is due before `not_before`.

    Raises:
        TooSlow: it would take longer than `LONGEST_RUN`.
    """
    firsts = [_first(campaign, said, when, not_before.astimezone(UTC)) for said in people]
    times: list[ZoneTimes] = []
    begun = free = None
    for first in sorted(firsts, key=lambda each: (each.start, each.at, each.said)):
        span = _span(people[first.said], campaign.pace) if first.left_out is None else 0
        start = max(first.start, free) if free is not None and span else first.start
        end = start + span * _MICROSECOND
        if span:
            begun, free = begun or start, end
            if end - begun > LONGEST_RUN:
                raise TooSlow(end - begun)
        closed = first.hours.closed(start, end) if span else ()
        times.append(ZoneTimes(first.said, start, span, closed, first.left_out, first.at))
    return tuple(times)


def due(times: ZoneTimes, key: bytes) -> datetime:
    """Return when a contact of this key is mailed, by the times of their zone."""
    at = times.start + (int.from_bytes(key[:4]) * times.span >> 32) * _MICROSECOND
    return next((until for since, until in times.closed if since <= at < until), at)


@dataclass(frozen=True, slots=True)
class _First:
    """The earliest that people of a zone could be mailed."""

    said: str
    at: datetime
    start: datetime
    hours: OpenHours
    left_out: str | None


def _first(campaign: Campaign, said: str, when: datetime, not_before: datetime) -> _First:
    name = zone_of(campaign, said)
    instant, left_out = _instant(campaign, name, when)
    hours = open_hours(campaign, name, instant)
    return _First(said, hours.next(instant), hours.next(max(instant, not_before)), hours, left_out)


def _instant(campaign: Campaign, name: str, when: datetime) -> tuple[datetime, str | None]:
    """Return the instant that is meant in a zone, and why its people are left out, if they are."""
    if when.tzinfo is not None:
        return when.astimezone(UTC), None
    clock = zone(name)
    reading = walltime.read(when, clock)
    exists = reading.kind is not Kind.NEVER or (
        campaign.on_gap == OnGap.SHIFT and walltime.day_exists(when, reading.at, clock)
    )
    return reading.at, None if exists else NO_LOCAL_TIME


def _span(people: int, pace: Limit | None) -> int:
    """Return the microseconds that so many people take: rather more than less."""
    return -(-people * pace.period * 1_000_000 // pace.count) if pace else 0
