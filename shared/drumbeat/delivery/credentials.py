"""The secrets of an account, read when it is called."""

from drumbeat.core.errors import SecretMissing
from drumbeat.infrastructure.secrets import SECRET_CACHE_SECONDS
from drumbeat.providers import account_headers
from drumbeat.providers.login import Login, in_sandbox
from drumbeat.services import Services


def credentials(login: Login, services: Services, *, max_age: float = SECRET_CACHE_SECONDS) -> dict[str, str]:
    """Return the account's secrets by name; in the sandbox any value does for one that is missing.

    `max_age`: in seconds; what this process read longer ago is read again.

    Raises:
        SecretMissing: a secret does not exist, is empty, may not be read or may not be sent where the account is.
        SecretAway: it cannot be read now.
    """
    account, found = login.account, dict[str, str]()
    for name, reference in account.secrets.items():
        if not services.imitates_vendors and (astray := login.astray):
            raise SecretMissing(reference, why=f"is not sent: {astray}")
        try:
            found[name] = services.secrets.get(reference, max_age=max_age).strip()
        except SecretMissing:
            if not in_sandbox(account, services.settings.sandbox_url):
                raise
            found[name] = f"sandbox-{account.name}"
    for name in account_headers.used(account.headers) & found.keys():
        if not account_headers.fit(found[name]):
            raise SecretMissing(account.secrets[name], why="is not one line of printable ASCII, as a header needs it")
    return found
