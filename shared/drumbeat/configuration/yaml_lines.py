"""YAML with line numbers: plain data, and where each part of it stands.

The YAML 1.2 core schema: only true and false are booleans, so `on:` stays a word, and nothing turns into a date. Keys
are always text. A key given twice is a mistake, as are tags and merge keys.

What is read here can be stored and comes back the same: a number that JSON or Postgres would change is a mistake, as is
a text that they have no place for.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from drumbeat.configuration.yaml_errors import explain
from drumbeat.core.errors import Mistake
from drumbeat.core.numbers import BEYOND, VANISHES, is_exact, vanishes

type Path = tuple[str | int, ...]

LONGEST_DOCUMENT = 512 * 1024  # characters
MOST_NODES = 50_000  # with what aliases repeat
MOST_CHARACTERS = 4 * LONGEST_DOCUMENT  # of texts and keys, with what aliases repeat
DEEPEST_NESTING = 40
DEEPEST_AUDIENCE = 160  # which may nest 60 groups, each a mapping and a list

_NULL, _BOOL = re.compile("|~|null|Null|NULL"), re.compile("true|True|TRUE|false|False|FALSE")
_INT = re.compile("[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PREFIX = "tag:yaml.org,2002:"
_MERGE = "<<"


@dataclass
class Document:
    """What a document says and where it says it."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)  # what is taken, and should be written otherwise

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a part, or of the nearest part around it that is there."""
        for length in range(len(path), -1, -1):
            if (line := self.lines.get(tuple(path[:length]))) is not None:
                return line
        return 1

    def has(self, path: Path) -> bool:
        """Return whether there is such a part."""
        return path in self.lines

    def wrong(self, path: Sequence[str | int], message: str) -> None:
        """Note a mistake at a part."""
        self.mistakes.append(Mistake(self.file, self.line(path), message))

    def warn(self, path: Sequence[str | int], message: str) -> None:
        """Note at a part what should be written otherwise."""
        self.warnings.append(Mistake(self.file, self.line(path), message))


def read(text: str, file: str) -> Document:
    """Read a document; what is wrong with it as YAML is in its `mistakes`, and then `data` holds what could be read."""
    document = Document(file)
    if len(text) > LONGEST_DOCUMENT:
        document.wrong((), f"the document is over {LONGEST_DOCUMENT // 1024} KiB; split what it says between templates")
        return document
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line, explained = explain(error, text)
        document.mistakes.append(Mistake(file, line, f"not YAML: {explained}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position if isinstance(error.position, int) else 0) + 1
        document.mistakes.append(Mistake(file, line, "not YAML: a control character; delete it"))
    except RecursionError:
        document.wrong((), "brackets nest too deep; write a flatter document")
    else:
        if node is not None:
            document.data = _Reading(document).value(node, ())
    return document


class _Loader(yaml.SafeLoader):
    """Only its composer is used."""

    # Every plain scalar is text for the composer: the core schema is applied when values are made.
    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - as the base class has it


class _Reading:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = self._characters = 0
        self._stopped = False

    def value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - plain data
        document = self._document
        document.lines.setdefault(path, node.start_mark.line + 1)
        self._nodes += 1
        if isinstance(node, yaml.ScalarNode):
            self._characters += len(node.value)
        deepest = DEEPEST_AUDIENCE if path[:1] == ("audiences",) else DEEPEST_NESTING
        if self._nodes >= MOST_NODES or self._characters >= MOST_CHARACTERS or len(path) >= deepest:
            if not self._stopped:
                document.wrong(
                    path, "the document nests too deep, or repeats itself too much by aliases (*name); write it flatter"
                )
            self._stopped = True
            return None
        match node:
            case yaml.MappingNode():
                return dict(self._entries(node, path))
            case yaml.SequenceNode():
                self._untagged(node, "seq", path)
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                self._untagged(node, "str", path)
                if fault := unstorable(str(node.value)):
                    document.wrong(path, fault)
                    return _storable(str(node.value))  # the rest of the checks go on, and validators refuse halves
                return self._scalar(node, path)
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> str | float | bool | None:
        text = str(node.value)
        if node.style is not None:
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        if not _FLOAT.fullmatch(text):  # which every whole number is, too
            return text
        if fault := _changed(text):
            self._document.wrong(path, fault)
            return 0
        number = int(text) if _INT.fullmatch(text) else float(text) + 0.0  # -0.0 is 0.0, as Postgres has it
        if json.dumps(number) != text:
            self._document.warn(
                path, f"{text} is the number {number!r} here; put quotes around it if the text is meant"
            )
        return number

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        document = self._document
        self._untagged(node, "map", path)
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                document.mistakes.append(
                    Mistake(document.file, line, "a key must be a word; put quotes around a text that begins with {")
                )
                continue
            name = str(key.value)
            if fault := unstorable(name):
                document.mistakes.append(Mistake(document.file, line, fault))
                continue
            if name in first:
                document.mistakes.append(
                    Mistake(document.file, line, f"{name} is given twice, first in line {first[name]}; delete one")
                )
                continue
            if name == _MERGE and key.style is None:
                document.mistakes.append(
                    Mistake(document.file, line, "merge keys (<<) are not supported; write the fields out")
                )
                continue
            first[name] = line
            document.lines[(*path, name)] = line
            yield name, self.value(value, (*path, name))

    def _untagged(self, node: yaml.Node, kind: str, path: Path) -> None:
        if node.tag not in (_PREFIX + kind, "!"):
            self._document.wrong(path, f"tags such as {node.tag.replace(_PREFIX, '!!')} are not supported; delete it")


def unstorable(text: str) -> str | None:
    """Say what keeps a text out of the ledger, or None: it holds what Postgres or UTF-8 has no place for."""
    if "\0" in text:
        return "a text holds the character NUL; delete it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half of a surrogate pair, which is not Unicode; delete it"
    return None


def _storable(text: str) -> str:
    return text.replace("\0", "?").encode(errors="replace").decode()


def _changed(text: str) -> str | None:
    """Say what is wrong with a number that would not come out as it is written, or None."""
    number = float(text)
    if not is_exact(number):
        return f"a number {BEYOND}; put quotes around it"
    if vanishes(text):
        return f"a number {VANISHES}; put quotes around it"
    if _INT.fullmatch(text) and text != (plain := str(int(text))):
        return f"{text} would be sent as {plain}; put quotes around it"
    return None
