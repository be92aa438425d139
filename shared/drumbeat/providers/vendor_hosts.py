"""Where a vendor's key may be sent: to that vendor, over https, whatever `base_url` an account gives.

A receiver of the user's own (`http`) may be anywhere. Local stacks and deployments with a sandbox are left out of this:
their vendors are imitated on this machine.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from drumbeat.providers.base import Provider

# Compared to the letter, so that no two parsers can disagree about the host.
_WRITTEN = re.compile(r"https://(?P<host>[A-Za-z0-9.-]+)(:443)?(/[A-Za-z0-9/_-]*)?")


# One setting in a vendor's own address, as a single label of its host.
_SETTING = re.compile(r"\{(\w+)\}")
_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_NO_LABEL = "invalid"


def own_url(provider: Provider, settings: Mapping[str, str]) -> str | None:
    """Return the vendor's own address for an account of these settings; None when the account must give one.

    A setting that could not be a single label of a host name leads nowhere.
    """
    if provider.base_url is None:
        return None
    return _SETTING.sub(lambda found: _label(settings.get(found[1], "")), provider.base_url)


def hosts(provider: Provider, settings: Mapping[str, str]) -> frozenset[str]:
    """Return the hosts of the provider's API for an account of these settings; none: it is a receiver of the user's."""
    own = own_url(provider, settings)
    if own is None:
        return frozenset()
    return frozenset({urlsplit(own).hostname or ""}) | getattr(provider, "other_hosts", frozenset())


def problem(provider: Provider, base_url: str, settings: Mapping[str, str]) -> str | None:
    """Say why the key of an account of these settings must not go to this base URL; None: it may."""
    known = hosts(provider, settings)
    written = _WRITTEN.fullmatch(base_url)
    if not known or (written and written["host"].lower() in known):
        return None
    places = " or ".join(f"https://{host}" for host in sorted(known))
    return f"base_url must be {places}: a key of {provider.name} goes nowhere else; for a receiver of yours write http"


def _label(text: str) -> str:
    return text if _LABEL.fullmatch(text) else _NO_LABEL
