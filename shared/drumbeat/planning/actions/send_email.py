"""`send_email`: one mail to one person, in the step's own words or a template's."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from drumbeat.core import actions
from drumbeat.core.address import deliverable, mailbox
from drumbeat.core.configuration import Config, Step, Template
from drumbeat.core.errors import InvalidAddress
from drumbeat.core.suggestions import instead
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import Unusable, address, line, lines, one_line, text
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_bodies import bodies

# Headers that other fields, or the provider, fill.
_OWN_HEADERS: Mapping[str, str] = {
    "to": "use `to`; each mail goes to one person",
    "cc": "each mail goes to one person; add a step for another",
    "bcc": "each mail goes to one person; add a step for another",
    "subject": "use `subject`",
    "from": "set `from` in the account's settings",
    "sender": "set `from` in the account's settings",
} | dict.fromkeys(
    ("date", "message-id", "mime-version", "return-path", "content-type", "content-transfer-encoding"),
    "it is set for you; delete it",
)
# Each is one address; an empty one is left out.
_OF_ADDRESSES = frozenset({"reply-to", "errors-to", "disposition-notification-to", "return-receipt-to"})
_NO_TEMPLATE = Template(None, None, None)


class SendEmail(ActionType):
    """What stands in the step wins over the template's subject, text and HTML, each by itself."""

    name = "send_email"
    description = "One mail to one person; `subject` wins over the template's."
    arguments: Mapping[str, Argument] = {
        "to": Argument(Kind.ADDRESS, "the person's address", required=True, in_target=True),
        "subject": Argument(Kind.TEXT, "one line; without it the template's"),
        "text": Argument(Kind.TEXT, "the plain words; without them the template's"),
        "html": Argument(Kind.TEXT, "the words as HTML; without them the template's"),
        "template": Argument(Kind.VERBATIM, "the name of a template: of templates/NAME.mjml, NAME.html and NAME.txt"),
        "headers": Argument(Kind.HEADERS, "further headers of the mail"),
        "list": Argument(Kind.VERBATIM, "the list that the mail belongs to: it goes only to people who agreed to that"),
    }
    needs_consent = True

    def target(self, step: Step, config: Config, seen: Variables) -> str:  # noqa: ARG002
        """Return the person's address."""
        return address(step, "to", seen)

    def list_of(self, step: Step, semantics: int) -> str | None:
        """Return the mail's list; by semantics 1 to 3 it was a word for the provider's counts."""
        name = step.arguments.get("list") if semantics > 3 else None
        return name if isinstance(name, str) else None

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.SendEmail:
        """Fill the mail; an empty text beside HTML, or the reverse, is left out, and a mail without words is none."""
        words = words_of(step.arguments, config.templates)
        if not (subject := one_line(text(words.subject, "subject", seen), "subject")):
            raise Unusable("subject is empty")
        plain, html = bodies(words, seen)
        if seen.semantics >= 3:
            plain, html = (one if one and one.strip() else None for one in (plain, html))
            if plain is None and html is None:
                raise Unusable("text and html are empty")
        return actions.SendEmail(
            to=deliverable(address(step, "to", planned)),
            subject=subject,
            text=plain,
            html=html,
            headers=_headers(lines(step, "headers", seen), seen.semantics),
            list=self.list_of(step, seen.semantics) if seen.semantics > 3 else line(step, "list", seen) or None,
        )

    def problems(self, given: Mapping[str, Any], templates: Mapping[str, Template]) -> Iterator[tuple[list[str], str]]:
        """List a template that is not there, a missing subject, missing words, and headers that are not the step's."""
        name = given.get("template")
        if name is not None and name not in templates:
            yield (
                ["template"],
                (
                    f"there is no template {name}; {instead(name, templates)}"
                    if templates
                    else f"there is no template {name}; write templates/{name}.html beside this file"
                ),
            )
            return
        template = _template(given, templates)
        if not template.subject and "subject" not in given:
            yield [], "subject is missing; add it here or in the template's front matter"
        if isinstance(subject := given.get("subject"), str) and (fault := _no_line(subject)):
            yield ["subject"], f"{fault}, so no mail can be made of it; shorten it to one line"
        if template.text is None and template.markup is None and not given.keys() & {"text", "html"}:
            yield [], "a mail needs words: add template, text or html"
        for header, value in (given.get("headers") or {}).items():
            if advice := _OWN_HEADERS.get(header.lower()):
                yield ["headers", header], f"{header} cannot be set as a header: {advice}"
            elif fault := _no_address(header, value):
                yield ["headers", header], f"{header} is not an address: {fault}; write one, or {{{{ payload.email }}}}"

    def template_texts(self, given: Mapping[str, Any], templates: Mapping[str, Template]) -> Iterator[str]:
        """List the template's texts that the step does not replace."""
        template = _template(given, templates)
        if template.subject is not None and given.get("subject") is None:
            yield template.subject
        if template.preheader is not None:
            yield template.preheader
        for name in ("html", "text"):
            if given.get(name) is None:
                yield from template.sources(name)


def _headers(filled: Mapping[str, str], semantics: int) -> dict[str, str]:
    """Write the headers that are addresses as they have to be; by semantics 1 every header is what was filled in."""
    if semantics == 1:
        return dict(filled)
    return {
        name: _mailbox(name, value, semantics) if name.lower() in _OF_ADDRESSES else value
        for name, value in filled.items()
        if value or name.lower() not in _OF_ADDRESSES
    }


def _mailbox(header: str, value: str, semantics: int) -> str:
    try:
        return str(mailbox(value, semantics))
    except InvalidAddress as error:
        raise Unusable(f"headers.{header} is not an address: {error}") from None


def _no_line(subject: str) -> str | None:
    """Return why a written subject is not one line; one that is filled is not known."""
    if "{" in subject:
        return None
    try:
        one_line(subject, "subject")
    except Unusable as error:
        return str(error)
    return None


def _no_address(header: str, value: object) -> str | None:
    """Return what is wrong with a written header that has to be an address; one that an event fills is not known."""
    if header.lower() not in _OF_ADDRESSES or not isinstance(value, str) or "{" in value:
        return None
    try:
        mailbox(value)
    except InvalidAddress as error:
        return str(error)
    return None


def words_of(given: Mapping[str, Any], templates: Mapping[str, Template]) -> Template:
    """Return what a mail is made of before it is filled: what the step writes itself wins, each by itself."""
    own = {name: words for name in ("subject", "text", "html") if (words := given.get(name)) is not None}
    template = _template(given, templates)
    return replace(template, mjml=None if "html" in own else template.mjml, **own)


def _template(given: Mapping[str, Any], templates: Mapping[str, Template]) -> Template:
    name = given.get("template")
    return _NO_TEMPLATE if name is None else templates.get(name, _NO_TEMPLATE)


ACTION = SendEmail()
