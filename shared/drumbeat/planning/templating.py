"""Jinja2 for people's words: sandboxed, strict, bounded, and the same output for the same input.

A text is filled from data alone: there is no time, no chance and no file but the parts of its template. What is not
there is an error; null renders as nothing, true and false as such, lists and mappings as JSON; by semantics 3 filters
see them so too.

A name after a dot is a field of the data. A method of a text or mapping is one only where it is called, as in
`payload.items()`. (By semantics 1 and 2 a mapping without a field `items` answered with its method.)
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Parts
from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.environment import (
    FILTER_NAMES,
    GLOBALS,
    NoMethod,
    NoNumber,
    as_json,
    environment,
    environment_with,
    there,
)
from drumbeat.planning.render_limits import LONGEST_OUTPUT, METER, TooMuch, within

__all__ = [
    "FILTER_NAMES",
    "GLOBALS",
    "LONGEST_OUTPUT",
    "Filling",
    "Missing",
    "TemplateSyntaxError",
    "Unfillable",
    "compile_text",
    "compile_value",
    "parse",
]

_RESULT = "result"
_VARIABLE = re.compile(r"\{\{ *(\w+(?:\.\w+)*) *\}\}")


class Unfillable(DrumbeatError):
    """A text cannot be filled. The reason names words of the text, never values of the data."""


class Missing(Unfillable):
    """A text uses `path`, which the event, or the person of a campaign's step, does not have."""

    def __init__(self, path: str) -> None:
        owner = "person" if path.startswith("lead.") else "event"
        super().__init__(f"its text uses {path}, which the {owner} does not have")
        self.path = path


type Filling = Callable[[Mapping[str, Any]], str]


@lru_cache(maxsize=2048)
def compile_text(source: str, *, html: bool = False, semantics: int = SEMANTICS, parts: Parts = ()) -> Filling:
    """Compile a text, once per process; its values are escaped when it is HTML, also in the parts that it uses.

    The result takes the variables and returns the filled text; it raises Unfillable.

    Raises:
        TemplateSyntaxError: the text is not a template; `lineno` counts from its first line.
    """
    if "{" not in source:
        return lambda _: source
    variable = None if html else _VARIABLE.fullmatch(source)
    if variable is None:
        return _filling(source, html=html, semantics=semantics, parts=parts)
    path = tuple(variable[1].split("."))

    def fill(variables: Mapping[str, Any]) -> str:
        text = _text_at(path, variables)
        return _filling(source, semantics=semantics)(variables) if text is None else text

    return fill


@lru_cache(maxsize=1024)
def compile_value(source: str) -> Callable[[Mapping[str, Any]], Any] | None:
    """Compile a text that is one expression alone, else return None.

    The result takes the variables and returns the value of the expression as JSON has it; it raises Unfillable.

    Raises:
        TemplateSyntaxError: the text is not a template.
    """
    if "{{" not in source:
        return None
    sandbox = environment(html=False, semantics=SEMANTICS)
    match sandbox.parse(source).body:
        case [nodes.Output(nodes=[nodes.Expr() as expression])] if not isinstance(expression, nodes.TemplateData):
            target = nodes.Name(_RESULT, "store", lineno=1)
        case _:
            return None
    METER.start()
    template = sandbox.from_string(nodes.Template([nodes.Assign(target, expression, lineno=1)], lineno=1))

    def evaluate(variables: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        METER.start()
        try:
            context = template.new_context(dict(variables))
            for _ in template.root_render_func(context):
                pass
            return json.loads(METER.write(as_json(there(context.vars[_RESULT]))))
        except Exception as error:  # noqa: BLE001 - as for texts
            raise _unfillable(error, source) from None

    return evaluate


def parse(source: str) -> nodes.Template:
    """Return the syntax tree of a text, for checks. Raises TemplateSyntaxError."""
    return environment(html=False, semantics=SEMANTICS).parse(source)


@lru_cache(maxsize=1024)
def _filling(source: str, *, html: bool = False, semantics: int, parts: Parts = ()) -> Filling:
    sandbox = environment_with(parts, html=html, semantics=semantics)
    METER.start()  # what is constant is worked out now
    template = sandbox.from_string(source)
    words = "\n".join([source, *(text for _, text in parts)])

    def fill(variables: Mapping[str, Any]) -> str:
        METER.start()
        try:
            return "".join(within(template.root_render_func(template.new_context(dict(variables)))))
        except Exception as error:  # noqa: BLE001 - filters and operators raise whatever their Python raises
            raise _unfillable(error, words) from None

    return fill


def _text_at(path: tuple[str, ...], variables: Mapping[str, Any]) -> str | None:
    """Return the text that a lone `{{ a.b }}` stands for, at a tenth of Jinja's cost; None: leave it to Jinja."""
    value: Any = variables
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value if type(value) is str and len(value) <= LONGEST_OUTPUT else None


def _unfillable(error: Exception, source: str) -> Unfillable:
    """Return why a text could not be filled, in words that quote no value."""
    if isinstance(error, UndefinedError) and not isinstance(error, NoMethod):
        return _missing(error, source)
    return Unfillable(_reason(error))


def _reason(error: Exception) -> str:
    match error:
        case TooMuch() | NoNumber() | NoMethod():
            return str(error)
        case SecurityError():
            return "its text asks for something that templates may not do"
        case RecursionError():
            return "its text nests too deep"
        case OverflowError():
            return "its text makes a number or a range that is too large"
        case UndefinedError():
            return "its text uses something that is not there"
        case TemplateError():
            return f"its text fails ({type(error).__name__})"
        case _:
            return f"its text and the event do not fit together ({type(error).__name__})"


def _missing(error: UndefinedError, source: str) -> Unfillable:
    """Name what is missing by the word that the text has for it; one that it does not have may be a value."""
    quoted = re.findall(r"'([^']*)'", str(error))
    name = quoted[-1] if quoted else ""
    found = (re.search(rf"\b(?:\w+\.){{{times}}}{re.escape(name)}\b", source) for times in ("1,16", "0,16"))
    path = next(filter(None, found), None) if name.isidentifier() else None
    if path is None:
        return Unfillable("its text uses something that the event does not have")
    return Missing(path.group())
