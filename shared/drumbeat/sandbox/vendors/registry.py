"""The imitated vendors by the first part of their paths; each is imported when it is first asked for."""

from drumbeat.core.registry import Registry
from drumbeat.sandbox.vendors.base import Vendor

_VENDORS: Registry[Vendor] = Registry(
    "vendor",
    {
        "mailgun": "drumbeat.sandbox.vendors.mailgun:VENDOR",
        "resend": "drumbeat.sandbox.vendors.resend:VENDOR",
        "postmark": "drumbeat.sandbox.vendors.postmark:VENDOR",
        "ses": "drumbeat.sandbox.vendors.ses:VENDOR",
        "hubspot": "drumbeat.sandbox.vendors.hubspot:VENDOR",
        "http": "drumbeat.sandbox.vendors.http_receiver:VENDOR",
    },
)

names = _VENDORS.names
get = _VENDORS.get
register = _VENDORS.register
unregister = _VENDORS.unregister
