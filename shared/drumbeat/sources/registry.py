"""The signature schemes by the name that `webhook:` gives them; each is imported when first asked for."""

from functools import cache
from importlib import import_module
from typing import cast

from drumbeat.sources.signature import Scheme

_HOMES = {
    "calendly": "calendly:SCHEME",
    "github": "github:SCHEME",
    "hmac": "generic:SCHEME",
    "hubspot_v1": "hubspot:V1",
    "hubspot_v3": "hubspot:V3",
    "lemonsqueezy": "lemonsqueezy:SCHEME",
    "mailgun": "mailgun:SCHEME",
    "meta": "meta:SCHEME",
    "paddle": "paddle:SCHEME",
    "resend": "resend:SCHEME",
    "sendgrid": "sendgrid:SCHEME",
    "shopify": "shopify:SCHEME",
    "slack": "slack:SCHEME",
    "standard_webhooks": "standard_webhooks:SCHEME",
    "stripe": "stripe:SCHEME",
    "twilio": "twilio:SCHEME",
    "typeform": "typeform:SCHEME",
}

NAMES = frozenset(_HOMES)


@cache
def get(name: str) -> Scheme:
    """Return the scheme of that name; raises KeyError."""
    module, _, attribute = _HOMES[name].partition(":")
    return cast(Scheme, getattr(import_module(f"drumbeat.sources.{module}"), attribute))
