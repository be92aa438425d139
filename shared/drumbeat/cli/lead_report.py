"""The report of an import: refused rows with line and reason, in a file that can be corrected and imported."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TextIO

import click

from drumbeat.cli.csv_files import formula_quoted
from drumbeat.cli.lead_rows import REPORT, Refused


class Report:
    """A CSV file that is there once a row was refused; until then an earlier one stays as it is."""

    def __init__(self, path: Path, head: Sequence[str], delimiter: str) -> None:
        self.path, self.rows = path, 0
        self._head, self._delimiter = head, delimiter
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, refused: Refused) -> None:
        """Write a refused row. Raises click.ClickException when the file cannot be written."""
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8-sig", errors="replace", newline="")
                self._write((*REPORT, *self._own(self._head)))
            self._write((str(refused.number), refused.reason, *map(formula_quoted, self._own(refused.cells))))
        except OSError as error:
            raise click.ClickException(
                f"{self.path} cannot be written ({error.strerror}): say where with --report"
            ) from None
        self.rows += 1

    def _own(self, cells: Sequence[str]) -> Sequence[str]:
        """Return the cells without what a report before wrote: this may be the import of one."""
        return cells[len(REPORT) :] if tuple(self._head[: len(REPORT)]) == REPORT else cells

    def _write(self, cells: Sequence[str]) -> None:
        assert self._file is not None
        csv.writer(self._file, delimiter=self._delimiter, quoting=csv.QUOTE_ALL).writerow(cells)
