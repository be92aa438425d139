"""What the files of the folder of templates are made of: which extends, includes or imports which.

A name in a text counts from the folder, and is written out: so it is known at `apply` what a mail consists of, and all
of it is stored with the version.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import nodes

from drumbeat.core.configuration import NAME
from drumbeat.core.suggestions import instead
from drumbeat.planning.templating import parse
from drumbeat.planning.text_checks import names_set, readable, references

# Which kinds of files a file of one kind may use.
USABLE: Mapping[str, tuple[str, ...]] = {"mjml": ("mjml", "html"), "html": ("html",), "txt": ("txt",)}


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a file names another one; None: not by its name alone."""

    line: int
    name: str | None


def is_part(name: str) -> bool:
    """Return whether a file can be a part of templates, and no template itself: it lies in a folder of the folder."""
    folder, slash, file = name.rpartition("/")
    return bool(slash and kind_of(file)) and all(re.fullmatch(NAME, each) for each in [*folder.split("/"), file])


def kind_of(name: str) -> str:
    """Return the kind of a file by its name; "": it is none of ours."""
    _, dot, kind = name.rpartition(".")
    return kind if dot and kind in USABLE else ""


@lru_cache(maxsize=1024)
def referred(source: str) -> tuple[Reference, ...]:
    """Return what a text refers to, in order; nothing where it cannot be read."""
    found = [(node.lineno, node.template) for node in references(parse(source))] if readable(source) else []
    return tuple(Reference(line, _text(name)) for line, name in found)


def _text(name: nodes.Expr) -> str | None:
    return name.value if isinstance(name, nodes.Const) and isinstance(name.value, str) else None


def names_set_in(texts: Iterable[str]) -> frozenset[str]:
    """Return the variables that texts set: a part may use what the file that includes it has set."""
    return frozenset(name for text in texts for name in names_set(text))


def reached(name: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that a file is made of beside itself, however deep, in the order in which they are met."""
    met: dict[str, None] = {}
    todo = [name]
    while todo:
        one = todo.pop()
        for other in reversed(_named(one, files)):
            if other != name and other not in met:
                todo.append(other)
        if one != name:
            met[one] = None
    return tuple(met)


def reference_faults(name: str, files: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield (line, what to write instead) of each reference of a file that leads nowhere, or back to it."""
    for each in referred(files[name]):
        usable = [other for other in files if kind_of(other) in USABLE[kind_of(name)] and other != name]
        if each.name is None:
            yield each.line, 'a part is named as it is called, like "layouts/letter.html"; write its name out'
        elif each.name == name:
            yield each.line, "it uses itself; take that out"
        elif each.name not in files:
            advice = instead(each.name, usable) if usable else "its name counts from there"
            yield each.line, f"there is no file {each.name} in the folder of templates; {advice}"
        elif each.name not in usable:
            yield each.line, f"a {kind_of(name)} file cannot use {each.name}; write that part as {kind_of(name)}, too"
        elif way := _way(each.name, name, files):
            circle = " uses ".join([name, *way])
            yield each.line, f"it uses itself: {circle}; take one of these out"


def _way(start: str, end: str, files: Mapping[str, str]) -> list[str]:
    """Return the files by which one leads to another, both included; []: it does not."""
    todo, seen = [[start]], {start}
    while todo:
        way = todo.pop(0)
        for other in _named(way[-1], files):
            if other == end:
                return [*way, end]
            if other not in seen:
                seen.add(other)
                todo.append([*way, other])
    return []


def _named(name: str, files: Mapping[str, str]) -> list[str]:
    """Return the files that one refers to and that are there, in order."""
    return [each.name for each in referred(files[name]) if each.name is not None and each.name in files]
