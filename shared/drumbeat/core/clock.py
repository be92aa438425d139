"""The one clock of the Python side.

Instants that decide anything are the database's (`drumbeat_now()`); this clock serves signatures, tokens and the
deadlines of single calls.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Leases follow the database's clock, signatures and tokens ours: a larger difference between two clocks is an error.
MAX_CLOCK_SKEW_SECONDS = 30.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970: exact, and as `microseconds` in the ledger."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(number: int) -> datetime:
    """Return the instant so many microseconds after 1970. Raises OverflowError beyond the calendar."""
    return _EPOCH + timedelta(microseconds=number)


def in_order(now: datetime, count: int) -> Iterator[datetime]:
    """Yield an instant for each of so many things that came together, a microsecond apart and before now.

    So of two about one person the later is the newer.
    """
    return (now - back * timedelta.resolution for back in range(count, 0, -1))


class Clock(Protocol):
    """The time, as code reads it and tests replace it."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        ...

    def elapsed(self) -> float:
        """Return seconds on a clock that never jumps and that goes on while the machine sleeps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock, moved by a fixed offset (zero in production)."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Return the machine's UTC time plus the offset."""
        return datetime.now(UTC) + self._offset

    def elapsed(self) -> float:
        """Return CLOCK_BOOTTIME, which counts suspension; monotonic time where the system has no such clock."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)
