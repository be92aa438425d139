"""The vendors that report, by the first part of their paths; each is imported when it first reports."""

from drumbeat.core.registry import Registry
from drumbeat.sandbox.reports.base import Reporter

_REPORTERS: Registry[Reporter] = Registry(
    "reporter",
    {
        "mailgun": "drumbeat.sandbox.reports.mailgun:REPORTER",
        "resend": "drumbeat.sandbox.reports.resend:REPORTER",
        "postmark": "drumbeat.sandbox.reports.postmark:REPORTER",
        "ses": "drumbeat.sandbox.reports.ses:REPORTER",
        "http": "drumbeat.sandbox.reports.http:REPORTER",
    },
)

names = _REPORTERS.names
get = _REPORTERS.get
