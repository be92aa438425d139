"""The layer's `requirements.txt`: what `make lock` would write, no more and no less."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.build.stack import ROOT

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


def needed() -> set[str]:
    """Return what the package's runtime dependencies lead to on Lambda."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    open_ends = [Requirement(text) for text in project["dependencies"]]
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


def test_every_pin_has_hashes() -> None:
    assert all(hashes for _, hashes in pins(LAYER).values())
