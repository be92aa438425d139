"""The archive of the release before is what its revision held, and can be run from a clone without any history."""

import lzma
import subprocess
from pathlib import Path

import pytest

from tests.releases import archive


def test_there_is_one_and_it_unpacks_into_what_a_stack_runs(tmp_path: Path) -> None:
    archive.unpack(tmp_path)

    assert [path.name for path in archive.HERE.glob("*.tar.*")] == [archive.ARCHIVE.name, archive.CHECKSUM.name]
    assert (tmp_path / "template.yaml").exists()
    assert {path.parent.name for path in (tmp_path / "functions").glob("*/app.py")} >= {"ingest", "worker", "relay"}


def test_another_archive_than_was_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / archive.ARCHIVE.name
    other.write_bytes(archive.ARCHIVE.read_bytes() + b"\0")
    monkeypatch.setattr(archive, "ARCHIVE", other)

    with pytest.raises(ValueError, match="another sum"):
        archive.unpack(tmp_path)


def test_its_revision_gives_the_same_files_again() -> None:
    revision = archive.revision()
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{revision}^{{commit}}"], cwd=archive.ROOT, capture_output=True, check=False
    )
    if known.returncode != 0:
        pytest.skip(f"this copy of the project does not have the history back to {revision}")

    assert lzma.decompress(archive.ARCHIVE.read_bytes()) == archive.tar_of(revision)
