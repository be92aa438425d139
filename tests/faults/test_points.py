"""Every failure point that the code can meet is provoked by a test."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults.point_index import POINTS as NOTED

POINTS = range(1, 69)

# Points without code yet, and points that no test of this kind can show.
LATER = {
    59: "audiences of campaigns are to come",
    60: "replays are to come; sending again what is held is a person's decision and has its tests",
    66: "pruning is to come",
}


@pytest.fixture(scope="module")
def tests_by_point(pytestconfig: pytest.Config) -> dict[int, list[str]]:
    """Return what was noted as all tests were collected; where only some were, ask another pytest."""
    if {ROOT / argument for argument in pytestconfig.args} == {ROOT / "tests"}:
        return pytestconfig.stash[NOTED]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("POINTS ")]
    return {int(point): tests for point, tests in json.loads(line.removeprefix("POINTS ")).items()}


def test_every_failure_point_has_a_test(tests_by_point: dict[int, list[str]]) -> None:
    print()
    for point in POINTS:
        tests = tests_by_point.get(point, [])
        print(f"{point:3} {len(tests):4} {tests[0] if tests else LATER.get(point, 'NO TEST')}")

    assert not [point for point in POINTS if point not in tests_by_point and point not in LATER]


def test_only_real_points_are_named(tests_by_point: dict[int, list[str]]) -> None:
    assert tests_by_point.keys() <= set(POINTS)
