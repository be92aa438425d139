"""CSV files as spreadsheets write them: their encoding and delimiter."""

import codecs
import csv
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO

SAMPLE_BYTES = 64 * 1024
PART_BYTES = 1024 * 1024
DELIMITERS = (",", ";", "\t", "|")

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HINT = re.compile(r"sep=([^\r\n]?)[\r\n]+")  # how Excel is told
_NO_DELIMITER = ("", '"')  # of a hint that says nothing
LINE_ENDS = ("\n", "\r")


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written. `hinted`: its first line only names the delimiter."""

    sha256: str  # of the file's bytes, hex
    encoding: str
    delimiter: str
    hinted: bool


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
    if hint and hint[1] not in _NO_DELIMITER:
        return Format(digest.hexdigest(), encoding, hint[1], hinted=True)
    found = _delimiter(text[hint.end() :] if hint else text, len(sample))
    return Format(digest.hexdigest(), encoding, found, bool(hint))


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
        text = text[: max(map(text.rfind, LINE_ENDS)) + 1] or text
    return max(DELIMITERS, key=lambda delimiter: _likeness(text, delimiter))


def _likeness(text: str, delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(cells) for cells in csv.reader(StringIO(text, newline=""), delimiter=delimiter) if cells]
    except csv.Error:
        return 0.0, 0
    if not widths or widths[0] < 2:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]
