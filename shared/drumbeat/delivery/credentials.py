"""The secrets of an account, read when it is called."""

from drumbeat.core.configuration import Account
from drumbeat.core.errors import SecretMissing
from drumbeat.infrastructure.secrets import SECRET_CACHE_SECONDS
from drumbeat.providers.login import in_sandbox
from drumbeat.services import Services


def credentials(account: Account, services: Services, *, max_age: float = SECRET_CACHE_SECONDS) -> dict[str, str]:
    """Return the account's secrets by name; in the sandbox any value does for one that is missing.

    `max_age`: in seconds; what this process read longer ago is read again.

    Raises:
        SecretMissing: a secret does not exist or may not be read. SecretAway: it cannot be read now.
    """
    found: dict[str, str] = {}
    for name, reference in account.secrets.items():
        try:
            found[name] = services.secrets.get(reference, max_age=max_age)
        except SecretMissing:
            if not in_sandbox(account, services.settings.sandbox_url):
                raise
            found[name] = f"sandbox-{account.name}"
    return found
