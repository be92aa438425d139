"""Checks of campaigns: whether there is a time to come at which they fire."""

from collections.abc import Callable, Mapping
from datetime import datetime

from drumbeat.calendar import EPOCH, Calendar
from drumbeat.configuration import document_models
from drumbeat.configuration.yaml_lines import Document

type Fires = Callable[[str, datetime], bool]


def check_campaigns(
    campaigns: Mapping[str, document_models.Campaign | None],
    timezone: str,
    document: Document,
    *,
    now: datetime,
    fires: Fires | None,
) -> None:
    """Warn of each campaign that never fires again, except of one whose only time was its own.

    `fires` says whether a campaign fired at an instant, or still will; None: it cannot be known here.
    """
    for name, campaign in campaigns.items():
        if campaign is None:
            continue
        calendar = Calendar(campaign.schedule, campaign.timezone or timezone, campaign.on_gap)
        if calendar.after(now) is not None:
            continue
        first = calendar.after(EPOCH)
        if first is not None and first.at is not None and fires is not None and fires(name, first.at):
            continue
        document.warn(("campaigns", name, "schedule"), _never(campaign.schedule, known=fires is not None))


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
