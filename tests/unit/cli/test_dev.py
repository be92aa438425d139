"""What `drumbeat dev` finds out before it starts anything."""

from pathlib import Path

import click
import pytest

from drumbeat.cli.dev import checked


def test_the_configuration_of_the_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "drumbeat.yaml").write_text("version: 1\n")

    assert checked(None) == Path("campaigns/drumbeat.yaml")
    assert checked(Path("campaigns")) == Path("campaigns/drumbeat.yaml")


def test_a_folder_without_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert checked(None) is None
    assert f"{tmp_path} has no campaigns/drumbeat.yaml" in capsys.readouterr().err


def test_one_that_was_named_and_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="does not exist"):
        checked(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: 1\nflows:\n\twelcome: 3\n", 3),
        ("version: 1\nacounts: {}\n", 2),
        ("version: 1\nflows:\n  hi: {on: X}\n", 3),
    ],
)
def test_a_mistake_is_named_by_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: int
) -> None:
    file = tmp_path / "drumbeat.yaml"
    file.write_text(text)

    with pytest.raises(click.exceptions.Exit) as ended:
        checked(file)

    said = capsys.readouterr().err
    assert ended.value.exit_code == 1
    assert said.startswith(f"{file}:{line}: ")
    assert "nothing was started" in said
