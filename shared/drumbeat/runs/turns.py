"""How many turns a run has at a time, and how fast limits and pace let it go."""

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Account, Config
from drumbeat.providers import registry as providers
from drumbeat.providers.quotas import HasQuota
from drumbeat.runs.configured import configured
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
    """Return how many mails a second limits and pace let through; None: as many as there are.

    What an account may send in an hour or a day says nothing of a second.
    """
    limits = [limit for account in accounts_of(campaign, config) for limit in account.limits if limit.burst is not None]
    limits += [campaign.pace] if campaign.pace else []
    return min((limit.count / limit.period for limit in limits), default=None)


def is_limited(campaign: Campaign, config: Config) -> bool:
    """Return whether its accounts have limits: their own, or those that a vendor says."""
    accounts = accounts_of(campaign, config)
    return any(account.limits or isinstance(providers.get(account.provider), HasQuota) for account in accounts)


def accounts_of(campaign: Campaign, config: Config) -> list[Account]:
    """Return the accounts that a campaign's mails are sent by."""
    names = sorted({step.account for step in campaign.steps})
    return [config.accounts[name] for name in names if name in config.accounts]
