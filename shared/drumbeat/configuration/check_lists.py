"""Checks of lists and forms, and of the mails that belong to a list: those that people must be able to leave."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from drumbeat.configuration import document_models
from drumbeat.configuration.surroundings import Surroundings
from drumbeat.configuration.template_parts import names_set_in
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.configuration import Template
from drumbeat.core.suggestions import instead
from drumbeat.planning import actions, list_headers
from drumbeat.planning.context import OF_RUNS
from drumbeat.planning.text_checks import faults, literal_parts, uses
from drumbeat.providers import registry as providers

# Domains that no one can have (RFC 2606, RFC 6761).
_RESERVED = ("example.com", "example.net", "example.org", "example", "test", "invalid", "localhost")

type Words = tuple[str, ...]  # of one part of a mail: its own text, then those of the files that it uses

_ONLY_IN_CAMPAIGNS = "which is only known in the steps of a campaign; take it out"
_FOR_CONFIRMATION = "it is only known in the mail that asks to confirm a list"


def check_lists(
    lists: Mapping[str, document_models.MailingList | None], document: Document, around: Surroundings
) -> None:
    """Note what a list's confirmation refers to and is not there, and a mail in which a person could not confirm."""
    for name, mailing_list in lists.items():
        if mailing_list is None or mailing_list.confirm is None:
            continue
        path = ("lists", name, "confirm")
        if around.defaults.public_url is None and not document.has(("defaults", "public_url")):
            document.wrong(path, "a person confirms on a page: give its address as public_url under defaults")
        _check_account(mailing_list.confirm, path, document, around)
        _check_template(mailing_list.confirm.template, path, document, around)


def check_public_url(defaults: document_models.Defaults, document: Document) -> None:
    """Warn of an address of an example, where links in mails lead to it."""
    host = urlsplit(defaults.public_url or "").hostname or ""
    if any(f".{host}".endswith(f".{domain}") for domain in _RESERVED):
        document.warn(
            ("defaults", "public_url"),
            f"{host} is an address for examples: links in mails would lead nowhere; write where people reach this"
            " deployment",
        )


def _check_account(confirm: document_models.Confirm, path: Path, document: Document, around: Surroundings) -> None:
    if confirm.account not in around.accounts:
        document.wrong(
            (*path, "account"), f"there is no account {confirm.account}; {instead(confirm.account, around.accounts)}"
        )
        return
    account = around.accounts[confirm.account]
    if account is None or account.provider not in providers.names():
        return
    if "send_email" not in providers.get(account.provider).actions:
        document.wrong((*path, "account"), f"{confirm.account} is at {account.provider}, which sends no mail")


def _check_template(name: str, path: Path, document: Document, around: Surroundings) -> None:
    given = {"to": "{{ payload.email }}", "template": name}
    found = list(actions.get("send_email").problems(given, around.templates))
    for where, problem in found:
        document.wrong((*path, *where), problem)
    if found:
        return
    template = around.templates[name]
    for part, words in [("subject", (template.subject or "",)), *_bodies(template, {})]:
        if _use(words, "payload"):
            document.warn(
                (*path, "template"),
                f"the {part} of {name} uses payload: what a stranger types into a form beside an address would be sent"
                " there in your name, links too; take it out",
            )
        for variable in OF_RUNS:
            if _use(words, variable):
                document.wrong((*path, "template"), f"the {part} of {name} uses {variable}, {_ONLY_IN_CAMPAIGNS}")
    for part, words in _bodies(template, {}):
        if not _use(words, "confirm_url"):
            document.wrong(
                (*path, "template"), f"the {part} of {name} holds no {{{{ confirm_url }}}}: nothing could be confirmed"
            )
        if _use(words, "unsubscribe_url"):
            document.wrong(
                (*path, "template"),
                f"the {part} of {name} uses unsubscribe_url, and there is nothing yet to unsubscribe from; take it out",
            )


def check_form(
    source: document_models.FormSource,
    path: Path,
    document: Document,
    lists: Mapping[str, document_models.MailingList | None],
    *,
    public_url: str | None,
) -> None:
    """Note what a form lacks: an address, a list that is there, and a page where a person can be answered."""
    page = source.form
    if page.fields.get("email") != "required":
        document.wrong(
            (*path, "form", "fields"), "a form needs the person's address: write email: required among its fields"
        )
    if page.honeypot is not None and page.honeypot in page.fields:
        document.wrong(
            (*path, "form", "honeypot"),
            f"{page.honeypot} is a field that people fill; the honeypot needs a name of its own",
        )
    if source.list is None:
        return
    if source.type != "LEAD_CAPTURE":
        document.wrong((*path, "type"), "a form that signs up for a list makes LEAD_CAPTURE events; delete type")
    if source.list not in lists:
        document.wrong((*path, "list"), f"there is no list {source.list}; {instead(source.list, lists)}")
    elif public_url is None and not document.has(("defaults", "public_url")):
        document.wrong((*path, "list"), "people must be able to leave a list: give public_url under defaults")


def check_mail(given: Mapping[str, Any], place: Path, document: Document, around: Surroundings) -> None:
    """Note what a marketing mail lacks, and what a transactional one cannot have. A mail with a list is marketing."""
    name = given.get("list")
    bodies = list(_bodies(_template(given, around), given))
    headers = [value for value in (given.get("headers") or {}).values() if isinstance(value, str) and not faults(value)]
    words_of_mail = [*headers, *(words for _, several in bodies for words in several)]
    if _use(words_of_mail, "confirm_url"):
        document.wrong(place, f"confirm_url is used here, and {_FOR_CONFIRMATION}")
    if name is None:
        if _use(words_of_mail, "unsubscribe_url"):
            document.wrong(
                place,
                "unsubscribe_url is used, and a mail without a list is transactional: nothing could be unsubscribed"
                " from. Say which list it belongs to, like list: newsletter, or take the link out",
            )
        return
    if name not in around.lists:
        document.wrong(
            (*place, "list"),
            f"there is no list {name}; "
            + (
                instead(name, around.lists)
                if around.lists
                else "a mail with a list goes only to people who agreed to it: describe it under lists, or delete this"
            ),
        )
        return
    for setting in ("public_url", "postal_address"):
        if getattr(around.defaults, setting) is None and not document.has(("defaults", setting)):
            document.wrong((*place, "list"), f"a mail to a list needs {setting} under defaults; add it there")
    _check_words(bodies, place, document, around.defaults.postal_address)
    own = {header.lower() for header in list_headers.NAMES}
    for header in given.get("headers") or {}:
        if header.lower() in own:
            document.wrong((*place, "headers", header), f"{header} is set for you in a mail to a list; delete it")


def _check_words(bodies: list[tuple[str, Words]], place: Path, document: Document, postal_address: str | None) -> None:
    for part, words in bodies:
        if not _use(words, "unsubscribe_url"):
            document.wrong(
                place,
                f"the {part} of a mail to a list must hold {{{{ unsubscribe_url }}}}, so that people can leave it",
            )
        if not _use(words, "postal_address") and not _holds(words, postal_address):
            document.wrong(
                place, f"the {part} of a mail to a list must hold the sender's postal address: {{{{ postal_address }}}}"
            )


def _use(words: Iterable[str], variable: str) -> bool:
    return any(uses(each, variable) for each in words)


def _holds(words: Words, postal_address: str | None) -> bool:
    if postal_address is None:
        return False
    written = " ".join(part for each in words for part in literal_parts(each))
    return " ".join(postal_address.split()) in " ".join(written.split())


def _template(given: Mapping[str, Any], around: Surroundings) -> Template:
    return around.templates.get(given.get("template") or "") or Template(None, None, None)


def _bodies(template: Template, given: Mapping[str, Any]) -> Iterator[tuple[str, Words]]:
    """Yield all texts of each part of a mail by the part's name; the step's own win over the template's.

    Words that are no template are a mistake elsewhere, and left out here.
    """
    for part in ("text", "html"):
        own = (given[part],) if part in given else template.sources(part)
        written = [each for each in own if isinstance(each, str) and each.strip()]
        if written and not any(faults(each, beside=names_set_in(written)) for each in written):
            yield part, tuple(written)
