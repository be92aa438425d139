"""What a text says whatever its values are; and what keeps it from being filled with any.

All that uses values is left out, and the rest is filled: where that fails, the whole fails for everyone, since it does
all of this work, too. What is left out can only make a text shorter. Where that is not sure, nothing is said.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from jinja2 import BaseLoader, Template, meta, nodes
from jinja2 import Environment as AnyEnvironment

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Parts
from drumbeat.planning.context import VARIABLES
from drumbeat.planning.environment import GLOBALS, METHOD, METHOD_NAMES, Environment, environment
from drumbeat.planning.fault_places import Place, place_of
from drumbeat.planning.render_limits import METER, TooSlow, within
from drumbeat.planning.templating import reason_of

_OF_BLOCKS = ("self", "super")  # what they give may be shorter here, so it can only be printed


class _Unsure(Exception):
    """What would be left out decides on what stays."""


@dataclass(frozen=True, slots=True)
class Certain:
    """What is known of a text without values: all that it prints for everyone, or why and where it always fails."""

    text: str = ""
    whole: bool = False  # nothing was left out
    reason: str | None = None
    place: Place | None = None


def without_values(source: str, *, html: bool = False, parts: Parts = ()) -> Certain:
    """Return what a text that was checked makes of no values at all."""
    if "{" not in source:
        return Certain(source, whole=True)
    try:
        return _filled(source, html=html, parts=parts)
    except RecursionError:  # where less is called before, as in a new thread, there may be room for it
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(_surely, source, html=html, parts=parts).result()


def _surely(source: str, *, html: bool, parts: Parts) -> Certain:
    try:
        return _filled(source, html=html, parts=parts)
    except RecursionError as error:
        return Certain(reason=reason_of(error), place=place_of(error))


def _filled(source: str, *, html: bool, parts: Parts) -> Certain:
    sandbox = environment(html=html, semantics=SEMANTICS)
    touched = {name for text in (source, *dict(parts).values()) for name in _set_in(text)}
    if touched & {*GLOBALS, *_OF_BLOCKS}:
        return Certain()
    rest = _Rest(sandbox, dict(parts), touched)
    filling = sandbox.overlay(loader=rest)
    try:
        METER.start()
        template = filling.from_string(rest.of(source))
        METER.start()
        text = "".join(within(template.root_render_func(template.new_context({}))))
    except (_Unsure, TooSlow, MemoryError):  # another machine may be faster, or larger
        return Certain()
    except RecursionError:
        raise
    except Exception as error:  # noqa: BLE001 - as for texts that are filled
        return Certain(reason=reason_of(error), place=place_of(error))
    return Certain(text, whole=rest.is_whole)


def _set_in(source: str) -> set[str]:
    return {name for node in environment(html=False, semantics=SEMANTICS).parse(source).body for name in _stored(node)}


class _Rest(BaseLoader):
    """Texts without what uses values; parts are read where a text uses them."""

    def __init__(self, sandbox: Environment, parts: Mapping[str, str], touched: set[str]) -> None:
        self._sandbox, self._parts = sandbox, parts
        self._values = set(VARIABLES) - touched
        self.is_whole = True

    def load(self, environment: AnyEnvironment, name: str, globals: MutableMapping[str, Any] | None = None) -> Template:
        """Return a part, compiled."""
        if name not in self._parts:
            raise _Unsure
        code = environment.compile(self.of(self._parts[name]), name)
        return environment.template_class.from_code(environment, code, globals or {})

    def of(self, source: str) -> nodes.Template:
        """Return the tree of what is left. Raises _Unsure."""
        tree = self._sandbox.parse(source)
        tree.body = self._left(tree.body)
        return tree

    def _left(self, body: list[nodes.Node]) -> list[nodes.Node]:
        kept: list[nodes.Node] = []
        known: set[str] = set()
        for node in _single(body):
            if isinstance(node, nodes.Block):
                node.body = self._left(node.body)
                kept.append(node)
            elif self._needs(node) <= known and not _depends(node):
                kept.append(node)
                known |= _named(node)
            else:
                if known & set(_stored(node)) or any(node.find_all((nodes.Block, nodes.Extends))):
                    raise _Unsure
                self.is_whole = False
                kept += self._failing(node)
        return kept

    def _needs(self, node: nodes.Node) -> set[str]:
        if isinstance(node, nodes.Output):  # most are, and an expression binds nothing
            return {each.name for each in node.find_all(nodes.Name)} - GLOBALS - set(_OF_BLOCKS)
        alone = nodes.Template([node], lineno=1)
        alone.environment = self._sandbox
        return meta.find_undeclared_variables(alone) - GLOBALS

    def _failing(self, node: nodes.Node) -> Iterator[nodes.Node]:
        """Yield what fails in place of a node that calls what no value has, where it always does so."""
        for call in (found for begun in _begun(node) for found in _always(begun)):
            match call:
                case nodes.Call(node=nodes.Filter(name=name, node=owner, args=[nodes.Const() as method]) as called):
                    if name == METHOD and method.value not in METHOD_NAMES and _root(owner) in self._values:
                        called.node = nodes.Const("", lineno=call.lineno)
                        bare = nodes.Call(called, [], [], None, None, lineno=call.lineno)
                        yield nodes.Output([bare], lineno=call.lineno)


def _single(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    """Yield the nodes of a body, what is printed one by one."""
    for node in body:
        if isinstance(node, nodes.Output):
            yield from (nodes.Output([each], lineno=each.lineno) for each in node.nodes)
        else:
            yield node


def _depends(node: nodes.Node) -> bool:
    """Return whether a node works with what other nodes print, of which something may have been left out."""
    match node:
        case nodes.Include() | nodes.Extends():
            return False
        case nodes.Output(nodes=[nodes.Call(node=called, args=[], kwargs=[])]) if _root(called) in _OF_BLOCKS:
            return False
    using = (nodes.Include, nodes.Import, nodes.FromImport)
    return bool(
        isinstance(node, using)
        or any(node.find_all(using))
        or any(each.name in _OF_BLOCKS for each in node.find_all(nodes.Name))
    )


def _root(node: nodes.Node | None) -> str | None:
    """Return the variable that an expression only looks into."""
    while isinstance(node, nodes.Getattr | nodes.Getitem) or (isinstance(node, nodes.Filter) and node.name == METHOD):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else None


def _named(node: nodes.Node) -> set[str]:
    """Return the names that what follows a node sees by it, whatever happens in it."""
    match node:
        case nodes.Macro():
            return {node.name}
        case nodes.Assign() | nodes.AssignBlock():
            return {each.name for each in (node.target, *node.target.find_all(nodes.Name)) if hasattr(each, "name")}
    return set()


def _stored(node: nodes.Node) -> Iterator[str]:
    """Yield the names that a node may change."""
    for each in (node, *node.find_all(nodes.Node)):
        match each:
            case nodes.Name() if each.ctx != "load":
                yield each.name
            case nodes.NSRef() | nodes.Macro():
                yield each.name
            case nodes.Import():
                yield each.target
            case nodes.FromImport():
                yield from (name if isinstance(name, str) else name[1] for name in each.names)


def _begun(node: nodes.Node) -> list[nodes.Node]:
    """Return the expressions that a node works out each time."""
    match node:
        case nodes.Output():
            return list(node.nodes)
        case nodes.Assign():
            return [node.node]
        case nodes.If():
            return [node.test]
        case nodes.For():
            return [node.iter]
    return []


def _always(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression that are worked out whatever its values are."""
    yield node
    children: list[nodes.Node]
    match node:
        case nodes.CondExpr():
            children = [node.test]
        case nodes.And() | nodes.Or():
            children = [node.left]
        case nodes.Compare():
            children = [node.expr, *node.ops[:1]]
        case _:
            children = list(node.iter_child_nodes())
    for child in children:
        yield from _always(child)
