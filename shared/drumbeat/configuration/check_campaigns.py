"""Checks of campaigns: whether there is a time to come at which they fire."""

from collections.abc import Callable, Mapping
from datetime import datetime

from drumbeat.calendar import EPOCH
from drumbeat.campaigns.in_force import calendar_of
from drumbeat.configuration import document_models
from drumbeat.configuration.yaml_lines import Document
from drumbeat.core.campaigns import Campaign

type Fires = Callable[[Campaign, datetime], bool]


def check_campaigns(
    campaigns: Mapping[str, document_models.CampaignHead | None],
    timezone: str,
    document: Document,
    *,
    now: datetime,
    fires: Fires | None,
) -> None:
    """Warn of each campaign that never fires again, except of one whose only time was its own.

    `fires` says whether a campaign fired at an instant, or still will; None: it cannot be known here.
    """
    for name, head in campaigns.items():
        if head is None or head.schedule is None:
            continue
        campaign = Campaign(name, head.schedule, head.timezone or timezone, head.on_gap)
        calendar = calendar_of(campaign)
        if calendar is None or calendar.after(now) is not None:
            continue
        first = calendar.after(EPOCH)
        if first is not None and first.at is not None and fires is not None and fires(campaign, first.at):
            continue
        document.warn(("campaigns", name, "schedule"), _never(head.schedule, known=fires is not None))


def _never(schedule: str, *, known: bool) -> str:
    if not schedule.startswith("at("):
        return "this schedule has no time to come, so the campaign never fires again; write another or delete it"
    if known:
        return (
            "this time has passed, and the campaign did not fire then: it never will; give it a time to come, "
            "or delete it"
        )
    return (
        "this time has passed: if the campaign did not fire then, it never will; give it a time to come, or delete it"
    )
