"""Instants of campaigns that were not fired: recorded late while they are young, reported when they are old."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from drumbeat.campaigns import firing, in_force, next_checks
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.campaigns.fire import CATCH_UP
from drumbeat.campaigns.in_force import InForce
from drumbeat.core.configuration import Campaign
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ledger.database import Database
from drumbeat.services import Services

REPORT_WINDOW = timedelta(days=7)  # older missed instants are not reported
EVENTS_PER_COMMIT = 500

_TICK = timedelta(microseconds=1)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Missed:
    """An instant that passed without an event and is too old to be caught up."""

    campaign: str
    scheduled_at: datetime


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The result: how many instants were recorded now, and which are too old for that."""

    recorded: int
    missed: tuple[Missed, ...] = ()


def catch_up(services: Services, *, full: bool = False) -> CaughtUp:
    """Record every instant of the last 24 hours that has no event, and schedule the next check.

    Only instants since the campaign's schedule is in force count: a new campaign has no past. With `full`, log
    what was missed in the days before. Harmless to repeat and to cut anywhere.

    Raises:
        psycopg.OperationalError: the ledger is unreachable.
    """
    known = in_force.read(services.db, reach=REPORT_WINDOW if full else CATCH_UP)
    now, door = services.clock.now(), Door(services)
    lost = _lost(known, known.now - CATCH_UP, known.now, services.db)
    arrivals = [firing.scheduled(campaign, at, now=now) for campaign, at in lost]
    recorded = 0
    for group in batched(arrivals, EVENTS_PER_COMMIT, strict=False):
        recorded += sum(one is not None and one.inserted for one in recording.record_all(group, door))
    next_checks.set_next(
        {each.campaign.name: each.calendar.after(known.now) for each in known.campaigns}, services.due_index
    )
    found = _missed(known, services.db) if full else []
    _log_missed(found)
    return CaughtUp(recorded, tuple(found))


def missed(db: Database) -> list[Missed]:
    """List the instants of the last days that passed without an event, too long ago to be caught up; newest first."""
    return _missed(in_force.read(db, reach=REPORT_WINDOW), db)


def _missed(known: InForce, db: Database) -> list[Missed]:
    lost = _lost(known, known.now - REPORT_WINDOW, known.now - CATCH_UP - _TICK, db)
    found = [Missed(campaign.name, at) for campaign, at in lost]
    return sorted(found, key=lambda each: (each.scheduled_at, each.campaign), reverse=True)


def _lost(known: InForce, first: datetime, last: datetime, db: Database) -> list[tuple[Campaign, datetime]]:
    """Return the instants between two others that are no events."""
    passed = {
        firing.event_id(running.campaign.name, at): (running.campaign, at)
        for running in known.campaigns
        for at in running.instants(first, last)
    }
    recorded = campaigns_sql.known(db, passed.keys())
    return [passed[id] for id in passed if id not in recorded]


def _log_missed(found: Sequence[Missed]) -> None:
    for name in sorted({each.campaign for each in found}):
        times = [each.scheduled_at for each in found if each.campaign == name]
        newest = max(times).isoformat()
        _LOG.warning("campaign_missed", extra={"campaign": name, "instants": len(times), "newest": newest})
