"""The suite is run as a whole."""

from fnmatch import fnmatch

import pytest

from tests.conftest import ROOT


def test_no_folder_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    folders = {file.parent for file in (ROOT / "tests").rglob("test_*.py")}
    parts = {part for folder in folders for part in folder.relative_to(ROOT).parts}

    ignored = pytestconfig.getini("norecursedirs")

    assert "build" in parts
    assert not [part for part in parts if any(fnmatch(part, pattern) for pattern in ignored)]
