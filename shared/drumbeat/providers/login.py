"""An account as its adapter sees it: which provider, which base URL, which login."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from drumbeat.core.configuration import Account
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.request import Request
from drumbeat.providers import registry, vendor_hosts
from drumbeat.providers.account_headers import with_headers
from drumbeat.providers.base import Provider, Repeat, Target


@dataclass(frozen=True, slots=True)
class Login:
    """One account joined with its adapter."""

    account: Account
    provider: Provider
    target: Target

    @property
    def identity(self) -> str:
        """Name the login: lookups and repeats never leave it."""
        return self.provider.identity(self.target)

    @property
    def astray(self) -> str | None:
        """Why the account's key must not be sent where it is configured to; None: it may."""
        return vendor_hosts.problem(self.provider, self.target.base_url, self.target.settings)

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:
        """Add what is made afresh for each attempt: the provider's signature and the account's own headers."""
        signed = self.provider.sign(request, secrets, key=key, now=now)
        return with_headers(signed, self.account.headers, secrets)

    def repeat(self, request: Request | None = None) -> Repeat:
        """Return what may be done after an unknown outcome."""
        return self.provider.repeat(self.target, request)


def login(account: Account, sandbox_url: str | None) -> Login:
    """Join an account with its adapter. Under `drumbeat dev` an account without a base URL talks to the sandbox.

    Raises:
        NotUnderstood: a later release configured a provider that this one does not know.
    """
    if account.provider not in registry.names():
        raise NotUnderstood(
            f"Account {account.name} is at {account.provider}, which this release does not know. Nothing is lost: what "
            "it would send waits for a release that does."
        )
    provider = registry.get(account.provider)
    base_url = account.settings.get("base_url")
    if not base_url:
        base_url = (
            f"{sandbox_url}/{account.provider}" if sandbox_url else vendor_hosts.own_url(provider, account.settings)
        )
    assert base_url, f"apply refuses an account of {account.provider} without base_url"
    return Login(account, provider, Target(account.name, base_url.strip().rstrip("/"), account.settings))


def as_planned(planned: Account, newest: Account | None, sandbox_url: str | None) -> Account:
    """Return an account as a run keeps it: in whose name and where to as it was planned, and all else as it is now.

    Another login's secrets and limits say nothing of it. Raises NotUnderstood.
    """
    if newest is None or newest == planned:
        return planned
    if login(newest, sandbox_url).identity != login(planned, sandbox_url).identity:
        return planned
    secrets = {**planned.secrets, **newest.secrets}
    return replace(newest, settings=planned.settings, headers=planned.headers, secrets=secrets)


def in_sandbox(account: Account, sandbox_url: str | None) -> bool:
    """Return whether the account talks to the local sandbox, where any credential will do."""
    return sandbox_url is not None and account.settings.get("base_url", sandbox_url).startswith(sandbox_url)
