from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.sandbox.sandbox_process import SandboxProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with SandboxProcess(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def sandbox(process: SandboxProcess) -> SandboxProcess:
    process.call("DELETE", "/_sandbox/lies")
    process.shift(0)
    return process


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
