"""When the people of a run are mailed, zone by zone: worked out once, and kept with its progress."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from drumbeat.calendar import zones
from drumbeat.calendar.run_times import UNKNOWN, ZoneTimes, moment, run_times
from drumbeat.core.campaigns import Campaign
from drumbeat.core.events import Event
from drumbeat.core.runs import LeftOut
from drumbeat.runs.sql import Run


def needs_zones(campaign: Campaign) -> bool:
    """Return whether people of different zones are mailed at different times."""
    return bool(campaign.is_by_recipient or campaign.quiet_hours or campaign.business_days)


def needs_counts(campaign: Campaign) -> bool:
    """Return whether it takes the number of people to say when they are mailed."""
    return campaign.pace is not None


def known_zones(campaign: Campaign) -> list[str]:
    """Return the zones that people of this campaign are told apart by."""
    return sorted(zones.names()) if needs_zones(campaign) else []


def worked_out(campaign: Campaign, people: Mapping[str, int], event: Event, run: Run) -> tuple[ZoneTimes, ...]:
    """Return when the people of each zone are mailed; those for whom the run comes too late are left out.

    Raises:
        TooSlow: at its pace it would take too long.
    """
    asked = people or dict.fromkeys([UNKNOWN, *known_zones(campaign)], 0)
    times = run_times(
        campaign,
        {UNKNOWN: 0} | dict(asked),
        moment(campaign, event.scheduled_at, event.received_at),
        not_before=run.as_of,
    )
    return tuple(_judged(each, campaign, run) for each in times)


def _judged(times: ZoneTimes, campaign: Campaign, run: Run) -> ZoneTimes:
    late = run.as_of - times.at > timedelta(seconds=campaign.misfire)
    if run.starts_at is None or not late or times.left_out is not None:
        return times
    return replace(times, left_out=LeftOut.MISSED)


def dumps(times: tuple[ZoneTimes, ...]) -> str:
    """Write times for the ledger."""
    return json.dumps([asdict(each) for each in times], default=datetime.isoformat)


def loads(kept: list[dict[str, Any]]) -> tuple[ZoneTimes, ...]:
    """Read them back."""
    return tuple(
        ZoneTimes(
            **{
                **each,
                "start": datetime.fromisoformat(each["start"]),
                "at": datetime.fromisoformat(each["at"]),
                "closed": tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in each["closed"]),
            }
        )
        for each in kept
    )
