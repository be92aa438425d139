"""What `make` installs is pinned with hashes, and the layer's `requirements.txt` is what `make lock` would write."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.build.stack import ROOT

LOCKS = [ROOT / "requirements.lock", *sorted((ROOT / "requirements").glob("*.txt"))]
LAYER = ROOT / "layers/dependencies/requirements.txt"
ENTRY = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>\S+)(?P<rest>.*(?:\n    .*)*)", re.MULTILINE)
LAMBDA = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "sys_platform": "linux",
    "os_name": "posix",
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "extra": "",
}


def pins(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes by name."""
    return {
        canonicalize_name(entry["name"]): (entry["version"], frozenset(re.findall(r"sha256:\w+", entry["rest"])))
        for entry in ENTRY.finditer(path.read_text())
    }


def needed(*extras: str) -> set[str]:
    """Return what the package's dependencies lead to on Lambda; those of extras, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = project["dependencies"] + [text for extra in extras for text in project["optional-dependencies"][extra]]
    open_ends = [one for one in map(Requirement, texts) if one.marker is None or one.marker.evaluate(LAMBDA)]
    found: set[str] = set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        found.add(name)
        for text in requires(name) or []:
            further = Requirement(text)
            environments = [LAMBDA | {"extra": extra} for extra in requirement.extras or {""}]
            applies = further.marker is None or any(further.marker.evaluate(each) for each in environments)
            if applies and canonicalize_name(further.name) not in found:
                open_ends.append(further)
    return found


def test_every_pin_is_the_locks() -> None:
    lock = pins(ROOT / "requirements.lock")

    stale = {name for name, pin in pins(LAYER).items() if lock.get(name) != pin}

    assert stale == set(), "run `make lock`"


def test_it_holds_what_the_package_needs_and_nothing_else() -> None:
    assert set(pins(LAYER)) == needed(), "run `make lock`"


def test_what_dev_and_demo_need_is_the_locks_and_lacks_nothing() -> None:
    local, lock = pins(ROOT / "requirements/local.txt"), pins(ROOT / "requirements.lock")

    assert {name for name, pin in local.items() if lock.get(name) != pin} == set(), "run `make lock`"
    assert needed("local") <= local.keys(), "run `make lock`"


def test_what_only_tests_need_comes_with_the_tests() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    development = {canonicalize_name(Requirement(text).name) for text in groups["dev"]}

    assert {"pytest", "mypy", "hypothesis", "ruff"} <= development - pins(ROOT / "requirements/local.txt").keys()


@pytest.mark.parametrize("file", LOCKS, ids=lambda path: path.name)
def test_every_pin_has_hashes(file: Path) -> None:
    found = pins(file)

    assert found
    assert all(hashes for _, hashes in found.values())
    assert len(found) == len(re.findall(r"^[a-zA-Z]", file.read_text(), re.MULTILINE))  # and nothing else is there


@pytest.mark.parametrize("name", ["uv", "sam", "checkov", "cfripper", "build"])
def test_each_tool_is_among_its_pins(name: str) -> None:
    wanted = [
        Requirement(line.partition("#")[0]) for line in (ROOT / f"requirements/{name}.in").read_text().splitlines()
    ]

    assert {canonicalize_name(each.name) for each in wanted} <= pins(ROOT / f"requirements/{name}.txt").keys()


@pytest.mark.parametrize(
    ("targets", "needs"),
    [
        ({"setup", "dev", "demo"}, "$(SETUP)"),
        ({"cloud"}, "$(SETUP) $(SAM)"),
        ({"test"}, "$(DEV) $(SAM) $(CHECKERS) $(FUZZ)"),
        ({"proof"}, "$(DEV) $(SAM) $(CHECKERS) $(SDKS) $(FUZZ)"),
    ],
)
def test_each_target_installs_what_it_needs_and_no_more(targets: set[str], needs: str) -> None:
    rules = re.findall(r"^(\w+): (.+) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {target for target, needed in rules if needed == needs} == targets


def test_make_installs_nothing_without_a_hash() -> None:
    """The peers of `make bench` aside, which are not part of Drumbeat."""
    text = (ROOT / "Makefile").read_text().replace("$(INSTALL)", "pip install --require-hashes").replace("\\\n", " ")
    installing = [line for line in text.splitlines() if re.search(r"pip install|tool install", line)]

    loose = [line for line in installing if "--require-hashes" not in line and "bench/" not in line]
    assert [("--no-deps" in line, "--build-constraints requirements/build.txt" in line) for line in loose] == [
        (True, True),  # Drumbeat itself
        (False, False),  # the peers
    ]
