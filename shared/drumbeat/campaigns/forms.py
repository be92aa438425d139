"""Campaigns as they are in force, for people: what each does, when it fires next, and its newest run."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from drumbeat.campaigns.upcoming import upcoming
from drumbeat.core.campaigns import Campaign
from drumbeat.core.errors import NotFound
from drumbeat.core.suggestions import instead
from drumbeat.ledger import configs
from drumbeat.services import Services
from drumbeat.views.run_pages import NewestRun, newest

_HOUR, _DAY = 3600, 86_400
_UNITS = {1: "s", 60: "m", _HOUR: "h", _DAY: "d"}


@dataclass(frozen=True, slots=True)
class CampaignForm:
    """One campaign, in the words of a document. `audience` None: it fires an event for flows, and has no runs."""

    name: str
    schedule: str | None
    timezone: str
    fallback_timezone: str
    on_gap: str
    audience: str | None
    steps: list[dict[str, Any]]
    pace: str | None
    quiet_hours: str | None
    business_days: bool
    cap: str | None
    misfire_seconds: float
    approve: bool
    next: datetime | None
    newest_run: NewestRun | None


def forms(services: Services) -> list[CampaignForm]:
    """List the campaigns in force by name."""
    config = configs.newest(services.db)
    campaigns = config.campaigns if config else {}
    following = {each.campaign: each.next for each in upcoming(services.db)}
    runs = newest(services.db, list(campaigns))
    return [_form(campaigns[name], following.get(name), runs.get(name)) for name in sorted(campaigns)]


def form(name: str, services: Services) -> CampaignForm:
    """Return one campaign. Raises NotFound."""
    found = {each.name: each for each in forms(services)}
    if name not in found:
        raise NotFound(f"no campaign is called {name[:64]}; {instead(name[:64], found)}")
    return found[name]


def _form(campaign: Campaign, following: datetime | None, run: NewestRun | None) -> CampaignForm:
    pace, quiet, cap = campaign.pace, campaign.quiet_hours, campaign.cap
    return CampaignForm(
        name=campaign.name,
        schedule=campaign.schedule,
        timezone=campaign.timezone,
        fallback_timezone=campaign.fallback_timezone,
        on_gap=campaign.on_gap,
        audience=campaign.audience,
        steps=[asdict(step) for step in campaign.steps],
        pace=f"{pace.count}/{_UNITS[pace.period]}" if pace else None,
        quiet_hours=f"{_clock(quiet.begin)}-{_clock(quiet.end)}" if quiet else None,
        business_days=campaign.business_days,
        cap=f"{cap.most}/{_hours_or_days(cap.seconds)}" if cap else None,
        misfire_seconds=campaign.misfire,
        approve=campaign.approve,
        next=following,
        newest_run=run,
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _hours_or_days(seconds: int) -> str:
    return f"{seconds // _HOUR}h" if seconds % _DAY else f"{seconds // _DAY}d"
