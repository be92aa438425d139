"""The records of a CSV file, one after the other, each with its line. Memory stays flat.

A record is never guessed at. What cannot be read is given back as `Broken` with its line, and reading goes on with the
next record; after a quote that is not closed, with the next line.
"""

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from io import TextIOWrapper
from typing import BinaryIO

from drumbeat.cli.csv_files import LINE_ENDS, Format

MAX_RECORD_CHARACTERS = 64 * 1024
PART_CHARACTERS = 64 * 1024  # of a record that is passed over
NOT_CLOSED = "a quote that opens a cell is never closed"
NOT_DOUBLED = "a quote within a quoted cell is not doubled, or one that opens a cell is not closed"


@dataclass(frozen=True, slots=True)
class Record:
    """One record, and the line of the file on which it begins."""

    line: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read, and why."""

    line: int
    reason: str


def records(stream: BinaryIO, form: Format) -> Generator[Record | Broken]:
    """Give a file's records in order, without those that are blank."""
    errors = "replace" if form.encoding.startswith("utf-16") else "surrogateescape"
    text = TextIOWrapper(stream, form.encoding, errors, newline="")
    try:
        lines = _Lines(text)
        if form.hinted:
            lines.skip_hint()
        yield from _records(lines, form.delimiter)
    finally:
        text.detach()  # the stream is its opener's


class _TooLong(Exception):
    """The record that is being read has more characters than are kept."""


class _Flaw(Exception):
    """The quotes of the record that is being read are wrong; its text says how."""


class _Within(Enum):
    """Where in a record a reader is."""

    START = auto()  # of a cell
    PLAIN = auto()
    QUOTED = auto()
    QUOTE = auto()  # behind a quote in a quoted cell: its end, or the first of two


class _Cells:
    """Follows a record by the rules of csv's reader, and keeps nothing: a quote opens only at the start of a cell."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._end = re.compile(f"[{re.escape(delimiter)}\r\n]")  # of a cell without quotes
        self._within = _Within.START

    @property
    def is_open(self) -> bool:
        """Whether a cell that a quote opened has not ended yet."""
        return self._within is _Within.QUOTED

    def read(self, part: str) -> bool:
        """Read on, and return whether the record ends with this part. Raises _Flaw."""
        place = 0
        while place < len(part):
            match self._within:
                case _Within.QUOTED:
                    place = part.find('"', place)
                    if place < 0:
                        return False
                    self._within = _Within.QUOTE
                case _Within.PLAIN:
                    found = self._end.search(part, place)
                    if found is None:
                        return False
                    place = found.start()
                    self._within = _Within.START
                    if part[place] in LINE_ENDS:
                        return True
                case _:
                    if part[place] in LINE_ENDS:
                        return True
                    self._within = self._next(part[place])
            place += 1
        return False

    def _next(self, character: str) -> _Within:
        """Return where one character leads from the start of a cell, or from a quote within a quoted one."""
        if character == '"':
            return _Within.QUOTED
        if character == self._delimiter:
            return _Within.START
        if self._within is _Within.QUOTE:
            raise _Flaw(NOT_DOUBLED)
        return _Within.START if character == " " else _Within.PLAIN


class _Lines:
    """The lines of a file for csv's reader, with a way back to the second line of a record."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.number = 0  # of the line that was read last
        self.first = 1  # of the record that is being read
        self._read: list[str] = []  # of that record
        self._left = MAX_RECORD_CHARACTERS
        self._second: tuple[int, int] | None = None  # where its second line begins: position, lines before
        self._flaw = (0, "")  # the farthest that was found: its line, and what it is

    def begin(self) -> None:
        """The next line begins a record."""
        self.first, self._second, self._left = self.number + 1, None, MAX_RECORD_CHARACTERS
        self._read.clear()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next line. Raises _TooLong, _Flaw."""
        if self._read:
            self._mark()
        line = self._part(self._left + 1)
        if not line:
            raise StopIteration
        self._read.append(line)
        self._left -= len(line)
        self.number += 1
        if self._left < 0:
            raise _TooLong
        return line

    def skip_hint(self) -> None:
        """Pass over the first line."""
        next(self)

    def skip_record(self, cells: _Cells) -> None:
        """Read on to the end of a record that is too long. Raises _Flaw: it has none."""
        part = ""
        try:
            for part in self._again():
                if cells.read(part):
                    return
        except _Flaw:
            while self._second is None and part and not part.endswith(LINE_ENDS):
                part = self._part(PART_CHARACTERS)
            raise
        if cells.is_open:
            raise _Flaw(NOT_CLOSED)

    def back_to_second(self, flaw: str) -> None:
        """Go back to the second line of the record, if it has one. The flaw is on the line that was read last."""
        self._flaw = max(self._flaw, (self.number, flaw))
        if self._second is not None:
            position, self.number = self._second
            self._text.seek(position)

    def _again(self) -> Iterator[str]:
        """Give the record in parts: what was kept of it, and then what follows in the file."""
        kept, self._read = self._read, []
        yield from kept
        part = kept.pop()
        while True:
            ended = part.endswith(LINE_ENDS)
            if ended:
                self._mark()
            part = self._part(PART_CHARACTERS)
            if not part:
                return
            self.number += ended
            yield part

    def _mark(self) -> None:
        """Note where the second line begins. Raises _Flaw where a record before went on over it within a cell, too.

        Both are the same from here on. So a file is not read to its end for each of its lines.
        """
        if self._second is None:
            line, flaw = self._flaw
            if self.number < line:
                raise _Flaw(flaw)
            self._second = self._text.tell(), self.number

    def _part(self, most: int) -> str:
        """Read to the end of the line, or so many characters; an end of two characters is not cut in two."""
        part = self._text.readline(most)
        if len(part) == most and part.endswith("\r"):
            position = self._text.tell()
            if self._text.read(1) == "\n":
                return f"{part}\n"
            self._text.seek(position)
        return part


def _records(lines: _Lines, delimiter: str) -> Iterator[Record | Broken]:
    reader = _reader(lines, delimiter)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (_TooLong, _Flaw, csv.Error) as error:
            yield Broken(lines.first, _passed_over(error, lines, delimiter))
            reader = _reader(lines, delimiter)
        else:
            if any(map(str.strip, cells)):
                yield Record(lines.first, cells)


def _passed_over(error: Exception, lines: _Lines, delimiter: str) -> str:
    """Go on behind a record that cannot be read, or behind its first line where its quotes are wrong; say why it is."""
    try:
        if isinstance(error, csv.Error):
            raise _Flaw(NOT_CLOSED if "end of data" in str(error) else NOT_DOUBLED)
        if isinstance(error, _Flaw):
            raise error
        lines.skip_record(_Cells(delimiter))
    except _Flaw as flaw:
        lines.back_to_second(str(flaw))
        return str(flaw)
    until = f" (it ends on line {lines.number:,})" if lines.number > lines.first else ""
    return f"it is longer than {MAX_RECORD_CHARACTERS:,} characters{until}"


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
