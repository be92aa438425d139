"""The template as text and as built by SAM."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from drumbeat.local.template import Template, parse
from tests.build.stack import ROOT, Document

TOOLS = os.pathsep.join((str(ROOT / ".venv/bin"), os.environ.get("PATH", "")))


def tool(name: str) -> str:
    """Find a command of `make setup`, or one on PATH; skips the test where there is none."""
    found = os.environ.get(name.upper()) or shutil.which(name, path=TOOLS)
    if found is None:
        pytest.skip(f"{name} is not installed: `make setup` brings it")
    return found


@pytest.fixture(scope="session")
def document() -> Document:
    """The template as written; intrinsics are references."""
    return parse((ROOT / "template.yaml").read_text())


@pytest.fixture(scope="session")
def template() -> Template:
    """The template as the local stack reads it."""
    return Template.load(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of `sam build`, with wheels for this machine."""
    folder = tmp_path_factory.mktemp("built")
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    environment = {
        **os.environ,
        "PATH": TOOLS,
        "PLATFORM": f"{machine}-manylinux_2_28",
        "UV": tool("uv"),
        "SAM_CLI_TELEMETRY": "0",
    }
    subprocess.run(
        [tool("sam"), "build", "--build-dir", folder, "--region", "us-east-1"], cwd=ROOT, env=environment, check=True
    )
    return folder
