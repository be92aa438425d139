"""The template as text and as built by SAM."""

import os
import shutil
from pathlib import Path

import pytest

from drumbeat.local.cloud import deployment
from drumbeat.local.template import Template, parse
from tests.build.stack import ROOT, Document

TOOLS = os.pathsep.join((str(ROOT / ".venv/bin"), os.environ.get("PATH", "")))


def tool(name: str) -> str:
    """Find a command of `make test`, or one on PATH; skips the test where there is none."""
    found = os.environ.get(name.upper()) or shutil.which(name, path=TOOLS)
    if found is None:
        pytest.skip(f"{name} is not installed: `make test` brings it")
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
    return build(tmp_path_factory.mktemp("built"))


def build(folder: Path) -> Path:
    """Run `sam build` into a folder, as `drumbeat cloud` does."""
    os.environ["SAM"], os.environ["UV"] = tool("sam"), tool("uv")
    deployment.build(folder, folder.with_suffix(".log"))
    return folder
