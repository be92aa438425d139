"""Audiences: who is meant, as a tree of conditions about one person. What it asks becomes SQL in `audiences/`.

A condition is true, false or unknown: unknown where a value is there and of a type that cannot be compared. What is
absent is not unknown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drumbeat.core.errors import NotUnderstood
from drumbeat.core.events import EventType
from drumbeat.core.feedback import Kind

type Scalar = str | int | float | bool


class Operator(StrEnum):
    """How the value of an attribute is compared."""

    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BEFORE = "before"
    AFTER = "after"
    EXISTS = "exists"


# What can have happened to a person: what providers report of their mails, and what was received that names them.
REPORTED = tuple(kind.value for kind in Kind if kind is not Kind.OTHER)
RECEIVED = (EventType.LEAD_CAPTURE.value, EventType.CONTENT_PUBLISH.value, EventType.CONSENT.value)
MOST_LEAVES = 200  # of an audience, with those that it refers to
DEEPEST = 60  # groups inside each other, with those of audiences that are referred to


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each part holds."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A part holds."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value of an attribute, or of what is inside it."""

    path: tuple[str, ...]  # the attribute's name, then keys
    operator: Operator
    value: Scalar | tuple[Scalar, ...]  # for BEFORE and AFTER an ISO 8601 instant with its offset

    @property
    def field(self) -> str:
        """The path as it is written."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class OnList:
    """Consent to a list is given."""

    list: str


@dataclass(frozen=True, slots=True)
class FromSource:
    """An event of this source names the person."""

    source: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of a person's history."""

    word: str  # one of REPORTED or RECEIVED
    within: float | None = None  # seconds; None: ever
    campaign: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened so often."""

    counted: Counted
    at_least: int
    at_most: int | None


@dataclass(frozen=True, slots=True)
class InAudience:
    """The person is in another audience."""

    audience: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """The person is in a part of all people that is always the same one; a larger part holds each smaller one."""

    percent: float


type Leaf = Attribute | OnList | FromSource | Happened | InAudience | Bucket
type Node = AllOf | AnyOf | Not | Leaf


def tree(entry: Mapping[str, Any]) -> Node:
    """Read the stored form of an audience back.

    Raises:
        NotUnderstood: a later release wrote it.
    """
    for kind, read in _READERS.items():
        if kind in entry:
            return read(entry)
    raise NotUnderstood(
        "An audience holds a condition of a later release. Nothing is lost: deploy that release, or apply again."
    )


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves of a tree in their order; what another audience asks is not among them."""
    match node:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield node


def expanded(name: str, audiences: Mapping[str, Node]) -> Iterator[Leaf]:
    """Yield the leaves of an audience and of those that it refers to, these as often as they are referred to."""
    for leaf in leaves(audiences[name]):
        yield leaf
        if isinstance(leaf, InAudience):
            yield from expanded(leaf.audience, audiences)


def both(verdicts: "Iterator[bool | None]") -> bool | None:
    """Return whether all hold: false as soon as one does not, else unknown as soon as one is."""
    known = list(verdicts)
    return False if False in known else None if None in known else True


def either(verdicts: "Iterator[bool | None]") -> bool | None:
    """Return whether one holds: true as soon as one does, else unknown as soon as one is."""
    known = list(verdicts)
    return True if True in known else None if None in known else False


def _attribute(entry: Mapping[str, Any]) -> Node:
    value = entry["value"]
    return Attribute(
        tuple(entry["field"]), Operator(entry["operator"]), tuple(value) if isinstance(value, list) else value
    )


def _happened(entry: Mapping[str, Any]) -> Node:
    counted = Counted(entry["happened"], entry["within"], entry["campaign"], entry["step"])
    return Happened(counted, entry["at_least"], entry["at_most"])


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Node]] = {
    "all": lambda entry: AllOf(tuple(map(tree, entry["all"]))),
    "any": lambda entry: AnyOf(tuple(map(tree, entry["any"]))),
    "not": lambda entry: Not(tree(entry["not"])),
    "field": _attribute,
    "list": lambda entry: OnList(entry["list"]),
    "source": lambda entry: FromSource(entry["source"]),
    "happened": _happened,
    "audience": lambda entry: InAudience(entry["audience"]),
    "bucket": lambda entry: Bucket(entry["bucket"]),
}
