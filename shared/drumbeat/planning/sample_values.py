"""Made-up values for what texts use, so that a template can be shown, and proven, before there is an event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from drumbeat.planning.templating import parse
from drumbeat.planning.text_checks import readable

ADDRESS = "ada@example.com"
POSTAL_ADDRESS = "Example GmbH, Am Wald 1, 10115 Berlin"
_ROOTS = ("payload", "lead")
_MOMENT = "2026-03-02T08:00:00Z"
# What a field is, by words in its name; the first that fits.
_BY_NAME: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("email",), ADDRESS),
    (("url", "link", "href", "image", "photo", "picture", "avatar", "logo", "src"), "https://example.com/sample"),
    (("count", "number", "price", "amount", "total", "seats", "quantity", "percent", "points"), 3),
    (("date", "_at", "time"), "2026-03-02"),
    (("name",), "Ada"),
)
# Filters that give what they are given, the sandbox's own among them.
_SAME = ("default", "d", "sort", "reverse", "_paced", "_made", "_scanned")
_ITEMS = 2  # of each list


@dataclass(slots=True)
class _Shape:
    """What texts take a value for: something with fields, a list, or a text."""

    fields: dict[str, "_Shape"] = field(default_factory=dict)
    item: "_Shape | None" = None

    def value(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if self.item is not None:
            return [self.item.value(name.removesuffix("s")) for _ in range(_ITEMS)]
        if self.fields:
            return {each: shape.value(each) for each, shape in self.fields.items()}
        return next((value for words, value in _BY_NAME if any(word in name.lower() for word in words)), _words(name))


def sample_values(sources: Iterable[str], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a value for each variable that texts can see; `given` wins.

    Fields of the payload and of the lead are those that the texts use, as far as one can see: text, number or list by
    name and use.
    """
    roots = {name: _Shape() for name in _ROOTS}
    known = dict(roots)
    for source in sources:
        _look(source, known)
    filled = {name: {each: one.value(each) for each, one in shape.fields.items()} for name, shape in roots.items()}
    return {
        "event": {
            "id": "00000000-0000-7000-8000-000000000001",
            "type": "LEAD_CAPTURE",
            "source": "sample",
            "key": "sample",
            "received_at": _MOMENT,
            "scheduled_at": None,
        },
        "payload": filled["payload"],
        "lead": {"email": ADDRESS} | filled["lead"],
        "campaign": {"name": "sample"},
        "run": {"id": "00000000-0000-7000-8000-000000000002", "scheduled_at": _MOMENT, "local": _MOMENT[:-1]},
        "effect_id": "00000000-0000-7000-8000-000000000003",
        "list": {"name": "sample", "title": "The sample list", "description": "What we write about."},
        "unsubscribe_url": "https://example.com/u/sample",
        "confirm_url": "https://example.com/c/sample",
        "postal_address": POSTAL_ADDRESS,
        **(given or {}),
    }


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize() or "Sample"


def _look(source: str, known: dict[str, _Shape]) -> None:
    """Note what a text takes its variables for. A variable of a loop is known by its name, in other files, too."""
    if not readable(source):
        return
    for node in parse(source).find_all(nodes.Node):
        if isinstance(node, nodes.For) and (looped := _shape(node.iter, known)) is not None:
            looped.item = looped.item or _Shape()
            if isinstance(node.target, nodes.Name):
                known[node.target.name] = looped.item
        elif isinstance(node, nodes.Getattr | nodes.Getitem):
            _shape(node, known)


def _shape(node: nodes.Node, known: Mapping[str, _Shape]) -> _Shape | None:
    """Return the shape that an expression reads; None: it reads nothing that is known."""
    match node:
        case nodes.Name():
            return known.get(node.name)
        case nodes.Filter() if node.node is not None and node.name in _SAME:
            return _shape(node.node, known)
        case nodes.Getattr():
            return _field(_shape(node.node, known), node.attr)
        case nodes.Getitem(arg=nodes.Const(value=str(name))):
            return _field(_shape(node.node, known), name)
        case nodes.Getitem():
            if (listed := _shape(node.node, known)) is not None:
                if isinstance(node.arg, nodes.Slice):
                    return listed  # a text has slices, too
                listed.item = listed.item or _Shape()
                return listed.item
    return None


def _field(shape: _Shape | None, name: str) -> _Shape | None:
    return None if shape is None else shape.fields.setdefault(name, _Shape())
