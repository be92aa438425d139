"""Checks of the texts (Jinja) in a configuration, and what can be seen of them without filling them."""

from collections.abc import Collection, Iterator

from jinja2 import meta, nodes

from drumbeat.core.numbers import BEYOND, is_exact
from drumbeat.core.suggestions import instead, instead_of_name
from drumbeat.planning.context import CAMPAIGN_FIELDS, EVENT_FIELDS, LATER, RUN_FIELDS, VARIABLES
from drumbeat.planning.templating import FILTER_NAMES, GLOBALS, TemplateSyntaxError, compile_text, parse

LONGEST_TEXT = 100_000  # characters; of a file of the folder of templates, those of expressions and tags

# The fields of what always has the same.
_FIELDS = {"event": EVENT_FIELDS, "campaign": CAMPAIGN_FIELDS, "run": RUN_FIELDS}

type PartNode = nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport


def faults(source: str, *, beside: Collection[str] | None = None) -> list[tuple[int, str]]:
    """List (line, what to write instead) of everything wrong with a text: syntax, filters, variables.

    `beside`: it is a file of the folder of templates, whose others set these variables. Only such a file has parts.
    """
    if beside is None and len(source) > LONGEST_TEXT:
        return [(1, f"a text of over {LONGEST_TEXT:,} characters; shorten it")]
    try:
        tree = parse(source)
        if len(source) > LONGEST_TEXT and _length_of_code(source, tree) > LONGEST_TEXT:
            return [
                (1, f"expressions and tags of over {LONGEST_TEXT:,} characters in all; write fewer or shorter ones")
            ]
        compile_text(source)
    except TemplateSyntaxError as error:
        return [(error.lineno, f"not a template: {_explain(error)}")]
    except (RecursionError, SyntaxError, MemoryError):  # Python refuses what Jinja made of it
        return [(1, "the text nests too deep; write a simpler one")]
    found = [
        (node.lineno, "only files of the folder of templates may include, extend or import; write the text into one")
        for node in (references(tree) if beside is None else ())
    ]
    unknown = _unknown_variables(tree, beside or ())
    return sorted({*found, *unknown, *_unknown_fields(tree), *_beyond_json(tree)})


def _length_of_code(source: str, tree: nodes.Template) -> int:
    return len(source) - sum(len(found.data) for found in tree.find_all(nodes.TemplateData))


def references(tree: nodes.Template) -> Iterator[PartNode]:
    """Yield where a text names another file."""
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Include | nodes.Extends | nodes.Import | nodes.FromImport):
            yield node


def names_set(source: str) -> set[str]:
    """Return the variables that a text sets for itself and for what it includes; none where it cannot be read."""
    if not readable(source):
        return set()
    return {node.name for node in parse(source).find_all(nodes.Name) if node.ctx != "load"}


def check_text(source: str) -> str:
    """Check a text as `faults` does, and return it. Raises ValueError, saying what to write instead."""
    if wrong := faults(source):
        lines = source.count("\n")
        raise ValueError("; ".join(message + (f" (its line {line})" if lines else "") for line, message in wrong))
    return source


def readable(source: str) -> bool:
    """Return whether a text is one at all; what is wrong with one that is not is a mistake of its own."""
    try:
        parse(source)
    except (TemplateSyntaxError, RecursionError):
        return False
    return True


def uses(source: str, variable: str) -> bool:
    """Return whether a text that was checked uses a variable."""
    return variable in meta.find_undeclared_variables(parse(source))


def literal_parts(source: str) -> Iterator[str]:
    """Yield what stands in a text that was checked as it will be sent: outside of its expressions and as texts in them.

    Between two of them something is filled in.
    """
    tree = parse(source)
    for found in tree.find_all(nodes.TemplateData):
        yield found.data
    names = {id(found.arg) for found in tree.find_all(nodes.Getitem)}
    for constant in tree.find_all(nodes.Const):
        if isinstance(constant.value, str) and id(constant) not in names:
            yield constant.value


def payload_fields(source: str) -> set[str]:
    """Return the fields of the payload that a text that was checked cannot do without, as far as one can see."""
    return _fields(source)[0]


def optional_fields(source: str) -> set[str]:
    """Return the fields of the payload that a text that was checked names, and does without."""
    needed, named = _fields(source)
    return named - needed


def _fields(source: str) -> tuple[set[str], set[str]]:
    """Return the fields of the payload that a text needs, and all that it names."""
    tree = parse(source)
    optional = {
        id(found.node) for found in tree.find_all(nodes.Filter) if found.name in ("default", "d") and found.node
    } | {id(found.node) for found in tree.find_all(nodes.Test) if found.name in ("defined", "undefined")}
    lookups: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
    named = {
        id(found): name
        for found in lookups
        if isinstance(found.node, nodes.Name) and found.node.name == "payload" and (name := _name_of(found)) is not None
    }
    return {name for found, name in named.items() if found not in optional}, set(named.values())


def _name_of(found: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(found, nodes.Getattr):
        return found.attr
    return found.arg.value if isinstance(found.arg, nodes.Const) and isinstance(found.arg.value, str) else None


def _unknown_variables(tree: nodes.Template, beside: Collection[str]) -> Iterator[tuple[int, str]]:
    for name in meta.find_undeclared_variables(tree) - set(VARIABLES) - GLOBALS - set(beside):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
        if name in LATER:
            yield line, f"{name} is not supported yet; take it out"
        else:
            yield line, f"a text sees {', '.join(VARIABLES)}, not {name}; {instead_of_name(name, VARIABLES)}"


def _unknown_fields(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    ours = meta.find_undeclared_variables(tree)  # a loop may call what it goes through `run`
    for found in tree.find_all(nodes.Getattr):
        if not isinstance(found.node, nodes.Name) or found.node.ctx != "load" or found.node.name not in ours:
            continue
        known = _FIELDS.get(found.node.name)
        if known is not None and found.attr not in known:
            yield found.lineno, f"{found.node.name} has no {found.attr}; {instead(found.attr, known)}"


def _beyond_json(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for found in tree.find_all(nodes.Const):
        if isinstance(found.value, int | float) and not is_exact(found.value):
            yield found.lineno, f"a number {BEYOND}; put quotes around it"


def _explain(error: TemplateSyntaxError) -> str:
    message = str(error.message or "it cannot be read").rstrip(".")
    if message.startswith("No filter named"):
        name = message.split("'")[1]
        return f"there is no filter {name}; {instead(name, FILTER_NAMES)}"
    return f"{message}; expressions are written {{{{ payload.name }}}}"
