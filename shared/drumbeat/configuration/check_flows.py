"""Checks of flows: what their steps refer to, and whether their texts fit their place."""

import re
from collections.abc import Collection, Iterator, Mapping

from drumbeat.configuration import document_models
from drumbeat.configuration.document_models import ARGUMENTS, HEADER, NAME, NAME_RULE
from drumbeat.configuration.validation import read_form
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.address import InvalidAddress, normalise
from drumbeat.core.configuration import Template
from drumbeat.core.suggestions import instead
from drumbeat.planning.expressions import payload_fields, pinned_source, uses
from drumbeat.providers import registry as providers

# The arguments that say whom or what a step acts on.
TARGETS: Mapping[str, tuple[str, ...]] = {
    "send_email": ("to",),
    "upsert_contact": ("email",),
    "call": ("path",),
    "post_message": ("channel",),
}
ADDRESSES = ("to", "email")
# Headers of a mail that other fields, or the provider, fill.
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


class Surroundings:
    """What a flow may refer to, as far as it is written down; None: it is there and has mistakes of its own."""

    def __init__(
        self,
        accounts: Mapping[str, document_models.Account | None],
        sources: Mapping[str, document_models.Source | None],
        templates: Mapping[str, Template],
    ) -> None:
        self.accounts = accounts
        self.sources = sources
        self.templates = templates


def check_order(steps: list[document_models.Step | None], names: list[object], path: Path, document: Document) -> None:
    """Note ids that stand twice, references to no step, and steps that wait for each other."""
    known = [name for name in names if isinstance(name, str)]
    for index, name in enumerate(names):
        if isinstance(name, str) and not re.fullmatch(NAME, name):
            document.wrong((*path, index, "id"), f"{name!r} cannot be a name: {NAME_RULE}")
        if isinstance(name, str) and name in names[:index]:
            document.wrong((*path, index, "id"), f"step {name} is there twice; give each its own id")
    after = {step.id: step.after for step in steps if step is not None and step.after is not None}
    reported: set[str] = set()
    for index, step in enumerate(steps):
        if step is None or step.after is None:
            continue
        if step.after not in known:
            others = [name for name in known if name != step.id]
            document.wrong((*path, index, "after"), f"there is no step {step.after}; {instead(step.after, others)}")
        elif step.id not in reported and (circle := _circle(step.id, after)):
            reported |= set(circle)
            document.wrong(
                (*path, index, "after"),
                f"steps wait for each other: {' after '.join([*circle, circle[0]])}; take one `after` out",
            )


def _no_address(text: str) -> str | None:
    try:
        normalise(text)
    except InvalidAddress as error:
        return str(error)
    return None


def check_step(
    step: document_models.Step, path: Path, document: Document, around: Surroundings
) -> document_models.Form | None:
    """Note what a step refers to in vain; return its arguments if they have no mistakes."""
    _check_account(step, path, document, around)
    form = ARGUMENTS.get(step.action)
    if form is None:
        document.wrong((*path, "action"), f"there is no action {step.action}; {instead(step.action, ARGUMENTS)}")
        return None
    place = (*path, "with")
    arguments = read_form(form, step.with_, place, document)
    if arguments is None:
        return None
    for name in TARGETS.get(step.action, ()):
        written = getattr(arguments, name) or ""
        if uses(written, "effect_id"):
            document.wrong((*place, name), f"effect_id is not known yet where {name} is filled; use event.id")
        elif name in ADDRESSES and "{" not in written and (fault := _no_address(written)):
            document.wrong((*place, name), f"{name} is not an address: {fault}; write one, or {{{{ payload.email }}}}")
    if isinstance(arguments, document_models.SendEmail):
        _check_mail(arguments, place, document, around.templates)
    headers: Mapping[str, str] = getattr(arguments, "headers", {})
    for name in headers:
        if not re.fullmatch(HEADER, name):
            document.wrong((*place, "headers", name), f"{name!r} is no header name; use letters, digits and -")
    return arguments


def check_sources(
    flow: document_models.FlowHead,
    steps: Collection[tuple[Path, document_models.Form]],
    path: Path,
    document: Document,
    around: Surroundings,
) -> None:
    """Note what a flow for one webhook source expects of it in vain."""
    source = around.sources.get(pinned_source(flow.when) or "") if flow.when else None
    if source is None:
        return
    if source.type != flow.on:
        document.wrong((*path, "on"), f"that source's events are {source.type}, so this flow would never run")
    if not source.map:
        return
    for place, arguments in steps:
        for field in sorted(set(_fields(arguments, around.templates)) - source.map.keys()):
            advice = instead(field, source.map)
            document.wrong(place, f"payload.{field} is used, and the source's map has no {field}; {advice}")


def _check_account(step: document_models.Step, path: Path, document: Document, around: Surroundings) -> None:
    if step.account not in around.accounts:
        document.wrong(
            (*path, "account"), f"there is no account {step.account}; {instead(step.account, around.accounts)}"
        )
        return
    account = around.accounts[step.account]
    if account is None or account.provider not in providers.names() or step.action not in ARGUMENTS:
        return
    actions = providers.get(account.provider).actions
    if step.action not in actions:
        able = [name for name in providers.names() if step.action in providers.get(name).actions]
        document.wrong(
            (*path, "action"),
            f"account {step.account} is at {account.provider}, which can only {', '.join(sorted(actions))}; "
            + (f"{step.action} needs an account at {' or '.join(able)}" if able else f"nobody can {step.action} yet"),
        )


def _check_mail(
    mail: document_models.SendEmail, path: Path, document: Document, templates: Mapping[str, Template]
) -> None:
    template = Template(None, None, None)
    if mail.template is not None:
        if mail.template not in templates:
            document.wrong(
                (*path, "template"),
                f"there is no template {mail.template}; {instead(mail.template, templates)}"
                if templates
                else f"there is no template {mail.template}; write templates/{mail.template}.html beside this file",
            )
            return
        template = templates[mail.template]
    if not (mail.subject or template.subject or document.has((*path, "subject"))):
        document.wrong(path, "subject is missing; add it here or in the template's front matter")
    words = (mail.text, mail.html, template.text, template.html)
    if all(text is None for text in words) and not any(document.has((*path, name)) for name in ("text", "html")):
        document.wrong(path, "a mail needs words: add template, text or html")
    for name in mail.headers:
        if advice := _OWN_HEADERS.get(name.lower()):
            document.wrong((*path, "headers", name), f"{name} cannot be set as a header: {advice}")


def _circle(start: str, after: Mapping[str, str]) -> list[str]:
    """Return the steps that wait for each other, beginning with this one; empty: it is not among such."""
    seen = [start]
    while (following := after.get(seen[-1])) is not None:
        if following == start:
            return seen
        if following in seen:
            return []
        seen.append(following)
    return []


def _fields(arguments: document_models.Form, templates: Mapping[str, Template]) -> Iterator[str]:
    """Yield the payload's fields that a step's texts use."""
    for text in _texts(arguments.model_dump()):
        yield from payload_fields(text)
    if isinstance(arguments, document_models.SendEmail) and (template := templates.get(arguments.template or "")):
        replaced = {"subject": arguments.subject, "html": arguments.html, "text": arguments.text}
        for name, words in (("subject", template.subject), ("html", template.html), ("text", template.text)):
            if words is not None and replaced[name] is None:
                yield from payload_fields(words)


def _texts(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from _texts(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from _texts(branch)
