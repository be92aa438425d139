"""Handler processes for the tests of the local stack."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drumbeat.local.ports import answers

ROOT = Path(__file__).resolve().parents[3]

type StartRuntime = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start_runtime(tmp_path: Path) -> Iterator[StartRuntime]:
    """Start handler processes; each is listening when this returns."""
    started: list[subprocess.Popen[bytes]] = []

    def start(attribute: str = "handler", name: str = "echo-1", timeout: float = 10) -> subprocess.Popen[bytes]:
        path = tmp_path / f"{name}.sock"
        command = [sys.executable, "-m", "drumbeat.local.runtime", f"tests.unit.local.handlers:{attribute}"]
        command += ["--socket", str(path), "--name", "drumbeat-test-echo", "--timeout", str(timeout)]
        with (tmp_path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=log, stderr=subprocess.DEVNULL)
        started.append(process)
        until = time.monotonic() + 20
        while not answers(str(path)):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
