"""The words by the name of the provider whose account a source speaks for; each is imported when it is first read."""

from drumbeat.core.registry import Registry
from drumbeat.providers.words.base import Words

GENERIC = "http"  # the form for senders of the user's own, and for providers that have no words here

_WORDS: Registry[Words] = Registry(
    "feedback",
    {
        "http": "drumbeat.providers.words.generic:WORDS",
        "mailgun": "drumbeat.providers.words.mailgun:WORDS",
        "postmark": "drumbeat.providers.words.postmark:WORDS",
        "resend": "drumbeat.providers.words.resend:WORDS",
        "ses": "drumbeat.providers.words.ses:WORDS",
    },
)


def of(provider: str) -> Words:
    """Return the words of a provider: its own, or else the generic form."""
    return _WORDS.get(provider if provider in _WORDS.names() else GENERIC)
