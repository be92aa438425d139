"""How many turns a run has at a time, and how fast limits and pace let it go."""

from collections.abc import Sequence

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config, Limit
from drumbeat.runs.advance import configured
from drumbeat.runs.sql import Run
from drumbeat.services import Services


def start(run: Run, services: Services) -> None:
    """Start the turns of a run that are not expected."""
    config, campaign = configured(run, services)
    numbers = range(1 if rate_of(campaign, config) is not None else most_turns(services))
    if missing := services.turns.missing(run.id, numbers):
        services.turns.start(run.id, missing)


def most_turns(services: Services) -> int:
    """Return how many turns a run has at a time: one worker is left for what people cause."""
    return max((services.settings.worker_concurrency or 2) - 1, 1)


def rate_of(campaign: Campaign, config: Config) -> float | None:
    """Return how many mails a second limits and pace let through; None: as many as there are."""
    limits = [limit for step in campaign.steps for limit in _limits(config, step.account)]
    limits += [campaign.pace] if campaign.pace else []
    return min((limit.count / limit.period for limit in limits), default=None)


def _limits(config: Config, account: str) -> Sequence[Limit]:
    found = config.accounts.get(account)
    return found.limits if found else ()
