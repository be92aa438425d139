"""A firing by EventBridge Scheduler: our own calendar says for which instant."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.campaigns import conflicts, firing, in_force, next_checks
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.services import Services

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

    Harmless to repeat, early or late: an instant is one event. Each counts by the version in force at that instant, so
    a campaign that was edited or removed since loses none. Ignored is what fits no instant that may still be caught up,
    and an instant whose key another event has: both bodies are kept, and that event needs attention.

    Raises:
        psycopg.OperationalError: the ledger is unreachable. Nothing is lost: Lambda repeats it, and the relay finds it.
    """
    known = in_force.read(services.db, reach=in_force.REACH)
    terms = known.of(name)
    if not terms:
        return _ignored(name, scheduled, "no campaign of this name is in force")
    last = min(scheduled, known.now + CLOCK_TOLERANCE)
    passed = [(term.campaign, at) for term in terms for at in term.instants(known.now - term.catch_up, last)]
    if not passed:
        return _ignored(name, scheduled, "the campaign had no instant lately that this could be")
    campaign, at = passed[-1]
    arrival, door = firing.scheduled(campaign, at, now=services.clock.now()), Door(services)
    recorded = recording.record(arrival, door)
    # Not before the commit: until then the entry of this very instant has to stay.
    next_checks.set_next({name: known.after(name, at)}, services.due_index)
    if not recorded.inserted and conflicts.keep([arrival], campaigns_sql.known(services.db, [arrival.id]), door):
        return _ignored(name, scheduled, "another event has the key of this instant")
    return Fired(arrival.id, recorded.inserted)


def _ignored(name: str, scheduled: datetime, why: str) -> Fired:
    _LOG.warning("firing_ignored", extra={"campaign": name, "scheduled": scheduled.isoformat(), "reason": why})
    return Fired(ignored=why)
