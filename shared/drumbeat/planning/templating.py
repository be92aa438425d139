"""Jinja2 for people's words: sandboxed, strict, bounded, and the same output for the same input.

A text is filled from data alone: there is no time, no chance and no other file. What is not there is an error; null
renders as nothing, true and false as such, lists and mappings as JSON.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.filter_limits import limited
from drumbeat.planning.render_limits import LONGEST_OUTPUT, METER, TooMuch, check_operator, joined, replaced, within

__all__ = [
    "FILTER_NAMES",
    "GLOBALS",
    "LONGEST_OUTPUT",
    "Filling",
    "TemplateSyntaxError",
    "Unfillable",
    "compile_text",
    "parse",
]

# What a text may call on a string or mapping; everything else is a filter's work.
STRING_METHODS = frozenset(
    {"capitalize", "count", "endswith", "find", "isdigit", "lower", "lstrip", "partition", "removeprefix"}
    | {"removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"}
    | {"title", "upper"}
)
MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
_NO_GLOBALS = ("lipsum", "cycler", "joiner")

_VARIABLE = re.compile(r"\{\{ *(\w+(?:\.\w+)*) *\}\}")


class Unfillable(DrumbeatError):
    """A text cannot be filled. The reason names words of the text, never values of the data."""


type Filling = Callable[[Mapping[str, Any]], str]


@lru_cache(maxsize=2048)
def compile_text(source: str, *, html: bool = False) -> Filling:
    """Compile a text, once per process; its values are escaped when it is HTML.

    The result takes the variables and returns the filled text; it raises Unfillable.

    Raises:
        TemplateSyntaxError: the text is not a template; `lineno` counts from its first line.
    """
    if "{" not in source:
        return lambda _: source
    variable = None if html else _VARIABLE.fullmatch(source)
    if variable is None:
        return _filling(source, html=html)
    path = tuple(variable[1].split("."))

    def fill(variables: Mapping[str, Any]) -> str:
        text = _text_at(path, variables)
        return _filling(source)(variables) if text is None else text

    return fill


def parse(source: str) -> nodes.Template:
    """Return the syntax tree of a text, for checks. Raises TemplateSyntaxError."""
    return _TEXT.parse(source)


@lru_cache(maxsize=1024)
def _filling(source: str, *, html: bool = False) -> Filling:
    METER.start()  # what is constant is worked out now
    template = (_HTML if html else _TEXT).from_string(source)

    def fill(variables: Mapping[str, Any]) -> str:
        METER.start()
        try:
            return "".join(within(template.root_render_func(template.new_context(dict(variables)))))
        except Exception as error:  # noqa: BLE001 - filters and operators raise whatever their Python raises
            raise Unfillable(_reason(error, source)) from None

    return fill


class _Method:
    """A method that may be called and not printed: its Python name would hold an address in memory."""

    __slots__ = ("_method",)

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method has it
        return self._method(*args, **kwargs)

    def __str__(self) -> str:
        raise UndefinedError("a method is printed instead of called")


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with data before methods, and everything that can grow under the meter."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(
            autoescape=autoescape,
            undefined=StrictUndefined,
            finalize=_printed,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for name in _NO_GLOBALS:
            del self.globals[name]
        filters: dict[str, Callable[..., Any]] = self.filters
        self.filters = limited(filters | {"replace": _replace})
        self.filters |= {"_paced": METER.paced, "_joined": _join, "_made": METER.made, "_scanned": METER.scanned}
        tests: dict[str, Any] = dict(self.tests)
        self.tests |= {name: METER.metered(test) for name, test in tests.items()}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = _Metered().visit(super()._parse(source, name, filename))
        assert isinstance(tree, nodes.Template)
        return tree

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any data
        """Return an entry of the data; of strings and mappings also a harmless method."""
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute in MAPPING_METHODS:
                return _Method(getattr(obj, attribute))
        elif isinstance(obj, str):
            if attribute in STRING_METHODS:
                return _Method(partial(replaced, obj) if attribute == "replace" else getattr(obj, attribute))
        elif not isinstance(obj, list | tuple | int | float | None):
            return super().getattr(obj, attribute)  # Jinja's own: loop, namespace, macros, undefined
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401
        """Return an entry of the data, never an attribute."""
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Call what a text was given to call, as one step."""
        METER.step(*args, *kwargs.values())
        return METER.made(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """Carry out an operator whose result can grow, within limits."""
        check_operator(operator, left, right)
        return METER.made(super().call_binop(context, operator, left, right))


class _Metered(NodeTransformer):
    """Routes loops, comparisons, literals and `~` through the meter."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        assert isinstance(node.iter, nodes.Expr)
        node.iter = _filtered(node.iter, "_paced")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node.nodes[0], "_joined", *node.nodes[1:])

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, "_scanned")
        for operand in node.ops:
            operand.expr = _filtered(operand.expr, "_scanned")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, "_made") if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, "_made")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, "_made")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, "_made") if node.ctx == "load" else node


def _filtered(node: nodes.Expr, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def _printed(value: Any) -> Any:  # noqa: ANN401 - Jinja's finalize: any value about to be printed
    """Return what is printed for a value."""
    if value is None:
        return ""
    if isinstance(value, StrictUndefined):
        return str(value)  # raises
    return METER.write(value if isinstance(value, str) else _as_json(value))


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_not_data)


def _not_data(_: object) -> str:
    raise UndefinedError("something is printed that is no data")


def _join(*parts: Any) -> str:  # noqa: ANN401 - anything can be joined with ~
    return joined([part if isinstance(part, str) else _printed(part) for part in parts])


def _replace(value: object, old: str, new: str, count: int = -1) -> str:
    return str(value).replace(old, new, count)


def _text_at(path: tuple[str, ...], variables: Mapping[str, Any]) -> str | None:
    """Return the text that a lone `{{ a.b }}` stands for, at a tenth of Jinja's cost; None: leave it to Jinja."""
    value: Any = variables
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value if type(value) is str and len(value) <= LONGEST_OUTPUT else None


def _reason(error: Exception, source: str) -> str:
    """Return why a text could not be filled, in words that quote no value."""
    match error:
        case UndefinedError():
            return _missing(error, source)
        case TooMuch():
            return str(error)
        case SecurityError():
            return "its text asks for something that templates may not do"
        case RecursionError():
            return "its text nests too deep"
        case TemplateError():
            return f"its text fails ({type(error).__name__})"
        case _:
            return f"its text and the event do not fit together ({type(error).__name__})"


def _missing(error: UndefinedError, source: str) -> str:
    """Name what is missing by the word that the text has for it; one that it does not have may be a value."""
    quoted = re.findall(r"'([^']*)'", str(error))
    name = quoted[-1] if quoted else ""
    path = re.search(rf"\b(?:\w+\.){{0,16}}{re.escape(name)}\b", source) if name.isidentifier() else None
    if path is None:
        return "its text uses something that the event does not have"
    return (
        f"its text uses {path.group()}, which the event does not have; where that is all right, write"
        f" {{{{ {path.group()} | default('') }}}}"
    )


_TEXT = _Environment(autoescape=False)
_HTML = _Environment(autoescape=True)

# What a text finds beside its variables.
GLOBALS = frozenset(_TEXT.globals)
FILTER_NAMES = frozenset(name for name in _TEXT.filters if not name.startswith("_"))
