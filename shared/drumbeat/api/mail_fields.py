"""The mail in a request to a provider: each writes its parts under names of its own."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailFields:
    """What a person gets to see of a mail."""

    subject: str
    text: str | None
    html: str | None


def mail_of(fields: Mapping[str, object]) -> MailFields | None:
    """Return the mail of a request's fields; None: they are none."""
    for found in (_plain(fields), _postmark(fields), _ses(fields)):
        subject, text, html = (value if isinstance(value, str) else None for value in found)
        if subject is not None and (text or html) is not None:
            return MailFields(subject, text, html)
    return None


def _plain(fields: Mapping[str, object]) -> tuple[object, ...]:
    return fields.get("subject"), fields.get("text"), fields.get("html")


def _postmark(fields: Mapping[str, object]) -> tuple[object, ...]:
    return fields.get("Subject"), fields.get("TextBody"), fields.get("HtmlBody")


def _ses(fields: Mapping[str, object]) -> tuple[object, ...]:
    simple = _inner(_inner(fields, "Content"), "Simple")
    body = _inner(simple, "Body")
    return tuple(_inner(part, name).get("Data") for part, name in ((simple, "Subject"), (body, "Text"), (body, "Html")))


def _inner(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}
