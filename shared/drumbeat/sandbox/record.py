"""The sandbox's own ledger: one JSON line per request, appended before the response leaves, never rewritten.

A line is complete once `append` returns: it survives the death of this process (not of the machine; nothing is synced
to the disk itself). A line torn by the end of the process is set aside on the next start.
"""

import fcntl
import json
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drumbeat.sandbox.http_messages import encode

type Entry = dict[str, Any]

READ_BUFFER_BYTES = 1 << 20


class RecordInUse(Exception):
    """Another sandbox is writing this record."""


class Record:
    """An append-only file of entries, numbered from 0 in the order of writing."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises RecordInUse."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise RecordInUse(str(path)) from error
        self._starts = array("Q")
        self._end = 0

    def __len__(self) -> int:
        return len(self._starts)

    def load(self) -> Iterator[Entry]:
        """Yield every entry written so far, oldest first; to be called once, before anything is appended."""
        with os.fdopen(os.dup(self._file), "rb", buffering=READ_BUFFER_BYTES) as lines:
            lines.seek(0)
            for line in lines:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._file, self._end)  # torn: its response never left
                    break
                self._starts.append(self._end)
                self._end += len(line)
                yield json.loads(line)

    def append(self, entry: Entry) -> int:
        """Write the entry and return its number. Raises OSError when it could not be written whole."""
        line = encode(entry).encode() + b"\n"
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, self._end)
            raise OSError(f"the record took {written} of {len(line)} bytes; is the disk full?")
        self._starts.append(self._end)
        self._end += written
        return len(self._starts) - 1

    def line(self, number: int) -> bytes:
        """Return the entry's line as written."""
        start = self._starts[number]
        end = self._starts[number + 1] if number + 1 < len(self._starts) else self._end
        return os.pread(self._file, end - start, start)

    def entry(self, number: int) -> Entry:
        """Return the entry."""
        entry: Entry = json.loads(self.line(number))
        return entry

    def close(self) -> None:
        """Close the file, so that another sandbox may open it."""
        os.close(self._file)
