"""When the relay looks after a campaign: soon after its next instant, unless somebody fired it in time."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from drumbeat.calendar import Occurrence
from drumbeat.calendar.walltime import Kind
from drumbeat.wakeups.due_index import DueIndex

# EventBridge Scheduler fires within a minute after the time, and the function needs a moment.
GRACE = timedelta(seconds=90)
# A new configuration is looked after so soon.
SOON = timedelta(seconds=60)


def set_next(following: Mapping[str, Occurrence | None], due_index: DueIndex) -> None:
    """Have the relay look once each campaign's next occurrence has passed; a later call replaces it.

    When Redis is away nothing is marked, and nothing needs to be: the relay looks at everything then.
    """
    due_index.set({f"campaign:{name}": _due(each) for name, each in following.items() if each is not None})


def set_soon(now: datetime, due_index: DueIndex) -> None:
    """Have the relay look at all campaigns soon; to be called before the commit that changes them."""
    due_index.set({"campaigns": (now + SOON).timestamp()})


def _due(occurrence: Occurrence) -> float:
    assert occurrence.at is not None
    # Nobody else fires what was shifted: Scheduler skips such a time.
    wait = timedelta() if occurrence.kind is Kind.NEVER else GRACE
    return (occurrence.at + wait).timestamp()
