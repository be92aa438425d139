"""When the relay checks a campaign: soon after its next instant, unless it was fired in time."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from drumbeat.calendar import Occurrence
from drumbeat.calendar.walltime import Kind
from drumbeat.wakeups.due_index import DueIndex

# EventBridge Scheduler fires within a minute after the time, and the function needs a moment.
FIRED_WITHIN = timedelta(seconds=90)
# After a new configuration campaigns are checked so soon.
FIRST_CHECK_AFTER = timedelta(seconds=60)


def set_next(following: Mapping[str, Occurrence | None], due_index: DueIndex) -> None:
    """Let the relay check once each campaign's next occurrence has passed; a later call replaces it.

    While Redis is unreachable nothing is written, and nothing needs to be: the relay checks everything then.
    """
    due_index.set({f"campaign:{name}": _due(each) for name, each in following.items() if each is not None})


def set_soon(now: datetime, due_index: DueIndex) -> None:
    """Let the relay check all campaigns soon; to be called before the commit that changes them."""
    due_index.set({"campaigns": (now + FIRST_CHECK_AFTER).timestamp()})


def _due(occurrence: Occurrence) -> float:
    assert occurrence.at is not None
    # Only the relay fires what was shifted: Scheduler skips such a time.
    wait = timedelta() if occurrence.kind is Kind.NEVER else FIRED_WITHIN
    return (occurrence.at + wait).timestamp()
