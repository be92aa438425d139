"""Instants of campaigns that nobody fired: caught up while they are young, told when they are old."""

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

LOOK_BACK = timedelta(days=7)  # how old a missed instant is told of
CHUNK = 500  # events of one commit

_TICK = timedelta(microseconds=1)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Missed:
    """An instant that passed without an event and is too old to be caught up."""

    campaign: str
    scheduled_at: datetime


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What was found: how many instants were recorded now, and which are too old for that."""

    recorded: int
    missed: tuple[Missed, ...] = ()


def catch_up(services: Services, *, full: bool = False) -> CaughtUp:
    """Record every instant of the last 24 hours that has no event, and mark what comes next.

    Only instants since the campaign's schedule is in force count: a new campaign has no past. With `full`, tell in the
    log what was missed in the days before. Harmless to repeat and to cut anywhere.

    Raises:
        psycopg.OperationalError: the ledger is away.
    """
    known = in_force.read(services.db, reach=LOOK_BACK if full else CATCH_UP)
    now, door = services.clock.now(), Door(services)
    lost = _lost(known, known.now - CATCH_UP, known.now, services.db)
    arrivals = [firing.scheduled(campaign, at, now=now) for campaign, at in lost]
    recorded = 0
    for chunk in batched(arrivals, CHUNK, strict=False):
        recorded += sum(verdict.inserted for verdict in recording.record_all(chunk, door))
    next_checks.set_next(
        {each.campaign.name: each.calendar.after(known.now) for each in known.campaigns}, services.due_index
    )
    found = _missed(known, services.db) if full else []
    _tell(found)
    return CaughtUp(recorded, tuple(found))


def missed(db: Database) -> list[Missed]:
    """List the instants of the last days that passed without an event, too long ago to be caught up; newest first."""
    return _missed(in_force.read(db, reach=LOOK_BACK), db)


def _missed(known: InForce, db: Database) -> list[Missed]:
    lost = _lost(known, known.now - LOOK_BACK, known.now - CATCH_UP - _TICK, db)
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


def _tell(found: Sequence[Missed]) -> None:
    for name in sorted({each.campaign for each in found}):
        times = [each.scheduled_at for each in found if each.campaign == name]
        newest = max(times).isoformat()
        _LOG.warning("campaign_missed", extra={"campaign": name, "instants": len(times), "newest": newest})
