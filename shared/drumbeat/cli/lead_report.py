"""The report of an import: refused rows with line and reason, in a file that can be corrected and imported."""

import csv
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Self, TextIO

import click

from drumbeat.cli.lead_rows import REPORT, Refused
from drumbeat.core.cells import formula_quoted

BLOCK_BYTES = 64 * 1024
FIRST = 10  # refused rows that are kept at hand


class Report:
    """A CSV file that is there when the import has ended, however it ended, if a row was refused.

    A file that is there already is never lost: unless it holds the same, or the beginning of it (of a run that was
    stopped), the report is written beside it, under the next free name. Without a path nothing is written.
    """

    def __init__(self, path: Path | None, head: Sequence[str], delimiter: str) -> None:
        self.path, self.rows = path, 0
        self.written: Path | None = None
        self.first: list[Refused] = []
        self.one_reason: str | None = None  # for which all of them were refused
        self._head, self._delimiter = head, delimiter
        self._kept: TextIO | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            with _keeping():
                self._kept = tempfile.TemporaryFile("w+", encoding="utf-8-sig", errors="replace", newline="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is None:
            return
        try:
            if self.rows:
                self._write()
        finally:
            with suppress(OSError):  # what found no room there finds none now, and that was said
                self._kept.close()

    def add(self, refused: Refused) -> None:
        """Report a refused row. Raises click.ClickException when there is no room to keep it."""
        if self._kept is not None:
            with _keeping():
                if not self.rows:
                    self._row((*REPORT, *self._own(self._head)))
                self._row((str(refused.number), refused.reason, *map(formula_quoted, self._own(refused.cells))))
        self.one_reason = refused.reason if not self.rows or refused.reason == self.one_reason else None
        self.rows += 1
        if self.rows <= FIRST:
            self.first.append(refused)

    @property
    def earlier(self) -> Path | None:
        """The file at the report's place that this run did not write."""
        return self.path if self.path is not None and self.written != self.path and self.path.is_file() else None

    def _own(self, cells: Sequence[str]) -> Sequence[str]:
        """Return the cells without what a report before wrote: this may be the import of one."""
        return cells[len(REPORT) :] if tuple(self._head[: len(REPORT)]) == REPORT else cells

    def _row(self, cells: Sequence[str]) -> None:
        assert self._kept is not None
        csv.writer(self._kept, delimiter=self._delimiter, quoting=csv.QUOTE_ALL).writerow(cells)

    def _write(self) -> None:
        assert self._kept is not None
        with _keeping():
            self._kept.flush()
        with self._writing():
            path = next(path for path in self._places() if not path.is_file() or self._goes_on_from(path))
            self._kept.buffer.seek(0)
            with path.open("wb") as file:
                shutil.copyfileobj(self._kept.buffer, file)
            self.written = path

    def _places(self) -> Iterator[Path]:
        assert self.path is not None
        yield self.path
        yield from (self.path.with_name(f"{self.path.stem}-{n}{self.path.suffix}") for n in count(2))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise click.ClickException(
                f"{self.path} cannot be written ({error.strerror}): say where with --report"
            ) from None

    def _goes_on_from(self, path: Path) -> bool:
        """Return whether the file holds the report's beginning, or all of it, and nothing else."""
        assert self._kept is not None
        self._kept.buffer.seek(0)
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                if self._kept.buffer.read(len(block)) != block:
                    return False
        return True


@contextmanager
def _keeping() -> Iterator[None]:
    """Say that the file fails which holds the rows until the report is written."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(
            f"the refused rows cannot be kept in the folder for temporary files ({error.strerror}): make room there, "
            "or name another folder by TMPDIR"
        ) from None
