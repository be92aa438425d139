"""An account as its adapter sees it: which provider, which base URL, which login."""

from dataclasses import dataclass

from drumbeat.core.configuration import Account
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.request import Request
from drumbeat.providers import registry
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
        base_url = f"{sandbox_url}/{account.provider}" if sandbox_url else provider.base_url
    assert base_url, f"apply refuses an account of {account.provider} without base_url"
    return Login(account, provider, Target(account.name, base_url.strip().rstrip("/"), account.settings))


def in_sandbox(account: Account, sandbox_url: str | None) -> bool:
    """Return whether the account talks to the local sandbox, where any credential will do."""
    return sandbox_url is not None and account.settings.get("base_url", sandbox_url).startswith(sandbox_url)
