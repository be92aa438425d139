"""A firing by EventBridge Scheduler: our own calendar says for which instant."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.campaigns import firing, in_force, next_checks
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.services import Services

# An instant that was missed is recorded late within this; what is older is only reported.
CATCH_UP = timedelta(hours=24)
# How far Scheduler's clock may be ahead of the ledger's.
CLOCK_TOLERANCE = timedelta(minutes=1)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fired:
    """The result of a firing: `event` is None when it was ignored, and then `ignored` says why."""

    event: UUID | None = None
    new: bool = False
    ignored: str | None = None


def fire(name: str, scheduled: datetime, services: Services) -> Fired:
    """Record the instant that a firing stands for: the latest of the campaign's own up to `scheduled`.

    Harmless to repeat, early or late: an instant is one event. Ignored is what fits no instant since the campaign's
    schedule is in force, or within the last 24 hours.

    Raises:
        psycopg.OperationalError: the ledger is unreachable. Nothing is lost: Lambda repeats it, and the relay finds it.
    """
    known = in_force.read(services.db, reach=CATCH_UP)
    running = known.find(name)
    if running is None:
        return _ignored(name, scheduled, "no campaign of this name is in force")
    passed = [*running.instants(known.now - CATCH_UP, min(scheduled, known.now + CLOCK_TOLERANCE))]
    if not passed:
        return _ignored(name, scheduled, "the campaign had no instant lately that this could be")
    at = passed[-1]
    arrival = firing.scheduled(running.campaign, at, now=services.clock.now())
    recorded = recording.record(arrival, Door(services))
    # Not before the commit: until then the entry of this very instant has to stay.
    next_checks.set_next({name: running.calendar.after(at)}, services.due_index)
    return Fired(arrival.id, recorded.inserted)


def _ignored(name: str, scheduled: datetime, why: str) -> Fired:
    _LOG.warning("firing_ignored", extra={"campaign": name, "scheduled": scheduled.isoformat(), "reason": why})
    return Fired(ignored=why)
