from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sandbox.running import Running


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(process: Running) -> Running:
    process.call("DELETE", "/_sandbox/lies")
    process.shift(0)
    return process


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
