"""The secrets of an account, read when it is called."""

from drumbeat.core.configuration import Account
from drumbeat.core.errors import SecretMissing
from drumbeat.providers.login import in_sandbox
from drumbeat.services import Services


def credentials(account: Account, services: Services, *, fresh: bool = False) -> dict[str, str]:
    """Return the account's secrets by name; in the sandbox any value does for one that is missing.

    `fresh`: as they are now, and not as this process read them minutes ago.

    Raises:
        SecretMissing: a secret does not exist or may not be read. SecretAway: it cannot be read now.
    """
    found: dict[str, str] = {}
    for name, reference in account.secrets.items():
        try:
            found[name] = services.secrets.get(reference, fresh=fresh)
        except SecretMissing:
            if not in_sandbox(account, services.settings.sandbox_url):
                raise
            found[name] = f"sandbox-{account.name}"
    return found
