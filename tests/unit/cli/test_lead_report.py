"""The report of an import, where there is no room for it."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import TextIO, override

import click
import pytest

from drumbeat.cli import leads_import
from drumbeat.cli.csv_files import Format
from drumbeat.cli.lead_report import Report
from drumbeat.cli.lead_rows import Refused

ROW = Refused(2, "email is empty", ("", "Ada"))
LARGE = Refused(3, "email is empty", ("", "x" * 100_000))


def full(*_: object, **__: object) -> TextIO:
    """A file for which there is no room."""
    return Path("/dev/full").open("w+", encoding="utf-8")


def keep(path: Path, rows: list[Refused]) -> None:
    with Report(path, ("email", "name"), ",") as report:
        for row in rows:
            report.add(row)


def nowhere(*_: object, **__: object) -> TextIO:
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


@pytest.mark.parametrize(
    ("file", "rows", "why"),
    [
        (full, [ROW], "No space left on device"),
        (full, [LARGE], "No space left on device"),
        (nowhere, [], "No usable temporary directory found"),
    ],
    ids=["when it is written", "when a row is kept", "no folder"],
)
def test_where_rows_cannot_be_kept_that_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Callable[..., TextIO], rows: list[Refused], why: str
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", file)

    with pytest.raises(click.ClickException) as said:
        keep(tmp_path / "people.refused.csv", rows)

    assert said.value.message.startswith(f"the refused rows cannot be kept in the folder for temporary files ({why})")
    assert list(tmp_path.iterdir()) == []


def test_without_a_refused_row_nothing_needs_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", full)

    with Report(tmp_path / "people.refused.csv", ("email",), ",") as report:
        pass

    assert (report.rows, report.written) == (0, None)


class Torn(BytesIO):
    """A file of which the disk gives only the beginning."""

    @override
    def read1(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read1(20)


def test_only_what_reading_raises_is_said_of_the_file(tmp_path: Path) -> None:
    form, file = Format("", "utf-8", ",", hinted=False), tmp_path / "people.csv"
    torn, whole = (
        leads_import._records(file, stream, form) for stream in (Torn(b"email\na@b.co\nb@b.co\n"), BytesIO(b"email\n"))
    )

    with pytest.raises(click.ClickException, match=r"people\.csv cannot be read: Input/output error"):
        list(torn)
    with closing(whole), pytest.raises(OSError, match="No space left"):
        fail_beside(whole)


def fail_beside(read: Iterator[object]) -> None:
    """Find no room for the report of what is read."""
    for _ in read:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
