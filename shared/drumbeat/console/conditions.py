"""Conditions of audiences in words, for a page: of an audience as it is written, or as it was judged for one person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GROUPS = {"all": "all of these", "any": "at least one of these", "not": "not this"}
# How a value is compared; the rest of the sentence follows.
_COMPARED = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "contains": "contains",
    "starts_with": "begins with",
    "at_least": "is at least",
    "at_most": "is at most",
    "before": "is before",
    "after": "is after",
}
_TIMES = {0: "never", 1: "once"}


@dataclass(frozen=True, slots=True)
class Line:
    """One condition and those below it. `judged`: it was asked of one person; then `verdict` None is: not known."""

    words: str
    audience: str | None = None  # that it refers to
    judged: bool = False
    verdict: bool | None = None
    saw: str = ""
    why: str = ""  # it is not known
    parts: list["Line"] = field(default_factory=list)


def written(condition: Mapping[str, Any]) -> Line:
    """Read a condition as `audiences.wording` writes it."""
    kind, said = next(iter(condition.items()))
    if kind == "not":
        return Line(GROUPS[kind], parts=[written(said)])
    if kind in GROUPS:
        return Line(GROUPS[kind], parts=[written(part) for part in said])
    return Line(words(condition), audience=said if kind == "audience" else None)


def judged(tree: Any) -> Line:  # noqa: ANN401 - the tree of an explanation
    """Read what was found of one person."""
    kind, said = next(iter(tree.condition.items()))
    return Line(
        GROUPS[kind] if kind in GROUPS else words(tree.condition),
        audience=said if kind == "audience" else None,
        judged=True,
        verdict=tree.verdict,
        saw="" if tree.parts or kind in GROUPS else saw(kind, tree.saw),
        why=tree.why or "",
        parts=[judged(part) for part in tree.parts],
    )


def words(condition: Mapping[str, Any]) -> str:
    """Say one condition, which is no group."""
    match condition:
        case {"field": path, "exists": exists}:
            return f"{_path(path)} is {'known' if exists else 'not known'}"
        case {"field": path, **compared}:
            operator, value = next(iter(compared.items()))
            return f"{_path(path)} {_COMPARED[operator]} {_value(value)}"
        case {"list": name}:
            return f"agreed to the list {name}"
        case {"source": name}:
            return f"an event of the source {name} names them"
        case {"happened": word, **around}:
            return " ".join(filter(None, (f"{word.replace('_', ' ')} {_often(around)}", _around(around))))
        case {"audience": name}:
            return f"is in the audience {name}"
        case {"bucket": part}:
            return f"is in the same {part} of all people each time"
    return json.dumps(condition, ensure_ascii=False)


def saw(kind: str, value: object) -> str:
    """Say what a condition of this kind saw of a person."""
    match kind:
        case "happened":
            number = int(str(value))
            return _TIMES.get(number, f"{number:,} times")
        case "bucket":
            return f"stands at {value}%"
        case "field":
            return "has none" if value is None else f"has {_value(value)}"
        case "source":
            return "named by it" if value else "not named by it"
    return f"is {value}"


def _often(around: Mapping[str, Any]) -> str:
    most, least = around.get("at_most"), around.get("at_least", int("at_most" not in around))
    if most is None:
        return f"at least {_times(least)}"
    if most == 0:
        return "never"
    return f"{least} to {_times(most)}" if least else f"at most {_times(most)}"


def _around(around: Mapping[str, Any]) -> str:
    said = (("within", "within {}"), ("campaign", "in the campaign {}"), ("step", "by the step {}"))
    return ", ".join(text.format(around[name]) for name, text in said if name in around)


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _path(path: object) -> str:
    return " › ".join(map(str, path)) if isinstance(path, list) else str(path)


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return json.dumps(value, ensure_ascii=False)
