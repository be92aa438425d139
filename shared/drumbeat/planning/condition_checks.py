"""Checks of the conditions and mappings (JMESPath) in a configuration, and what can be seen of them.

Each check raises ValueError whose message says what to write instead.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, LexerError, ParseError
from jmespath.functions import Functions

from drumbeat.core.numbers import BEYOND, is_exact
from drumbeat.core.suggestions import instead, instead_of_name, misspelt
from drumbeat.planning.conditions import NAMES

DEEPEST_EXPRESSION = 100  # levels: pipes, dots and brackets each are one

type Node = Mapping[str, Any]

_EXAMPLE = "write something like payload.country == 'DE', with texts in single quotes"
_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
# Questions about what happened after the event: they need more than the event to answer.
_SINCE = frozenset({"accepted", "bounced", "clicked", "complained", "delivered", "opened", "replied", "unsubscribed"})
_GIVE_NO_LIST = frozenset({"abs", "avg", "ceil", "contains", "ends_with", "floor", "join", "length", "starts_with"}) | {
    *("sum", "to_number", "to_string", "type")
}
# Nodes whose first child alone is looked up where the whole expression is.
_FIRST_CHILD = frozenset(
    {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "slice"}
    | {"pipe"}
)
# What other languages write, at the place where JMESPath stops reading, and what is written here.
_ELSEWHERE = (
    (r"(and|or|not|in)\b", _WORDS_FOR_OPERATORS := "write && for and, || for or, ! for not, contains(list, x) for in"),
    (r"[&<>=!]", "the operators are ==, !=, <, <=, >, >=, &&, || and !"),
    (r"-", 'a name with a - stands in double quotes, like payload."first-name"'),
    (r"[“”„‘’«»]", "a text stands in straight single quotes, like 'DE'"),
    (r"\{", "it stands without {{ }}"),
)
_QUOTED = re.compile(r"'[^']*'|`[^`]*`")
_WORDS = frozenset({"true", "false", "null"})
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # what needs no quotes as a name


def check_condition(expression: str) -> str:
    """Check a condition over type, source and payload, and return it."""
    tree = _parsed(expression)
    for name in sorted(set(_roots(tree)) - set(NAMES)):
        raise ValueError(f"a condition sees {', '.join(NAMES)}, not {name}; {_advice(name, tree, expression)}")
    return expression


def check_mapping(expression: str) -> str:
    """Check where a field is found in a delivered body, and return it."""
    _parsed(expression)
    return expression


def check_split(expression: str) -> str:
    """Check where the facts of a delivery are found in its body, and return it."""
    if _never_a_list(_parsed(expression)):
        raise ValueError("split never gives a list, so nothing would be done for any delivery; write where the list is")
    return expression


def filters(expression: str) -> bool:
    """Return whether an expression that was checked leaves out elements of a list by a condition."""
    return any(node["type"] == "filter_projection" for node in _nodes(jmespath.compile(expression).parsed))


def pinned_sources(condition: str) -> frozenset[str]:
    """Return the sources that a condition lets through, if it says so as plainly as `source == 'shop'`; else none."""
    return _pinned(jmespath.compile(condition).parsed) or frozenset()


def condition_fields(condition: str) -> set[str]:
    """Return the fields of the payload that a condition that was checked looks at."""
    paths = [
        node["children"][:2] for node in _nodes(jmespath.compile(condition).parsed) if node["type"] == "subexpression"
    ]
    return {
        str(second["value"])
        for first, second in paths
        if (first["type"], first.get("value"), second["type"]) == ("field", "payload", "field")
    }


def _never_a_list(node: Node) -> bool:
    match node["type"]:
        case "pipe" | "subexpression":
            return _never_a_list(node["children"][-1])
        case "literal":
            return not isinstance(node["value"], list)
        case "function_expression":
            return node["value"] in _GIVE_NO_LIST
    return node["type"] in ("multi_select_dict", "comparator", "not_expression")


def _advice(name: str, tree: Node, expression: str) -> str:
    """Say what to write for a name that there is not: perhaps it is a text without its quotes."""
    if f'"{name}"' in expression:
        return f"a text stands in single quotes: '{name}'"
    if any(name == side["value"] for side in _compared_names(tree)) and misspelt(name, NAMES) is None:
        return f"write '{name}' with single quotes if it is a text, payload.{name} if it is a field"
    return instead_of_name(name, NAMES)


def _pinned(node: Node) -> frozenset[str] | None:
    """Return the only sources for which a condition can hold, None where it does not say."""
    children = node["children"]
    match node["type"]:
        case "and_expression":
            return next((found for child in children if (found := _pinned(child)) is not None), None)
        case "or_expression":
            either = [_pinned(child) for child in children]
            return None if None in either else frozenset().union(*(one for one in either if one is not None))
        case "comparator" if node["value"] == "eq":
            sides = {side["type"]: side.get("value") for side in children}
            if sides.get("field") == "source" and isinstance(sides.get("literal"), str):
                return frozenset([sides["literal"]])
    return None


def _parsed(expression: str) -> Node:
    try:
        tree: Node = jmespath.compile(expression).parsed
    except (LexerError, ParseError) as error:
        raise ValueError(_unread(expression, getattr(error, "lex_position", None))) from None
    except (JMESPathError, RecursionError, ValueError):
        raise ValueError(f"not JMESPath: {_EXAMPLE}") from None
    for node in _nodes(tree):
        _check_node(node)
    for side in _compared_names(tree):
        _check_side(str(side["value"]), expression)
    return tree


def _unread(expression: str, position: int | None) -> str:
    if position is None:
        return f"not JMESPath: {_EXAMPLE}"
    rest = expression[position:]
    if number := re.match(r"-?\d+", rest):
        return f"not JMESPath at character {position + 1}: a number stands in backticks: `{number[0]}`"
    advice = next((advice for pattern, advice in _ELSEWHERE if re.match(pattern, rest)), None)
    if advice is None and re.search(r"\b(and|or|not|in)\b", _QUOTED.sub("", expression)):
        advice = _WORDS_FOR_OPERATORS
    return f"not JMESPath at character {position + 1}: {advice or _EXAMPLE}"


def _check_node(node: Node) -> None:
    match node["type"]:
        case "function_expression" if node["value"] in _SINCE - _FUNCTIONS:
            raise ValueError(
                f"conditions on what happened since, such as {node['value']}(), are not supported yet; take it out"
            )
        case "function_expression" if node["value"] not in _FUNCTIONS:
            raise ValueError(f"there is no function {node['value']}; {instead(node['value'], _FUNCTIONS)}")
        case "subexpression" if node["children"][0]["type"] == "not_expression":
            raise ValueError("! binds tighter than the dot here; put brackets around the path: !(payload.name)")
        case "literal" if not _is_exact(node["value"]):
            raise ValueError(f"a number {BEYOND}; compare texts, in single quotes")


def _is_exact(value: object) -> bool:
    if isinstance(value, list | dict):
        return all(map(_is_exact, value if isinstance(value, list) else value.values()))
    return not isinstance(value, int | float) or is_exact(value)


def _check_side(name: str, expression: str) -> None:
    """Refuse a name that stands in a comparison where a text, true, false or null is meant."""
    if name in _WORDS:
        raise ValueError(f"{name} stands in backticks, `{name}`; without them it is the name of a field")
    if _PLAIN.fullmatch(name) and re.search(rf'[=<>]\s*"{name}"|"{name}"\s*[=!<>]', expression):
        raise ValueError(
            f"a text stands in single quotes: '{name}'; double quotes name a field, and {name} needs none for that"
        )


def _compared_names(tree: Node) -> Iterator[Node]:
    """Yield what stands as a name alone in a comparison with something that is no literal."""
    for node in _nodes(tree):
        if node["type"] == "comparator" and all(side["type"] != "literal" for side in node["children"]):
            yield from (side for side in node["children"] if side["type"] == "field")


def _nodes(tree: Node) -> Iterator[Node]:
    todo, deepest = [(tree, 1)], DEEPEST_EXPRESSION
    while todo:
        node, depth = todo.pop()
        if depth > deepest:
            raise ValueError(f"an expression that nests over {deepest} levels deep; write a simpler one")
        yield node
        todo += [(child, depth + 1) for child in node["children"] if isinstance(child, Mapping)]


def _roots(node: Node) -> Iterator[str]:
    """Yield the names that an expression looks up where it begins."""
    kind, children = node["type"], node["children"]
    # Names inside a projection's condition or a function's expression belong to its elements.
    if kind == "field":
        yield node["value"]
    elif kind in _FIRST_CHILD:
        yield from _roots(children[0])
    elif kind != "expref":
        for child in children:
            if isinstance(child, Mapping):
                yield from _roots(child)
