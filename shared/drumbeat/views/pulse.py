"""Whether the relay beats: the marks say when it looks next, and one long past its time says that nobody looked."""

from dataclasses import dataclass
from datetime import UTC, datetime

from drumbeat.wakeups.due_index import FULL, DueIndex


@dataclass(frozen=True, slots=True)
class Pulse:
    """`next_full` is None until a relay has looked at everything (or while Redis is away); `overdue` in seconds."""

    next_full: datetime | None
    overdue: float


def pulse(due_index: DueIndex, now: datetime) -> Pulse:
    """Read the marks. A relay that runs every minute leaves none overdue for longer."""
    at = now.timestamp()
    times = due_index.times([FULL, *sorted(due_index.due(at).members - {FULL})])
    full = times.get(FULL)
    return Pulse(
        next_full=None if full is None else datetime.fromtimestamp(full, UTC),
        overdue=max((at - time for time in times.values() if time < at), default=0.0),
    )
