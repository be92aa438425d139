"""The providers there are, by the name that an account's configuration uses."""

from drumbeat.providers.base import Provider
from drumbeat.providers.http_endpoint import HttpEndpoint
from drumbeat.providers.hubspot import HubSpot
from drumbeat.providers.mailgun import Mailgun
from drumbeat.providers.resend import Resend

_PROVIDERS: dict[str, Provider] = {
    provider.name: provider for provider in (HttpEndpoint(), HubSpot(), Mailgun(), Resend())
}

NAMES = tuple(_PROVIDERS)


def get(name: str) -> Provider:
    """Return the provider of that name. Raises KeyError when it is not one of NAMES."""
    return _PROVIDERS[name]
