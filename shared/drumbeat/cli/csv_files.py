"""CSV as spreadsheets write it: encoding, delimiter, and one record after the other with its line. Memory stays flat.

A record is never guessed at. What cannot be read is given back as `Broken` with its line, and reading goes on with the
next record; after a quote that is not closed, with the next line.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import BinaryIO

MAX_RECORD_CHARACTERS = 64 * 1024
SAMPLE_BYTES = 64 * 1024
PART_BYTES = 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HINT = re.compile(r"sep=(.)[\r\n]+")  # how Excel is told
_LINE_ENDS = ("\n", "\r")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written. `hinted`: its first line only names the delimiter."""

    sha256: str  # of the file's bytes, hex
    encoding: str
    delimiter: str
    hinted: bool


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


def examine(stream: BinaryIO, passed: Callable[[int], object] = lambda _: None) -> Format:
    """Read a file once, to its end: what its bytes are, and how they are to be read.

    The encoding is what its byte order mark says; else UTF-8, unless more of the file contradicts that than bears it
    out: then Windows' own. The delimiter is the one by which the records of the first 64 KiB are most alike. `passed`
    is called with how many bytes were read so far.
    """
    sample = stream.read(SAMPLE_BYTES)
    digest, evidence, size = hashlib.sha256(), _Evidence(), 0
    part = sample
    while part:
        digest.update(part)
        evidence.add(part)
        size += len(part)
        passed(size)
        part = stream.read(PART_BYTES)
    encoding = next((name for mark, name in _MARKS if sample.startswith(mark)), None)
    encoding = encoding or _unmarked_utf_16(sample) or evidence.encoding
    text = sample.decode(encoding, "replace")
    hint = _HINT.match(text)
    return Format(digest.hexdigest(), encoding, hint[1] if hint else _delimiter(text, len(sample)), bool(hint))


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


def formula_quoted(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: `'` is put before what begins one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def formula_unquoted(cell: str) -> str:
    """Undo `formula_quoted`."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


class _Evidence:
    """Counts what speaks for UTF-8 and what against it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._good = self._bad = 0

    def add(self, part: bytes) -> None:
        text = self._decoder.decode(part)
        if text.isascii():
            return
        whole = text.encode("utf-8", "ignore").decode()
        self._bad += len(text) - len(whole)
        self._good += len(whole) - len(whole.encode("ascii", "ignore"))

    @property
    def encoding(self) -> str:
        self._bad += len(self._decoder.decode(b"", final=True))
        return "utf-8" if self._good >= self._bad else "cp1252"


def _unmarked_utf_16(sample: bytes) -> str | None:
    """Recognise UTF-16 without a mark: of most text every other byte is NUL."""
    pairs = len(sample) // 2
    for encoding, nulls in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if pairs and nulls.count(0) > pairs // 2:
            return encoding
    return None


def _delimiter(text: str, size: int) -> str:
    if size == SAMPLE_BYTES:  # its last record is cut
        text = text[: max(map(text.rfind, _LINE_ENDS)) + 1] or text
    return max(DELIMITERS, key=lambda delimiter: _likeness(text, delimiter))


def _likeness(text: str, delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(cells) for cells in csv.reader(StringIO(text, newline=""), delimiter=delimiter) if cells]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


class _TooLong(Exception):
    """The record that is being read has more characters than are kept."""


class _Lines:
    """The lines of a file for csv's reader, with a way back to the second line of a record."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self.number = 0  # of the line that was read last
        self.first = 1  # of the record that is being read
        self._read: list[str] = []  # of that record
        self._left = MAX_RECORD_CHARACTERS
        self._second: tuple[int, int] | None = None  # where its second line begins: position, lines before

    def begin(self) -> None:
        """The next line begins a record."""
        self.first, self._second, self._left = self.number + 1, None, MAX_RECORD_CHARACTERS
        self._read.clear()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next line. Raises _TooLong."""
        if self._read:
            self._mark()
        line = self._text.readline(self._left + 1)
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

    def skip_record(self) -> bool:
        """Read on to the end of a record that is too long; False: it has none, for a quote is not closed."""
        quotes, line = sum(part.count('"') for part in self._read), self._read[-1]
        self._read.clear()
        while quotes % 2 or not line.endswith(_LINE_ENDS):
            ended = line.endswith(_LINE_ENDS)
            if ended:
                self._mark()
            line = self._text.readline(SAMPLE_BYTES)
            if not line:
                return quotes % 2 == 0
            self.number += ended
            quotes += line.count('"')
        return True

    def back_to_second(self) -> None:
        """Go back to the second line of the record, if it has one."""
        if self._second is not None:
            position, self.number = self._second
            self._text.seek(position)

    def _mark(self) -> None:
        if self._second is None:
            self._second = self._text.tell(), self.number


def _records(lines: _Lines, delimiter: str) -> Iterator[Record | Broken]:
    reader = _reader(lines, delimiter)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield Broken(lines.first, _too_long(lines))
            reader = _reader(lines, delimiter)
        except csv.Error as error:
            lines.back_to_second()
            ended = "end of data" in str(error)
            yield Broken(lines.first, NOT_CLOSED if ended else NOT_DOUBLED)
            reader = _reader(lines, delimiter)
        else:
            if any(map(str.strip, cells)):
                yield Record(lines.first, cells)


NOT_CLOSED = "a quote that opens a cell is never closed"
NOT_DOUBLED = "a quote within a quoted cell is not doubled, or one that opens a cell is not closed"


def _too_long(lines: _Lines) -> str:
    if lines.skip_record():
        until = f" (it ends on line {lines.number:,})" if lines.number > lines.first else ""
        return f"it is longer than {MAX_RECORD_CHARACTERS:,} characters{until}"
    lines.back_to_second()
    return NOT_CLOSED


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
