"""From a local time to the instants at which a clock shows it: none, one, or two.

Only conversions from UTC are taken from the zone. In the other direction `zoneinfo` is wrong by an hour near the last
transition of a few zones, where their rules changed at the very moment of a transition (America/Nuuk, October 2023).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)  # no clock is further from UTC, and none was moved twice within two of them


class Kind(StrEnum):
    """How often a wall shows a time."""

    ONCE = "once"
    TWICE = "twice"  # the clock goes back over it
    NEVER = "never"  # the clock goes forward over it


@dataclass(frozen=True, slots=True)
class Reading:
    """`at`: the first instant at which the wall shows the time or a later one; UTC."""

    kind: Kind
    at: datetime


def show(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock in the zone shows at an instant, with its offset from UTC."""
    shown = _shown(at, zone)
    return shown.replace(tzinfo=timezone(shown.replace(tzinfo=UTC) - at))


def read(wall: datetime, zone: ZoneInfo) -> Reading:
    """Return the first instant at which a clock in the zone shows `wall` (naive) or a later time.

    Of a time that comes twice that is its first coming; for one that never comes, the end of the gap.
    """
    as_utc = wall.replace(tzinfo=UTC)
    before, after = (_shown(at, zone).replace(tzinfo=UTC) - at for at in (as_utc - DAY, as_utc + DAY))
    if before == after:
        return Reading(Kind.ONCE, as_utc - before)
    comings = sorted(at for at in (as_utc - before, as_utc - after) if _shown(at, zone) == wall)
    if comings:
        return Reading(Kind.TWICE if len(comings) == 2 else Kind.ONCE, comings[0])
    return Reading(Kind.NEVER, _gap_end(wall, zone, as_utc - after, as_utc - before))


def day_exists(wall: datetime, gap_end: datetime, zone: ZoneInfo) -> bool:
    """Return whether some part of the date of `wall`, which lies in the gap that ends at `gap_end`, exists.

    When an island crosses the date line, a whole day is left out.
    """
    return any(_shown(edge, zone).date() == wall.date() for edge in (gap_end - SECOND, gap_end))


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _gap_end(wall: datetime, zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Search between an instant before the gap and one at or after its end; transitions are at whole seconds."""
    while high - low > SECOND:
        middle = low + (high - low) // 2 // SECOND * SECOND
        if _shown(middle, zone) >= wall:
            high = middle
        else:
            low = middle
    return high
