"""Instants of campaigns that were not fired: recorded late while they are young, reported when they are old."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

from drumbeat.campaigns import conflicts, firing, in_force, next_checks
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.campaigns.in_force import InForce, Term
from drumbeat.core.campaigns import Campaign
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
    """Record every instant that has no event and is young enough, and schedule the next check.

    Of a campaign with one zone that is 24 hours; a local time that each zone has may be late by 24 from the last on.
    Each counts by the version in force at that instant: a new campaign has no past, and one that was edited or removed
    since keeps its own. What another sent under the key of an instant is kept as a conflict. With `full`, log what was
    missed in the days before. Harmless to repeat and to cut anywhere.

    Raises:
        psycopg.OperationalError: the ledger is unreachable.
    """
    known = in_force.read(services.db, reach=REPORT_WINDOW if full else in_force.REACH)
    now, door = services.clock.now(), Door(services)
    passed = _named((term, term.instants(known.now - term.catch_up, known.now)) for term in known.terms)
    events = campaigns_sql.known(services.db, passed.keys())
    arrivals = [firing.scheduled(campaign, at, now=now) for campaign, at in passed.values()]
    recorded = 0
    for group in batched([each for each in arrivals if each.id not in events], EVENTS_PER_COMMIT, strict=False):
        recorded += sum(one is not None and one.inserted for one in recording.record_all(group, door))
    conflicts.keep(arrivals, events, door)
    next_checks.set_next(known.following(), services.due_index)
    found = _missed(known, services.db) if full else []
    _log_missed(found)
    return CaughtUp(recorded, tuple(found))


def missed(db: Database) -> list[Missed]:
    """List the instants of the last days that passed without an event, too long ago to be caught up; newest first."""
    return _missed(in_force.read(db, reach=REPORT_WINDOW), db)


def _missed(known: InForce, db: Database) -> list[Missed]:
    first = known.now - REPORT_WINDOW
    passed = _named((term, term.instants(first, known.now - term.catch_up - _TICK)) for term in known.terms)
    recorded = campaigns_sql.known(db, passed.keys())
    found = [Missed(campaign.name, at) for id, (campaign, at) in passed.items() if id not in recorded]
    return sorted(found, key=lambda each: (each.scheduled_at, each.campaign), reverse=True)


def _named(found: Iterable[tuple[Term, Iterable[datetime]]]) -> dict[UUID, tuple[Campaign, datetime]]:
    """Return instants, each by the version in force then, under the id of its event."""
    return {firing.event_id(term.campaign, at): (term.campaign, at) for term, instants in found for at in instants}


def _log_missed(found: Sequence[Missed]) -> None:
    for name in sorted({each.campaign for each in found}):
        times = [each.scheduled_at for each in found if each.campaign == name]
        newest = max(times).isoformat()
        _LOG.warning("campaign_missed", extra={"campaign": name, "instants": len(times), "newest": newest})
