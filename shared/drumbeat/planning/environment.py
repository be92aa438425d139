"""The sandbox in which texts are filled: Jinja's, with data before methods and everything that can grow metered."""

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any

from jinja2 import DictLoader, StrictUndefined, Template, nodes
from jinja2.exceptions import UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Parts
from drumbeat.planning.filter_limits import limited
from drumbeat.planning.filter_texts import operands, reading_texts
from drumbeat.planning.render_limits import METER, check_operator, joined, replaced

# What a text may call on a string or mapping; everything else is a filter's work.
STRING_METHODS = frozenset(
    {"capitalize", "count", "endswith", "find", "isdigit", "lower", "lstrip", "partition", "removeprefix"}
    | {"removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"}
    | {"title", "upper"}
)
MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
_NO_GLOBALS = ("lipsum", "cycler", "joiner")
_METHOD = "_method"  # the filter that stands for a name that is called


class NoNumber(Exception):
    """A text makes a number that is none: infinite, or not a number at all."""

    def __str__(self) -> str:
        return "its text makes a number that JSON does not know, such as one that is infinite"


class NoMethod(UndefinedError):
    """A text uses a method of Python that templates do not have. The message names the method and no value."""


class _Method:
    """A method that may be called and not printed: its Python name would hold an address in memory."""

    __slots__ = ("_method",)

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method has it
        return self._method(*args, **kwargs)

    def __str__(self) -> str:
        raise UndefinedError("a method is printed instead of called")


class Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with data before methods, and everything that can grow under the meter."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, autoescape: bool, semantics: int) -> None:
        self._methods_apart = semantics >= 3
        super().__init__(
            autoescape=autoescape,
            undefined=StrictUndefined,
            finalize=_printed if semantics >= 3 else _printed_before,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for name in _NO_GLOBALS:
            del self.globals[name]
        filters: dict[str, Callable[..., Any]] = self.filters
        self.filters = limited(filters | {"replace": _replace})
        if semantics >= 3:
            self.filters = reading_texts(self.filters, _word)
        self.filters |= {"_paced": METER.paced, "_joined": _join, "_made": METER.made, "_scanned": METER.scanned}
        self.filters |= {_METHOD: self._called}
        tests: dict[str, Any] = dict(self.tests)
        self.tests |= {name: METER.metered(test) for name, test in tests.items()}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self._methods_apart:
            tree = _Called().visit(tree)
        tree = _Metered().visit(tree)
        assert isinstance(tree, nodes.Template)
        return tree

    def get_template(self, name: Any, *args: Any, **kwargs: Any) -> Template:  # noqa: ANN401 - as Jinja has it
        """Return a part that a text names, as one step: parts that include each other twice could go on for years."""
        METER.step()
        return super().get_template(name, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - any data
        """Return an entry of the data. (By semantics 1 and 2, where there is none, a method of a text or mapping.)"""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Mapping | str) and not self._methods_apart:
            return self._method(obj, attribute)
        if isinstance(obj, str) and hasattr(obj, attribute) and attribute not in STRING_METHODS:
            return self._no_method(attribute)
        if isinstance(obj, Mapping | str):
            return self.undefined(obj=obj, name=attribute)
        if not isinstance(obj, list | tuple | int | float | None):
            return super().getattr(obj, attribute)  # Jinja's own: loop, namespace, macros, undefined
        return self.undefined(obj=obj, name=attribute)

    def _called(self, obj: Any, name: str) -> Any:  # noqa: ANN401 - any data
        """Return what a name that is called stands for."""
        found = self._method(obj, name)
        is_data = isinstance(obj, Mapping | str | list | tuple | int | float | None)
        return self._no_method(name) if is_data and isinstance(found, StrictUndefined) else found

    def _no_method(self, name: str) -> StrictUndefined:
        return StrictUndefined(f"its text uses {name}, which is not available there in templates", exc=NoMethod)

    def _method(self, obj: Any, name: str) -> Any:  # noqa: ANN401 - any data
        """Return a harmless method of a text or mapping, else what the name stands for without a call."""
        if isinstance(obj, Mapping) and name in MAPPING_METHODS:
            return _Method(getattr(obj, name))
        if isinstance(obj, str) and name in STRING_METHODS:
            return _Method(partial(replaced, obj) if name == "replace" else getattr(obj, name))
        if isinstance(obj, Mapping | str):
            return self.undefined(obj=obj, name=name)
        return self.getattr(obj, name)

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
        if self._methods_apart and operator == "%" and isinstance(left, str):
            right = operands(right, _word)
        return METER.made(super().call_binop(context, operator, left, right))


class _Called(NodeTransformer):
    """Marks the names that are called: only there a method of the data is meant."""

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.node, nodes.Getattr):
            node.node = _filtered(node.node.node, _METHOD, nodes.Const(node.node.attr))
        return node


class _Metered(NodeTransformer):
    """Routes loops, comparisons, literals and `~` through the meter."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        assert isinstance(node.iter, nodes.Expr)
        node.iter = _filtered(node.iter, "_paced")
        return node

    def visit_Import(self, node: nodes.Import) -> nodes.Node:
        node.with_context = True  # without, Jinja keeps the module, and what its macros changed, for the next text
        return node

    def visit_FromImport(self, node: nodes.FromImport) -> nodes.Node:
        node.with_context = True
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
    return METER.write(value if isinstance(there(value), str) else as_json(value))


def _printed_before(value: Any) -> Any:  # noqa: ANN401 - as above
    """Return what semantics 1 and 2 print for a value: also numbers that JSON does not know."""
    if value is None:
        return ""
    return METER.write(value if isinstance(there(value), str) else as_json(value, allow_nan=True))


def _word(value: Any) -> Any:  # noqa: ANN401 - any data
    """Return what a filter of texts reads: what would be printed for the data; what is no data stays as it is."""
    if value is None:
        return ""
    return as_json(value) if isinstance(value, int | float | list | tuple | Mapping) else value


def there(value: object) -> object:
    """Return a value; raises UndefinedError for what the event does not have."""
    if isinstance(value, StrictUndefined):
        str(value)  # raises
    return value


def as_json(value: object, *, allow_nan: bool = False) -> str:
    """Write data as JSON. Raises UndefinedError for what is no data, NoNumber for what JSON has no number for."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_not_data, allow_nan=allow_nan)
    except ValueError:  # what refers to itself cannot come here
        raise NoNumber from None


def _not_data(_: object) -> str:
    raise UndefinedError("something is printed that is no data")


def _join(*parts: Any) -> str:  # noqa: ANN401 - anything can be joined with ~
    return joined([part if isinstance(part, str) else _printed_before(part) for part in parts])


def _replace(value: object, old: str, new: str, count: int = -1) -> str:
    return str(value).replace(old, new, count)


@cache
def environment(*, html: bool, semantics: int) -> Environment:
    """Return the sandbox by these rules; values are escaped in HTML."""
    return Environment(autoescape=html, semantics=semantics)


@lru_cache(maxsize=128)
def environment_with(parts: Parts, *, html: bool, semantics: int) -> Environment:
    """Return the sandbox in which a text may use these parts, and no other file; each is compiled already."""
    if not parts:
        return environment(html=html, semantics=semantics)
    made = environment(html=html, semantics=semantics).overlay(
        loader=DictLoader(dict(parts)), cache_size=len(parts), auto_reload=False
    )
    assert isinstance(made, Environment)
    for name, _ in parts:
        METER.start()  # what is constant is worked out now, and not in the first text that is filled
        made.get_template(name)
    return made


# What a text finds beside its variables.
GLOBALS = frozenset(environment(html=False, semantics=SEMANTICS).globals)
FILTER_NAMES = frozenset(
    name for name in environment(html=False, semantics=SEMANTICS).filters if not name.startswith("_")
)
