"""The vendors' own libraries, in an environment of their own, and a door that they call."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.functions.conftest import doors

__all__ = ["doors"]

PYTHON = ROOT / ".venv" / "sdks" / "bin" / "python"
PROGRAMS = Path(__file__).parent / "programs"


class Program:
    """A program of `programs/` that runs beside these tests and answers a line for each line."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [str(PYTHON), str(PROGRAMS / f"{name}.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **job: object) -> Any:
        """Return its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)


@contextmanager
def program(name: str) -> Iterator[Program]:
    """Run a program while a test needs it."""
    if not PYTHON.exists():
        pytest.skip("no .venv/sdks: `make proof` makes it")
    started = Program(name)
    yield started
    started.end()


@pytest.fixture(scope="session")
def libraries() -> Iterator[Program]:
    """The libraries that sign and judge deliveries."""
    with program("doors") as started:
        yield started
