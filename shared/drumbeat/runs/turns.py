"""How many turns a run has at a time, and how fast limits and pace let it go."""

from collections.abc import Collection

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Account, Config
from drumbeat.core.errors import NotUnderstood
from drumbeat.providers import registry as providers
from drumbeat.providers.quotas import HasQuota
from drumbeat.runs import sql
from drumbeat.runs.configured import configured
from drumbeat.runs.sql import Run
from drumbeat.services import Services


def start(run: Run, services: Services, *, wakes: bool = False, unknown: bool = False) -> None:
    """Start the turns of a run that are not expected; also those that sleep, and where it is unknown which there are.

    A turn sleeps until what it saw is due: who makes something due sooner wakes it.
    """
    config, campaign = configured(run, services)
    numbers = range(1 if rate_of(campaign, config) is not None else most_turns(services))
    if missing := services.turns.missing(run.id, numbers, asleep=wakes, unknown=unknown):
        services.turns.start(run.id, missing)


def wake(accounts: Collection[str], services: Services) -> None:
    """Wake the turns of the runs that mail by accounts which may be called again."""
    for run in sql.going(services.db):
        try:
            config, campaign = configured(run, services)
        except NotUnderstood:
            continue  # its turns say so
        if run.expanded > 0 and not {account.name for account in accounts_of(campaign, config)}.isdisjoint(accounts):
            start(run, services, wakes=True)


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
