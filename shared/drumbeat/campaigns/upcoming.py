"""When campaigns fire next, and whether one has fired at a time that has passed."""

from dataclasses import dataclass
from datetime import datetime

from drumbeat.campaigns import firing, in_force
from drumbeat.campaigns import sql as campaigns_sql
from drumbeat.core.campaigns import Campaign
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A campaign in force and its next firing; None: it never fires again, or only by hand."""

    campaign: str
    schedule: str | None
    timezone: str
    next: datetime | None


def upcoming(db: Database) -> list[Upcoming]:
    """List the campaigns in force by name."""
    known = in_force.read(db, reach=in_force.REACH)
    found = []
    for term in known.terms:
        if term.until is None:
            occurrence = known.after(term.campaign.name, known.now)
            at = occurrence.at if occurrence else None
            found.append(Upcoming(term.campaign.name, term.campaign.schedule, term.campaign.timezone, at))
    return sorted(found, key=lambda each: each.campaign)


def fires(campaign: Campaign, at: datetime, *, db: Database) -> bool:
    """Return whether a campaign fired at this instant, which has passed, or is still caught up for it."""
    if campaigns_sql.known(db, [firing.event_id(campaign, at)]):
        return True
    known = in_force.read(db, reach=in_force.REACH)
    recent = (term for term in known.of(campaign.name) if known.now - term.catch_up <= at)
    return any(found == at for term in recent for found in term.instants(at, at))
