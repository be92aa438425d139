"""Whether the relay runs: the due index says when it checks next; an entry long past its time was not checked."""

from dataclasses import dataclass
from datetime import UTC, datetime

from drumbeat.wakeups.due_index import FULL, DueIndex


@dataclass(frozen=True, slots=True)
class Pulse:
    """`next_full` is None until a relay has checked everything (and while Redis fails); `overdue` in seconds."""

    next_full: datetime | None
    overdue: float


def pulse(due_index: DueIndex, now: datetime) -> Pulse:
    """Read the due index. A relay that runs every minute leaves no entry overdue for longer."""
    at = now.timestamp()
    times = due_index.times([FULL, *sorted(due_index.due(at).members - {FULL})]) or {}
    full = times.get(FULL)
    return Pulse(
        next_full=None if full is None else datetime.fromtimestamp(full, UTC),
        overdue=max((at - time for time in times.values() if time < at), default=0.0),
    )
