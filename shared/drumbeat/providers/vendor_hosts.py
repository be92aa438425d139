"""Where a vendor's key may be sent: to that vendor, over https, whatever `base_url` an account gives.

A receiver of the user's own (`http`) may be anywhere. Local stacks and deployments with a sandbox are left out of this:
their vendors are imitated on this machine.
"""

import re
from urllib.parse import urlsplit

from drumbeat.providers.base import Provider

# Compared to the letter, so that no two parsers can disagree about the host.
_WRITTEN = re.compile(r"https://(?P<host>[A-Za-z0-9.-]+)(:443)?(/[A-Za-z0-9/_-]*)?")


def hosts(provider: Provider) -> frozenset[str]:
    """Return the hosts of the provider's API, empty for a receiver of the user's own."""
    if provider.base_url is None:
        return frozenset()
    return frozenset({urlsplit(provider.base_url).hostname or ""}) | getattr(provider, "other_hosts", frozenset())


def problem(provider: Provider, base_url: str) -> str | None:
    """Say why an account's key must not go to this base URL; None: it may."""
    known = hosts(provider)
    written = _WRITTEN.fullmatch(base_url)
    if not known or (written and written["host"].lower() in known):
        return None
    places = " or ".join(f"https://{host}" for host in sorted(known))
    return f"base_url must be {places}: a key of {provider.name} goes nowhere else; for a receiver of yours write http"
