"""Audiences read and checked: each condition by its form, and what it refers to."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from drumbeat.configuration import audience_models
from drumbeat.configuration.document_models import Form
from drumbeat.configuration.validation import read_form
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.audiences import DEEPEST, MOST_LEAVES, REPORTED, Operator
from drumbeat.core.suggestions import instead

type Json = dict[str, Any]
type References = dict[str, list[tuple[str, Path]]]  # audience -> those that it refers to, and where
type Known = Callable[[], Collection[str]]

GROUPS = ("all", "any")
LEAVES: Mapping[str, type[Form]] = {
    "field": audience_models.FieldLeaf,
    "list": audience_models.ListLeaf,
    "source": audience_models.SourceLeaf,
    "happened": audience_models.HappenedLeaf,
    "audience": audience_models.AudienceLeaf,
    "bucket": audience_models.BucketLeaf,
}
KINDS = (*GROUPS, "not", *LEAVES)
OPERATORS = tuple(operator.value for operator in Operator)


@dataclass(frozen=True, slots=True)
class Named:
    """What conditions may refer to."""

    audiences: Collection[str]
    lists: Collection[str]
    campaigns: Collection[str]
    steps: Collection[str]


def check_audiences(
    entries: Mapping[str, object], named: Named, document: Document, attributes: Known | None
) -> dict[str, Json]:
    """Return the stored form of each audience; what is wrong with one is noted, and it is left out.

    `attributes` names those that leads have, as far as it looks: of others a warning says that they count as absent.
    None, or no name: it cannot be known.
    """
    reading = _Reading(document, named)
    trees = {name: reading.node(entry, ("audiences", name)) for name, entry in entries.items()}
    try:
        order = list(TopologicalSorter({name: reading.referred(name) for name in trees}).static_order())
    except CycleError:
        _note_circles(reading.references, document)
    else:
        _check_sizes(order, reading, document)
    if attributes is not None and reading.fields and (known := attributes()):
        for path, name in reading.fields:
            if name not in known:
                document.warn(
                    path, f"no newer lead has an attribute {name}: it counts as absent; {instead(name, known)}"
                )
    return {name: tree for name, tree in trees.items() if tree is not None}


def steps_of(*sections: Mapping[str, object]) -> set[str]:
    """Return the ids of all steps of flows or campaigns, as they are written."""
    steps = [
        step
        for section in sections
        for entry in section.values()
        if isinstance(entry, dict) and isinstance(entry.get("steps"), list)
        for step in entry["steps"]
    ]
    return {step["id"] for step in steps if isinstance(step, dict) and isinstance(step.get("id"), str)}


class _Reading:
    """Reads conditions; keeps which audiences refer to which, how large they are, and which attributes they ask for."""

    def __init__(self, document: Document, named: Named) -> None:
        self._document, self._named = document, named
        self.references: References = {}
        self.sizes: dict[str, int] = {}
        self.depths: dict[str, int] = {}
        self.fields: list[tuple[Path, str]] = []

    def referred(self, name: str) -> set[str]:
        """Return which audiences one refers to."""
        return {other for other, _ in self.references.get(name, ())}

    def node(self, given: object, path: Path) -> Json | None:
        """Return the stored form of a condition, None when it is wrong."""
        if not isinstance(given, dict):
            self._wrong(path, "a condition is a mapping, like {field: plan, is: trial} or all: [...]")
            return None
        kinds = [name for name in given if name in KINDS]
        if len(kinds) > 1:
            self._wrong(
                path, f"a condition says one thing, and this says {' and '.join(kinds)}; join them by all or any"
            )
            return None
        if not kinds:
            self._wrong((*path, *list(given)[:1]), _unknown(given))
            return None
        (kind,) = kinds
        if kind in LEAVES:
            name = str(path[1])
            self.sizes[name] = self.sizes.get(name, 0) + 1
            self.depths[name] = max(self.depths.get(name, 0), _depth(path))
            return self._leaf(kind, given, path)
        for other in given.keys() - {kind}:
            self._wrong((*path, other), f"{other} cannot stand beside {kind}; put it into a condition of its own")
        return self._group(kind, given[kind], (*path, kind))

    def _group(self, kind: str, given: object, path: Path) -> Json | None:
        if kind == "not":
            part = self.node(given, path)
            return None if part is None else {"not": part}
        if not isinstance(given, list) or not given:
            self._wrong(path, f"{kind} takes a list with at least one condition: {kind}: [{{field: plan, is: trial}}]")
            return None
        parts = [self.node(each, (*path, place)) for place, each in enumerate(given)]
        return None if None in parts else {kind: parts}

    def _leaf(self, kind: str, given: Json, path: Path) -> Json | None:
        before = len(self._document.mistakes)
        read = read_form(LEAVES[kind], given, path, self._document)
        if len(self._document.mistakes) > before:
            return None
        match read:
            case audience_models.FieldLeaf():
                stored = self._field(read, given, path)
            case audience_models.HappenedLeaf():
                stored = self._happened(read, path)
            case audience_models.ListLeaf(list=name):
                stored = self._reference("list", name, self._named.lists, path)
            case audience_models.AudienceLeaf(audience=name):
                self.references.setdefault(str(path[1]), []).append((name, path))
                stored = self._reference("audience", name, self._named.audiences, path)
            case audience_models.SourceLeaf(source=name):
                stored = {"source": name}
            case audience_models.BucketLeaf(bucket=percent):
                stored = {"bucket": percent}
            case _:
                return None
        return stored if len(self._document.mistakes) == before else None

    def _field(self, read: audience_models.FieldLeaf, given: Json, path: Path) -> Json:
        self.fields.append(((*path, "field"), read.field[0]))
        said = [name for name in OPERATORS if name in given]
        if not said:
            self._wrong(path, f"say how {'.'.join(read.field)} is compared: one of {', '.join(OPERATORS)}")
            return {}
        if len(said) > 1:
            self._wrong(path, f"one comparison is all that field takes, and here are {' and '.join(said)}; join by all")
        (operator, *_) = said
        return {"field": read.field, "operator": operator, "value": read.model_dump(by_alias=True)[operator]}

    def _happened(self, read: audience_models.HappenedLeaf, path: Path) -> Json:
        least = read.at_least if read.at_least is not None else int(read.at_most is None)
        if read.at_most is not None and read.at_most < least:
            self._wrong((*path, "at_most"), f"at most {read.at_most} and at least {least} is never so")
        if read.happened not in REPORTED and (read.campaign or read.step):
            self._wrong(path, f"campaign and step say of which mail; {read.happened} is not reported of mails")
        if read.campaign is not None:
            self._reference("campaign", read.campaign, self._named.campaigns, path)
        if read.step is not None:
            self._reference("step", read.step, self._named.steps, path)
        return {**read.model_dump(), "at_least": least}

    def _reference(self, kind: str, name: str, known: Collection[str], path: Path) -> Json:
        if name not in known:
            self._wrong((*path, kind), f"there is no {kind} {name}; {instead(name, known)}")
        return {kind: name}

    def _wrong(self, path: Path, message: str) -> None:
        self._document.wrong(path, message)


def _unknown(given: Json) -> str:
    if not given:
        return f"a condition is empty; it begins with one of {', '.join(KINDS)}"
    name = next(iter(given))
    if name in OPERATORS:
        return f"{name} compares an attribute: say which, like {{field: plan, {name}: ...}}"
    return f"there is no condition {name}; {instead(name, KINDS)}"


def _note_circles(references: References, document: Document) -> None:
    """Note each circle of audiences once."""
    found: set[frozenset[str]] = set()
    for start in references:
        circle = _way_back(start, references)
        names = frozenset(name for name, _ in circle)
        if circle and names not in found:
            found.add(names)
            way = " -> ".join([start, *(f"{name} (line {document.line(path)})" for name, path in circle)])
            document.wrong(circle[0][1], f"audiences refer to each other in a circle: {way}; take one of them out")


def _way_back(start: str, references: References) -> tuple[tuple[str, Path], ...]:
    """Return the shortest way from an audience to itself, each step with where it is written; empty: there is none."""
    waiting: deque[tuple[str, tuple[tuple[str, Path], ...]]] = deque([(start, ())])
    seen: set[str] = set()
    while waiting:
        at, way = waiting.popleft()
        for step in references.get(at, ()):
            if step[0] == start:
                return (*way, step)
            if step[0] not in seen:
                seen.add(step[0])
                waiting.append((step[0], (*way, step)))
    return ()


def _depth(path: Path) -> int:
    """Return in how many groups a condition stands."""
    return sum(isinstance(part, str) for part in path[2:])


def _check_sizes(order: Iterable[str], reading: _Reading, document: Document) -> None:
    """Note each audience that asks too much. Another counts as often as it is referred to."""
    sizes: dict[str, int] = {}
    depths: dict[str, int] = {}
    for name in order:
        to = reading.references.get(name, ())
        sizes[name] = reading.sizes.get(name, 0) + sum(sizes[other] for other, _ in to)
        depths[name] = max([reading.depths.get(name, 0), *(_depth(path) + depths[other] + 1 for other, path in to)])
        if sizes[name] > MOST_LEAVES:
            document.wrong(
                ("audiences", name),
                f"{name} has {sizes[name]:,} conditions, with those of the audiences that it refers to; {MOST_LEAVES}"
                " are the most: write values as in: [...], or let an attribute say it",
            )
        elif depths[name] > DEEPEST:
            document.wrong(
                ("audiences", name),
                f"{name} nests {depths[name]} groups, with those of the audiences that it refers to; {DEEPEST} are the"
                " most: write it flatter",
            )
