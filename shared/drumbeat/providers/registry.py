"""The providers by the name that `provider:` of an account gives them; each is imported when it is first asked for."""

from drumbeat.core.registry import Registry
from drumbeat.providers.base import Provider

_PROVIDERS: Registry[Provider] = Registry(
    "provider",
    {
        "http": "drumbeat.providers.http_endpoint:PROVIDER",
        "hubspot": "drumbeat.providers.hubspot:PROVIDER",
        "mailgun": "drumbeat.providers.mailgun:PROVIDER",
        "postmark": "drumbeat.providers.postmark:PROVIDER",
        "resend": "drumbeat.providers.resend:PROVIDER",
        "ses": "drumbeat.providers.ses:PROVIDER",
    },
)

names = _PROVIDERS.names
get = _PROVIDERS.get
register = _PROVIDERS.register
unregister = _PROVIDERS.unregister
