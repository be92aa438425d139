"""`call`: one HTTP request to a receiver of the user's own."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step, Template
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import Unusable, is_literal, json_text, line, lines, text
from drumbeat.planning.context import Variables
from drumbeat.planning.paths import flaw, is_empty

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)


class Call(ActionType):
    """The target is method and path, so that two steps may call two paths for one event."""

    name = "call"
    description = "One HTTP request to a receiver of your own; a body that is not text is sent as JSON."
    arguments: Mapping[str, Argument] = {
        "method": Argument(Kind.VERBATIM, "the HTTP method", required=True, choices=actions.METHODS),
        "path": Argument(Kind.TEXT, "the path below the account's `base_url`", required=True, in_target=True),
        "headers": Argument(Kind.HEADERS, "further headers of the request; one that comes out empty is left out"),
        "body": Argument(
            Kind.CONTENT, "text as it is, anything else as JSON; a value that is one expression alone keeps its type"
        ),
    }

    def target(self, step: Step, config: Config, seen: Variables) -> str:  # noqa: ARG002
        """Return `METHOD path`."""
        return f"{_method(step)} {_path(step, seen)}"

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.Call:  # noqa: ARG002
        """Fill the request."""
        return actions.Call(
            method=_method(step),
            path=_path(step, planned),
            body=_body(step, seen),
            headers=lines(step, "headers", seen),
        )

    def problems(self, given: Mapping[str, Any], templates: Mapping[str, Template]) -> Iterator[tuple[list[str], str]]:  # noqa: ARG002
        """List a path that leads out of the account's base URL as it is written."""
        path = given.get("path")
        if path is not None and is_literal(path) and (found := flaw(path)):
            yield ["path"], f"path leads out of the account's base_url: it holds {found}; write it without"


def _method(step: Step) -> str:
    return str(step.arguments["method"]).upper()


def _path(step: Step, seen: Variables) -> str:
    """Return the path; nothing of the event may lead out of the account's base URL.

    Nor may a value that is empty make it another path: `/leads/{{ payload.id }}` never meant `DELETE /leads/`.
    """
    found = line(step, "path", seen)
    if any(unquote(part) in (".", "..") for part in re.split(r"[/\\?#]", found)):
        raise Unusable("path holds a . or .. of its own; it takes no value that leads to another place")
    if seen.semantics >= 3:
        if flawed := flaw(found):
            raise Unusable(f"path holds {flawed}; it takes no value that leads to another place")
        if _lacks_a_part(str(step.arguments["path"]), found):
            raise Unusable("path has an empty part where a value is filled in; give it one, or write a `default`")
    return found


def _lacks_a_part(source: str, found: str) -> bool:
    """Return whether a part of the path is empty that the document does not write so."""
    if is_literal(source):
        return False
    written, filled = (_parts(text) for text in (_EXPRESSION.sub("x", source), found))
    if written == ["x"]:  # the event gives the whole path
        return all(map(is_empty, filled))
    return sum(map(is_empty, filled)) > sum(map(is_empty, written))


def _parts(path: str) -> list[str]:
    """Return the parts of a path: how often each was encoded is for `is_empty` to see."""
    return re.split("[?#]", path, maxsplit=1)[0].removeprefix("/").split("/")


def _body(step: Step, seen: Variables) -> str:
    """Return text as it is, anything else as JSON whose texts are filled."""
    given = step.arguments.get("body")
    return text(given, "body", seen) if given is None or isinstance(given, str) else json_text(given, "body", seen)


ACTION = Call()
