"""The campaigns in force with their calendars: what should have fired, and what comes next."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat.calendar import Calendar
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.core.configuration import Campaign
from drumbeat.ledger.database import Database

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign whose schedule has been in force since an instant, or for longer than was read."""

    campaign: Campaign
    calendar: Calendar
    since: datetime

    def instants(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Yield the instants of this time, both ends inclusive, since the schedule is in force: before, it has none."""
        for occurrence in self.calendar.between(max(first, self.since), last):
            assert occurrence.at is not None
            yield occurrence.at


@dataclass(frozen=True, slots=True)
class InForce:
    """The campaigns in force at one instant of the ledger's clock."""

    now: datetime
    campaigns: tuple[Running, ...]

    def find(self, name: str) -> Running | None:
        """Return a campaign by name."""
        return next((each for each in self.campaigns if each.campaign.name == name), None)


def read(db: Database, *, reach: timedelta) -> InForce:
    """Read the campaigns in force; since when each has been, only as far back as `reach`.

    A campaign whose schedule cannot be parsed (any more) is left out and logged as an error: it must not stop others.
    """
    found = campaigns_sql.in_force(db, reach=reach)
    running = []
    for each in found.campaigns:
        try:
            running.append(Running(each.campaign, calendar_of(each.campaign), each.since))
        except (ValueError, LookupError) as error:
            _LOG.error("campaign_not_understood", extra={"campaign": each.campaign.name, "reason": str(error)})
    return InForce(found.now, tuple(running))


def calendar_of(campaign: Campaign) -> Calendar:
    """Return the instants of a campaign. Raises ValueError or LookupError when its schedule cannot be parsed."""
    return Calendar(campaign.schedule, campaign.timezone, campaign.on_gap)
