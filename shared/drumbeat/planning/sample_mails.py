"""A mail filled with made-up values, or with what is known of one person: to be looked at, and not to be sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Template
from drumbeat.planning.arguments import one_line, text
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_bodies import bodies, preheader_of
from drumbeat.planning.mail_checks import MailCheck, mail_checks
from drumbeat.planning.sample_values import sample_values


@dataclass(frozen=True, slots=True)
class SampleMail:
    """One mail as a person would get it."""

    subject: str
    preheader: str
    text: str | None
    html: str | None
    checks: list[MailCheck]


def sample_mail(template: Template, given: Mapping[str, Any], person: Mapping[str, Any] | None = None) -> SampleMail:
    """Fill a template; `given` wins over made-up values, and so does what is known of a person. Raises Unusable."""
    front = [words for words in (template.subject, template.preheader) if words]
    values = sample_values([*front, *template.sources("html"), *template.sources("text")], given)
    if person is not None:
        values["lead"] = dict(person)
        values["payload"] |= {name: value for name, value in person.items() if name in values["payload"]}
    seen = Variables(values, SEMANTICS)
    subject = one_line(text(template.subject, "subject", seen), "subject")
    preheader = preheader_of(template, seen)
    plain_words, html = bodies(template, seen)
    return SampleMail(subject, preheader, plain_words, html, mail_checks(html, plain_words))
