"""Checks of what is written inside a configuration: texts (Jinja) and conditions and mappings (JMESPath).

Each function raises ValueError whose message says what to write instead.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import jmespath
from jinja2 import meta, nodes
from jmespath.exceptions import JMESPathError, LexerError, ParseError
from jmespath.functions import Functions

from drumbeat.core.suggestions import instead
from drumbeat.planning.conditions import NAMES
from drumbeat.planning.context import EVENT_FIELDS, VARIABLES
from drumbeat.planning.templating import FILTER_NAMES, GLOBALS, TemplateSyntaxError, compile_text, parse

NULL_FOR_NOW = frozenset({"lead", "campaign", "run", "variant"})  # present and null until campaigns have an audience
LONGEST_TEXT = 100_000  # characters
DEEPEST_EXPRESSION = 100  # levels: pipes, dots and brackets each are one

_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
# Questions about what happened after the event: they need more than the event to answer.
_SINCE = frozenset({"accepted", "bounced", "clicked", "complained", "delivered", "opened", "replied", "unsubscribed"})
# Nodes whose first child alone is looked up where the whole expression is.
_FIRST_CHILD = frozenset(
    {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "slice"}
    | {"pipe"}
)


def faults(source: str) -> list[tuple[int, str]]:
    """List (line, what to write instead) of everything wrong with a text: syntax, filters, variables."""
    if len(source) > LONGEST_TEXT:
        return [(1, f"a text of over {LONGEST_TEXT:,} characters; shorten it")]
    try:
        tree = parse(source)
        compile_text(source)
    except TemplateSyntaxError as error:
        return [(error.lineno, f"not a template: {_explain(error)}")]
    except (RecursionError, SyntaxError, MemoryError):  # Python refuses what Jinja made of it
        return [(1, "the text nests too deep; write a simpler one")]
    found = [
        (node.lineno, "include, extends and import are not supported; write the text out")
        for node in tree.find_all((nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport))
    ]
    return sorted({*found, *_unknown_variables(tree), *_unknown_fields(tree)})


def check_text(source: str) -> str:
    """Check a text as `faults` does, and return it."""
    if wrong := faults(source):
        lines = source.count("\n")
        raise ValueError("; ".join(message + (f" (its line {line})" if lines else "") for line, message in wrong))
    return source


def uses(source: str, variable: str) -> bool:
    """Return whether a text that was checked uses a variable."""
    return variable in meta.find_undeclared_variables(parse(source))


def payload_fields(source: str) -> set[str]:
    """Return the fields of the payload that a text that was checked cannot do without, as far as one can see."""
    tree = parse(source)
    optional = {
        id(found.node) for found in tree.find_all(nodes.Filter) if found.name in ("default", "d") and found.node
    } | {id(found.node) for found in tree.find_all(nodes.Test) if found.name in ("defined", "undefined")}
    return {
        found.attr
        for found in tree.find_all(nodes.Getattr)
        if isinstance(found.node, nodes.Name) and found.node.name == "payload" and id(found) not in optional
    } - {"get", "items", "keys", "values"}


def check_condition(expression: str) -> str:
    """Check a condition over type, source and payload, and return it."""
    tree = _parsed(expression)
    for name in sorted(set(_roots(tree)) - set(NAMES)):
        raise ValueError(f"a condition sees {', '.join(NAMES)}, not {name}; {_prefer(name, NAMES)}")
    return expression


def pinned_source(condition: str) -> str | None:
    """Return the one source that a condition lets through, if it says so as plainly as `source == 'shop'`."""
    todo = [jmespath.compile(condition).parsed]
    while todo:
        node = todo.pop()
        if node["type"] == "and_expression":
            todo += node["children"]
        if node["type"] == "comparator" and node["value"] == "eq":
            sides = {side["type"]: side.get("value") for side in node["children"]}
            if sides.get("field") == "source" and isinstance(sides.get("literal"), str):
                return str(sides["literal"])
    return None


def check_mapping(expression: str) -> str:
    """Check where a field is found in a delivered body, and return it."""
    _parsed(expression)
    return expression


def _parsed(expression: str) -> Mapping[str, Any]:
    try:
        tree: Mapping[str, Any] = jmespath.compile(expression).parsed
    except (LexerError, ParseError) as error:
        place = f" at character {error.lex_position + 1}" if hasattr(error, "lex_position") else ""
        raise ValueError(
            f"not JMESPath{place}: write something like payload.country == 'DE', with texts in single quotes"
        ) from None
    except (JMESPathError, RecursionError, ValueError):
        raise ValueError("not JMESPath: write something like payload.country == 'DE'") from None
    for node in _nodes(tree):
        if node["type"] == "function_expression" and node["value"] in _SINCE - _FUNCTIONS:
            raise ValueError(
                f"conditions on what happened since, such as {node['value']}(), are not supported yet; take it out"
            )
        if node["type"] == "function_expression" and node["value"] not in _FUNCTIONS:
            raise ValueError(f"there is no function {node['value']}; {instead(node['value'], _FUNCTIONS)}")
        if node["type"] == "subexpression" and node["children"][0]["type"] == "not_expression":
            raise ValueError("! binds tighter than the dot here; put brackets around the path: !(payload.name)")
    return tree


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    todo, deepest = [(tree, 1)], DEEPEST_EXPRESSION
    while todo:
        node, depth = todo.pop()
        if depth > deepest:
            raise ValueError(f"an expression that nests over {deepest} levels deep; write a simpler one")
        yield node
        todo += [(child, depth + 1) for child in node["children"] if isinstance(child, Mapping)]


def _roots(node: Mapping[str, Any]) -> Iterator[str]:
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


def _unknown_variables(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for name in meta.find_undeclared_variables(tree) - set(VARIABLES) - GLOBALS:
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
        yield line, f"a text sees {', '.join(VARIABLES)}, not {name}; {_prefer(name, VARIABLES)}"


def _unknown_fields(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for found in tree.find_all(nodes.Getattr):
        if not isinstance(found.node, nodes.Name) or found.node.ctx != "load":
            continue
        if found.node.name == "event" and found.attr not in EVENT_FIELDS:
            yield found.lineno, f"event has no {found.attr}; {instead(found.attr, EVENT_FIELDS)}"
        if (name := found.node.name) in NULL_FOR_NOW:
            yield found.lineno, f"{name}.{found.attr} is not supported yet, {name} is always null; take it out"


def _prefer(name: str, known: Collection[str]) -> str:
    suggestion = instead(name, known)
    return suggestion if suggestion.startswith("did you mean") else f"did you mean payload.{name}?"


def _explain(error: TemplateSyntaxError) -> str:
    message = str(error.message or "it cannot be read").rstrip(".")
    if message.startswith("No filter named"):
        name = message.split("'")[1]
        return f"there is no filter {name}; {instead(name, FILTER_NAMES)}"
    return f"{message}; expressions are written {{{{ payload.name }}}}"
