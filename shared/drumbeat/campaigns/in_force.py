"""Which campaign was in force when: an instant belongs to the version in force then, whenever it is recorded.

So an edit swallows no instant that has passed, and makes none up that it would have had before.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from drumbeat.calendar import Calendar, Occurrence
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.campaigns.sql import Version
from drumbeat.core.campaigns import Campaign, campaign
from drumbeat.ledger.database import Database

# An instant that was missed is recorded late within this; what is older is only reported.
CATCH_UP = timedelta(hours=24)
AROUND_THE_WORLD = timedelta(hours=26)  # after the first zone of the world, UTC+14, the last reaches a local time
REACH = CATCH_UP + AROUND_THE_WORLD  # of what may be caught up

_TICK = timedelta(microseconds=1)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Term:
    """The time in which one campaign was in force unchanged: from `since` on, and before `until`; None: it still is."""

    campaign: Campaign
    calendar: Calendar | None  # None: it has no schedule and fires by hand
    since: datetime
    until: datetime | None

    @property
    def catch_up(self) -> timedelta:
        """How late an instant is still recorded: a local time that each zone has has passed with the last of them."""
        return REACH if self.campaign.is_by_recipient else CATCH_UP

    def instants(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """Yield its instants between two others, both inclusive, that lie in its time."""
        if self.calendar is None:
            return
        end = last if self.until is None else min(last, self.until - _TICK)
        for occurrence in self.calendar.between(max(first, self.since), end):
            assert occurrence.at is not None
            yield occurrence.at

    def after(self, instant: datetime) -> Occurrence | None:
        """Return the next to fire after an instant, None when none follows in its time."""
        following = self.calendar.after(max(instant, self.since - _TICK)) if self.calendar else None
        if following is None or following.at is None:
            return None
        return following if self.until is None or following.at < self.until else None


@dataclass(frozen=True, slots=True)
class InForce:
    """The campaigns in force at one instant of the ledger's clock, and those of some time before; oldest first."""

    now: datetime
    terms: tuple[Term, ...]

    def of(self, name: str) -> list[Term]:
        """Return the terms of a campaign."""
        return [term for term in self.terms if term.campaign.name == name]

    def after(self, name: str, instant: datetime) -> Occurrence | None:
        """Return the next firing of a campaign after an instant, None when none follows."""
        return next((found for term in self.of(name) if (found := term.after(instant))), None)

    def following(self) -> dict[str, Occurrence | None]:
        """Return the next firing of each campaign that is in force."""
        names = [term.campaign.name for term in self.terms if term.until is None]
        return {name: self.after(name, self.now) for name in names}


def read(db: Database, *, reach: timedelta) -> InForce:
    """Read the campaigns in force, and those of the reach; since when the oldest were is read no further back.

    A campaign whose schedule cannot be parsed (any more) is left out and logged as an error: it must not stop others.
    """
    now, versions = campaigns_sql.versions(db, reach=reach)
    return InForce(now, tuple(terms(versions)))


def terms(versions: Sequence[Version]) -> list[Term]:
    """Return when which campaign was in force, by the versions in their order.

    At an instant it is the newest version that was applied by then. Should the ledger's clock have been set back
    between two of them, the later one holds from its own time on.
    """
    found: dict[str, list[Term]] = {}
    for place, version in enumerate(versions):
        until = min((later.applied_at for later in versions[place + 1 :]), default=None)
        if until is not None and until <= version.applied_at:
            continue
        for name, entry in version.campaigns.items():
            _append(found.setdefault(name, []), name, entry, version.applied_at, until)
    return [term for each in found.values() for term in each]


def _append(terms: list[Term], name: str, entry: Mapping[str, Any], since: datetime, until: datetime | None) -> None:
    """Add a campaign's term, or prolong its last one if nothing of it changed."""
    found = campaign(name, entry)
    if terms and terms[-1].until == since and terms[-1].campaign == found:
        terms[-1] = replace(terms[-1], until=until)
        return
    try:
        terms.append(Term(found, calendar_of(found), since, until))
    except (ValueError, LookupError) as error:
        _LOG.error("campaign_not_understood", extra={"campaign": name, "reason": str(error)})


def calendar_of(campaign: Campaign) -> Calendar | None:
    """Return the instants of a campaign; None: it has no schedule.

    One that each person has at their own time fires when the first zone of the world reaches it.

    Raises ValueError or LookupError when its schedule cannot be parsed.
    """
    return Calendar(campaign.schedule, campaign.firing_zone, campaign.on_gap) if campaign.schedule else None
