"""How many turns a run has at a time, and how fast limits and pace let it go."""

from collections.abc import Collection

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Account, Config
from drumbeat.core.errors import NotUnderstood
from drumbeat.ledger import configs
from drumbeat.providers import registry as providers
from drumbeat.providers.login import as_planned
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
    rate = rate_of(campaign, accounts_of(campaign, config, services))
    numbers = range(1 if rate is not None else most_turns(services))
    if missing := services.turns.missing(run.id, numbers, asleep=wakes, unknown=unknown):
        services.turns.start(run.id, missing)


def wake(accounts: Collection[str], services: Services) -> None:
    """Wake the turns of the runs that mail by accounts which may be called again."""
    for run in sql.going(services.db):
        try:
            _, campaign = configured(run, services)
        except NotUnderstood:
            continue  # its turns say so
        if run.expanded > 0 and not {step.account for step in campaign.steps}.isdisjoint(accounts):
            sql.expect(services.db, run.id, 0.0)  # from now on it counts when no worker comes
            start(run, services, wakes=True, unknown=True)


def most_turns(services: Services) -> int:
    """Return how many turns a run has at a time: one worker is left for what people cause."""
    return max((services.settings.worker_concurrency or 2) - 1, 1)


def rate_of(campaign: Campaign, accounts: Collection[Account]) -> float | None:
    """Return how many mails a second limits and pace let through; None: as many as there are.

    What an account may send in an hour or a day says nothing of a second.
    """
    limits = [limit for account in accounts for limit in account.limits if limit.burst is not None]
    limits += [campaign.pace] if campaign.pace else []
    return min((limit.count / limit.period for limit in limits), default=None)


def is_limited(accounts: Collection[Account]) -> bool:
    """Return whether accounts have limits: their own, or those that a vendor says."""
    return any(account.limits or isinstance(providers.get(account.provider), HasQuota) for account in accounts)


def accounts_of(campaign: Campaign, config: Config, services: Services) -> list[Account]:
    """Return the accounts that a campaign's mails are sent by, with what they may send now. Raises NotUnderstood."""
    newest = services.configuration(configs.newest_version(services.db) or config.version).accounts
    sandbox = services.settings.sandbox_url
    names = sorted({step.account for step in campaign.steps} & config.accounts.keys())
    return [as_planned(config.accounts[name], newest.get(name), sandbox) for name in names]
