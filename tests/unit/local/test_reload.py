"""A configuration is applied again when its files have changed and are at rest; a broken one is said."""

from pathlib import Path
from subprocess import Popen
from typing import cast

import pytest

from drumbeat.local.reload import Reload


class Process:
    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


class Applying:
    def __init__(self) -> None:
        self.begun: list[Process] = []

    def __call__(self) -> Popen[bytes]:
        self.begun.append(Process())
        return cast("Popen[bytes]", self.begun[-1])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "hello.txt").write_text("Hello")
    (tmp_path / "drumbeat.yaml").write_text("version: 1\n")
    return tmp_path / "drumbeat.yaml"


def test_what_did_not_change_is_not_applied_again(file: Path) -> None:
    applying = Applying()
    reload = Reload(file, applying)

    for _ in range(3):
        reload.check()

    assert applying.begun == []


@pytest.mark.parametrize("name", ["drumbeat.yaml", "templates/hello.txt", "templates/new.html"])
def test_a_change_is_applied_once_when_the_files_are_at_rest(
    file: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    applying = Applying()
    reload = Reload(file, applying)

    for text in ("half", "all of it"):  # an editor that writes in two parts
        (file.parent / name).write_text(text)
        reload.check()
        assert applying.begun == []
    for _ in range(3):
        reload.check()

    assert len(applying.begun) == 1
    assert name in capsys.readouterr().err


def test_a_template_that_goes_away_is_a_change_and_a_missing_document_is_awaited(file: Path) -> None:
    applying = Applying()
    reload = Reload(file, applying)

    text = file.read_text()
    file.unlink()
    (file.parent / "templates" / "hello.txt").unlink()
    for _ in range(3):
        reload.check()
    assert applying.begun == []
    file.write_text(text)
    for _ in range(3):
        reload.check()

    assert len(applying.begun) == 1


def test_a_change_with_mistakes_is_said_and_the_next_one_applied(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    applying = Applying()
    reload = Reload(file, applying)
    file.write_text("broken")
    for _ in range(2):
        reload.check()
    file.write_text("version: 1 # corrected")
    for _ in range(3):
        reload.check()
    assert len(applying.begun) == 1  # the first is still under way

    applying.begun[0].code = 1
    for _ in range(3):
        reload.check()

    assert "The version in force stays" in capsys.readouterr().err
    assert len(applying.begun) == 2
