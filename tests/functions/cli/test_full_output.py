"""The command line where its output cannot be written, as on a full disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.functions.api.runs import RunsConsole
from tests.functions.cli.test_campaign import console, run
from tests.functions.cli.test_cli import Run

__all__ = ["console", "run"]

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no disk that is full")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    "words",
    [("leads", "export", "--audience", "readers"), ("campaign", "show", "digest"), ("campaign", "list", "--json")],
)
def test_an_output_that_cannot_be_written_is_said_in_one_line(console: RunsConsole, words: tuple[str, ...]) -> None:
    console.apply()
    console.people("ada")

    with FULL.open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "drumbeat.cli.main", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (1, 1)
    assert "its output cannot be written: No space left on device" in ended.stderr


def test_an_output_that_was_closed_before_ends_no_command(console: RunsConsole, run: Run) -> None:
    console.apply()

    ended = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m drumbeat.cli.main --json campaign list >&-', sys.executable],
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip

    assert (ended.returncode, ended.stderr) == (0, "")
