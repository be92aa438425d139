"""A campaign: when it fires, and whom of its audience it reaches how fast.

Without an audience it fires one event for flows to act on. With one, each firing is a run: the steps of the campaign,
once for each lead of the audience.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from drumbeat.core.compatibility import known
from drumbeat.core.steps import Limit, Step

RECIPIENT = "recipient"  # a timezone: each person's own
EARLIEST_ZONE = "Pacific/Kiritimati"  # UTC+14 all year: no zone reaches a local time before it
MISFIRE_SECONDS = 3600.0  # where nothing else is said
CAMPAIGN = "campaign:"  # how the name of a campaign's steps begins as a flow


class QuietHours(NamedTuple):
    """When people are not mailed, in minutes from midnight; where `end` lies before `begin`, over midnight."""

    begin: int
    end: int


class Cap(NamedTuple):
    """At most `most` marketing mails to one person in `seconds`, of all campaigns together."""

    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """What fires events of its own, by a schedule or by hand."""

    name: str
    schedule: str | None  # None: by hand
    timezone: str  # or RECIPIENT
    on_gap: str  # shift | skip
    fallback_timezone: str = "UTC"  # of people whose zone is missing or unknown
    audience: str | None = None
    steps: tuple[Step, ...] = ()
    pace: Limit | None = None  # of a run; its burst says nothing
    quiet_hours: QuietHours | None = None
    business_days: bool = False
    cap: Cap | None = None
    misfire: float = MISFIRE_SECONDS  # what is later than that is missed
    approve: bool = False

    @property
    def is_by_recipient(self) -> bool:
        """Return whether each person has the campaign at their own local time."""
        return self.timezone == RECIPIENT

    @property
    def firing_zone(self) -> str:
        """The zone by whose clock it fires: its own, or that which reaches a local time first."""
        return EARLIEST_ZONE if self.is_by_recipient else self.timezone

    @property
    def home_zone(self) -> str:
        """The zone that stands for it where one is needed: its own, or that of people without one."""
        return self.fallback_timezone if self.is_by_recipient else self.timezone


def campaign(name: str, entry: Mapping[str, Any]) -> Campaign:
    """Read the stored form of a campaign back; one that an earlier release wrote has only a schedule."""
    pace, quiet, cap = (entry.get(field) for field in ("pace", "quiet_hours", "cap"))
    return known(
        Campaign,
        entry,
        name=name,
        steps=tuple(known(Step, step) for step in entry.get("steps", ())),
        pace=pace and known(Limit, pace),
        quiet_hours=quiet and QuietHours(*quiet),
        cap=cap and Cap(*cap),
    )


def campaign_flow(campaign: str) -> str:
    """Return the name that the steps of a campaign have as a flow; no configuration can have such a name."""
    return f"{CAMPAIGN}{campaign}"


def campaign_of(flow: str) -> str | None:
    """Return the name of the campaign whose steps a flow of this name has; None: it is no such flow."""
    return flow.removeprefix(CAMPAIGN) if flow.startswith(CAMPAIGN) else None
