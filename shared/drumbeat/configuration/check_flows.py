"""Checks of flows: what their steps refer to, and whether their texts fit their place."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.configuration import document_models, plain_credentials
from drumbeat.configuration.check_lists import check_mail
from drumbeat.configuration.declared_models import arguments_model
from drumbeat.configuration.document_types import HEADER, NAME_RULE
from drumbeat.configuration.surroundings import Surroundings
from drumbeat.configuration.validation import read_form
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.address import mailbox
from drumbeat.core.configuration import NAME
from drumbeat.core.errors import InvalidAddress
from drumbeat.core.suggestions import instead
from drumbeat.planning import actions
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.templating import TemplateSyntaxError
from drumbeat.planning.text_checks import uses
from drumbeat.providers import registry as providers


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands in `with:` of one step; a field that stands there and is wrong is there as None."""

    action: ActionType
    given: Mapping[str, Any]


# Variables that are not there in the steps of flows, or of campaigns, and what to write instead.
NOT_IN_FLOWS = {
    "lead": "lead is only known in the steps of a campaign; what the event says of a person is in payload",
    "campaign": "campaign is only known in the steps of a campaign; payload.campaign is the name of one that fired",
    "run": "run is only known in the steps of a campaign; take it out",
}
NOT_IN_CAMPAIGNS = {"payload": "payload is only known in the steps of a flow; what is known of a person is in lead"}


def check_ids(names: list[object], path: Path, document: Document) -> None:
    """Note ids of steps that are no names, and those that stand twice."""
    for index, name in enumerate(names):
        if isinstance(name, str) and not re.fullmatch(NAME, name):
            document.wrong((*path, index, "id"), f"{name!r} cannot be a name: {NAME_RULE}")
        if isinstance(name, str) and name in names[:index]:
            document.wrong((*path, index, "id"), f"step {name} is there twice; give each its own id")


def check_order(steps: list[document_models.Step | None], names: list[object], path: Path, document: Document) -> None:
    """Note references to no step, and steps that wait for each other."""
    known = [name for name in names if isinstance(name, str)]
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
        mailbox(text)
    except InvalidAddress as error:
        return str(error)
    return None


def check_step(
    step: document_models.Action,
    path: Path,
    document: Document,
    around: Surroundings,
    *,
    foreign: Mapping[str, str] = NOT_IN_FLOWS,
) -> Arguments | None:
    """Note what is wrong with a step beyond its form; return its arguments if enough is left of them.

    `foreign` are the variables that its texts cannot use, and what to write instead.
    """
    _check_account(step, path, document, around)
    if step.action not in (known := actions.names()):
        document.wrong((*path, "action"), f"there is no action {step.action}; {instead(step.action, known)}")
        return None
    action, place = actions.get(step.action), (*path, "with")
    read = read_form(arguments_model(action), step.with_, place, document)
    if read is None:
        return None
    right = read.model_dump(by_alias=True, exclude_unset=True)
    given = {name: right.get(name) for name in action.arguments if name in step.with_}
    for name, argument in action.arguments.items():
        _check_argument(name, argument, given.get(name), place, document)
    _check_variables(Arguments(action, given), place, document, around, foreign)
    for where, problem in action.problems(given, around.templates):
        document.wrong((*place, *where), problem)
    if action.name == "call":
        _check_call(step, given, place, document, around)
    if action.name == "send_email":
        check_mail(given, place, document, around)
    return Arguments(action, given)


def _check_variables(
    arguments: Arguments, place: Path, document: Document, around: Surroundings, foreign: Mapping[str, str]
) -> None:
    texts = [
        (name, text)
        for name, value in arguments.given.items()
        if arguments.action.arguments[name].kind is not Kind.VERBATIM
        for text in texts_of(value)
    ]
    texts += [("template", text) for text in arguments.action.template_texts(arguments.given, around.templates)]
    found = {(name, advice) for name, text in texts for variable, advice in foreign.items() if _uses(text, variable)}
    for name, advice in sorted(found):
        document.wrong((*place, name), f"{name}: {advice}")


def _uses(text: str, variable: str) -> bool:
    """Return whether a text uses a variable; what is wrong with one of a file is said where that stands."""
    try:
        return uses(text, variable)
    except (TemplateSyntaxError, RecursionError):
        return False


def _check_call(
    step: document_models.Action, given: Mapping[str, Any], place: Path, document: Document, around: Surroundings
) -> None:
    """Note a credential in the path, and headers that the account's provider sets itself."""
    if given.get("path") is not None:
        plain_credentials.check_path(given["path"], (*place, "path"), document)
    account = around.accounts.get(step.account)
    if account is None or account.provider not in providers.names():
        return
    own: Collection[str] = getattr(providers.get(account.provider), "own_headers", frozenset())
    for header in given.get("headers") or {}:
        if header.lower() in own:
            document.warn(
                (*place, "headers", header), f"{header} is set for you, and this one is never sent; delete it"
            )


def _check_argument(name: str, argument: Argument, value: Any, place: Path, document: Document) -> None:  # noqa: ANN401
    if value is None:
        return
    texts = () if argument.kind is Kind.VERBATIM else texts_of(value)
    if argument.in_target and any(uses(text, "effect_id") for text in texts):
        document.wrong((*place, name), f"effect_id is not known yet where {name} is filled; use event.id")
    elif argument.kind is Kind.ADDRESS and "{" not in value and (fault := _no_address(value)):
        document.wrong((*place, name), f"{name} is not an address: {fault}; write one, or {{{{ payload.email }}}}")
    if argument.kind is Kind.HEADERS:
        plain_credentials.check_headers(value, (*place, name), document)
        for header in value:
            if not re.fullmatch(HEADER, header):
                document.wrong((*place, name, header), f"{header!r} is no header name; use letters, digits and -")
    if argument.kind is Kind.PROPERTIES:
        for key in (key for key, given in value.items() if given is None):
            document.warn(
                (*place, name, key), f'{key} is null, which clears it; write "" to say so, or delete the line'
            )


def _check_account(step: document_models.Action, path: Path, document: Document, around: Surroundings) -> None:
    if step.account not in around.accounts:
        document.wrong(
            (*path, "account"), f"there is no account {step.account}; {instead(step.account, around.accounts)}"
        )
        return
    account = around.accounts[step.account]
    if account is None or account.provider not in providers.names() or step.action not in actions.names():
        return
    able_to = providers.get(account.provider).actions
    if step.action not in able_to:
        able = [name for name in providers.names() if step.action in providers.get(name).actions]
        document.wrong(
            (*path, "action"),
            f"account {step.account} is at {account.provider}, which can only {', '.join(sorted(able_to))}; "
            + (
                f"{step.action} needs an account at {' or '.join(able)}"
                if able
                else f"no provider can {step.action} yet"
            ),
        )


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


def texts_of(tree: object) -> Iterator[str]:
    """Yield every text of a value."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for branch in tree.values():
            yield from texts_of(branch)
    elif isinstance(tree, list):
        for branch in tree:
            yield from texts_of(branch)
