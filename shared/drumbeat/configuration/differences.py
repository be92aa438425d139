"""What one configuration says and another does not, in words: one difference a line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import unified_diff
from typing import Any

SECTIONS = {"accounts": "account", "sources": "source", "flows": "flow", "campaigns": "campaign"}
LONGEST_VALUE = 60  # characters; of a longer one it is only said that it changed

type Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A configuration as it is written: the document, and its templates by the name of their file."""

    document: str
    templates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that was added, changed or removed, and how."""

    change: str
    part: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.change:<8} {self.part}{': ' if self.how else ''}{self.how}"

    def facts(self) -> dict[str, str]:
        """Return it for a program."""
        return asdict(self)


def differences(before: Written | None, after: Written) -> list[Difference]:
    """Return what applying `after` would change; `before` None: nothing is in force. Neither need be free of mistakes.

    Comments and layout are no difference, although they make a new version.
    """
    old, new = _data(before), _data(after)
    found = list(_fields("", _head(old), _head(new))) if before else []
    for section, noun in SECTIONS.items():
        found += _named(noun, _mapping(old.get(section)), _mapping(new.get(section)))
    return found + list(_templates(before.templates if before else {}, after.templates))


def _data(written: Written | None) -> Fields:
    from drumbeat.configuration import yaml_lines  # YAML, which a command that compares nothing does without

    return _mapping(yaml_lines.read(written.document, "").data) if written else {}


def _mapping(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _head(data: Fields) -> Fields:
    return {name: value for name, value in data.items() if name not in SECTIONS}


def _named(noun: str, old: Fields, new: Fields) -> Iterator[Difference]:
    for name in [*new, *(name for name in old if name not in new)]:
        part = f"{noun} {name}"
        if name not in old:
            yield Difference("added", part)
        elif name not in new:
            yield Difference("removed", part)
        elif noun == "flow":
            yield from _flow(part, _mapping(old[name]), _mapping(new[name]))
        else:
            yield from _fields(part, old[name], new[name])


def _flow(part: str, old: Fields, new: Fields) -> Iterator[Difference]:
    """Compare a flow step by step, each known by its id."""
    yield from _fields(part, {**old, "steps": None}, {**new, "steps": None})
    before, after = _steps(old), _steps(new)
    for each in _named("step", before, after):
        yield Difference(each.change, f"{part}, {each.part}", each.how)
    stay = [[id for id in some if id in before and id in after] for some in (before, after)]
    if stay[0] != stay[1]:
        yield Difference("changed", part, "its steps stand in another order")


def _steps(flow: Fields) -> Fields:
    steps = flow.get("steps")
    listed = steps if isinstance(steps, list) else []
    return {str(_mapping(step).get("id", number)): step for number, step in enumerate(listed, 1)}


def _fields(part: str, old: object, new: object, path: str = "") -> Iterator[Difference]:
    """Compare two values field by field; a field that only one of them has changes from or to nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*new, *(name for name in old if name not in new)]:
            yield from _fields(part, old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        values = f"{_value(old)} -> {_value(new)}"
        how = f"{path} {values}" if len(values) <= 2 * LONGEST_VALUE else path
        yield Difference("changed", part or path, how if part else values)


def _value(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _templates(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        part = f"template {name}"
        if name not in old:
            yield Difference("added", part)
        elif name not in new:
            yield Difference("removed", part)
        elif old[name] != new[name]:
            lines = list(unified_diff(old[name].splitlines(), new[name].splitlines(), n=0, lineterm=""))[2:]
            number = sum(line[0] in "+-" for line in lines)
            yield Difference("changed", part, f"{number:,} line{'' if number == 1 else 's'}")
