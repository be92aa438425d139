"""The signature schemes by the name that `webhook:` gives them; each is imported when it is first asked for."""

from drumbeat.core.registry import Registry
from drumbeat.sources.signature import Scheme

_SCHEMES: Registry[Scheme] = Registry(
    "signature scheme",
    {
        "calendly": "drumbeat.sources.calendly:SCHEME",
        "github": "drumbeat.sources.github:SCHEME",
        "hmac": "drumbeat.sources.generic:SCHEME",
        "hubspot_v1": "drumbeat.sources.hubspot:V1",
        "hubspot_v3": "drumbeat.sources.hubspot:V3",
        "lemonsqueezy": "drumbeat.sources.lemonsqueezy:SCHEME",
        "mailgun": "drumbeat.sources.mailgun:SCHEME",
        "meta": "drumbeat.sources.meta:SCHEME",
        "paddle": "drumbeat.sources.paddle:SCHEME",
        "postmark": "drumbeat.sources.postmark:SCHEME",
        "resend": "drumbeat.sources.resend:SCHEME",
        "sendgrid": "drumbeat.sources.sendgrid:SCHEME",
        "shopify": "drumbeat.sources.shopify:SCHEME",
        "slack": "drumbeat.sources.slack:SCHEME",
        "sns": "drumbeat.sources.sns:SCHEME",
        "standard_webhooks": "drumbeat.sources.standard_webhooks:SCHEME",
        "stripe": "drumbeat.sources.stripe:SCHEME",
        "twilio": "drumbeat.sources.twilio:SCHEME",
        "typeform": "drumbeat.sources.typeform:SCHEME",
    },
)

names = _SCHEMES.names
get = _SCHEMES.get
register = _SCHEMES.register
unregister = _SCHEMES.unregister
