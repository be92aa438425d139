"""The arguments of a step, filled with an event: its target when it is planned, everything when it is first opened."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from drumbeat.core.address import InvalidAddress, normalise
from drumbeat.core.configuration import Step, Tree
from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.templating import LONGEST_OUTPUT, Unfillable, compile_text

type Variables = Mapping[str, Any]

LONGEST_LINE = 2000  # characters of a subject, a header, a path, a channel

# Line ends and other control characters: what would begin a header of its own; and halves of characters.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HALVES = re.compile("[\ud800-\udfff]")


class Unusable(DrumbeatError):
    """An argument cannot be made of this event. The reason names the argument and holds nothing of the event."""


def target(step: Step, seen: Variables) -> str:
    """Return whom or what a step acts on: a person's address, `METHOD path`, a channel; for posts the account.

    Raises:
        Unusable: it cannot be told from this event.
    """
    match step.action:
        case "send_email":
            return address(step, "to", seen)
        case "upsert_contact":
            return address(step, "email", seen)
        case "call":
            return f"{method(step)} {path(step, seen)}"
        case "post_message" if step.arguments.get("channel") is not None:
            return line(step, "channel", seen)
        case _:
            return step.account


def address(step: Step, name: str, seen: Variables) -> str:
    """Return an argument as one plain address."""
    try:
        return normalise(text(step.arguments.get(name), name, seen))
    except InvalidAddress as error:
        raise Unusable(f"{name} is not an address: {error}") from None


def method(step: Step) -> str:
    """Return the HTTP method; it is the same for every event."""
    return str(step.arguments["method"]).upper()


def path(step: Step, seen: Variables) -> str:
    """Return the path of a call; nothing of the event may lead out of the account's base URL."""
    found = line(step, "path", seen)
    if any(unquote(part) in (".", "..") for part in re.split(r"[/\\?#]", found)):
        raise Unusable("path holds a . or .. of its own; fill it with `| urlencode`")
    return found


def line(step: Step, name: str, seen: Variables) -> str:
    """Return an argument that must stay on one line."""
    return one_line(text(step.arguments.get(name), name, seen), name)


def lines(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of one-line values, in the order of their names."""
    given = step.arguments.get(name) or {}
    assert isinstance(given, Mapping)
    return {key: one_line(text(given[key], f"{name}.{key}", seen), f"{name}.{key}") for key in sorted(given)}


def texts(step: Step, name: str, seen: Variables) -> dict[str, str]:
    """Return a mapping of values, in the order of their names."""
    given = step.arguments.get(name) or {}
    assert isinstance(given, Mapping)
    return {key: text(given[key], f"{name}.{key}", seen) for key in sorted(given)}


def body(step: Step, seen: Variables) -> str:
    """Return the body of a call: text as it is, anything else as JSON whose texts are filled."""
    given = step.arguments.get("body")
    if given is None or isinstance(given, str):
        return text(given, "body", seen)
    made = json.dumps(_filled(given, seen), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if len(made) > LONGEST_OUTPUT:
        raise Unusable(f"body grows over {LONGEST_OUTPUT // 1024} KiB")
    return made


def text(source: Tree, name: str, seen: Variables, *, html: bool = False) -> str:
    """Fill one text; null and absent are empty, other plain values as JSON writes them."""
    if source is None:
        return ""
    if not isinstance(source, str):
        return json.dumps(source)
    try:
        filled = compile_text(source, html=html)(seen)
    except Unfillable as error:
        raise Unusable(f"{name}: {error}") from None
    if _HALVES.search(filled):
        raise Unusable(f"{name} holds half a character")
    return filled


def one_line(value: str, name: str) -> str:
    """Return the value without space around it; raises Unusable when it is not one line."""
    value = value.strip()
    if _BREAKS.search(value):
        raise Unusable(f"{name} holds a line break or control character")
    if len(value) > LONGEST_LINE:
        raise Unusable(f"{name} is longer than {LONGEST_LINE:,} characters")
    return value


def _filled(tree: Tree, seen: Variables) -> Tree:
    if isinstance(tree, str):
        return text(tree, "body", seen)
    if isinstance(tree, Mapping):
        return {name: _filled(branch, seen) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_filled(branch, seen) for branch in tree]
    return tree
