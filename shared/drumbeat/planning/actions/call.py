"""`call`: one HTTP request to a receiver of the user's own."""

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step, Tree
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import Unusable, Variables, line, lines, text
from drumbeat.planning.templating import LONGEST_OUTPUT


class Call(ActionType):
    """The target is method and path, so that two steps may call two paths for one event."""

    name = "call"
    description = "One HTTP request to a receiver of your own; a body that is not text is sent as JSON."
    arguments: Mapping[str, Argument] = {
        "method": Argument(Kind.VERBATIM, "the HTTP method", required=True, choices=actions.METHODS),
        "path": Argument(Kind.TEXT, "the path below the account's `base_url`", required=True, in_target=True),
        "headers": Argument(Kind.HEADERS, "further headers of the request"),
        "body": Argument(Kind.CONTENT, "text as it is, anything else as JSON"),
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


def _method(step: Step) -> str:
    return str(step.arguments["method"]).upper()


def _path(step: Step, seen: Variables) -> str:
    """Return the path; nothing of the event may lead out of the account's base URL."""
    found = line(step, "path", seen)
    if any(unquote(part) in (".", "..") for part in re.split(r"[/\\?#]", found)):
        raise Unusable("path holds a . or .. of its own; fill it with `| urlencode`")
    return found


def _body(step: Step, seen: Variables) -> str:
    """Return text as it is, anything else as JSON whose texts are filled."""
    given = step.arguments.get("body")
    if given is None or isinstance(given, str):
        return text(given, "body", seen)
    made = json.dumps(_filled(given, seen), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if len(made) > LONGEST_OUTPUT:
        raise Unusable(f"body grows over {LONGEST_OUTPUT // 1024} KiB")
    return made


def _filled(tree: Tree, seen: Variables) -> Tree:
    if isinstance(tree, str):
        return text(tree, "body", seen)
    if isinstance(tree, Mapping):
        return {name: _filled(branch, seen) for name, branch in tree.items()}
    if isinstance(tree, list):
        return [_filled(branch, seen) for branch in tree]
    return tree


ACTION = Call()
