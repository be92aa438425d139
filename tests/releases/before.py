"""The release before in this interpreter, beside the present code: `drumbeat` there is `drumbeat_before` here.

Its sources are unpacked into a folder for this process, and the names of its own packages are changed in them:
`drumbeat`, `functions`, and of `tests` the simulation's clients. Nothing else is: keys, tables and texts stay as
they were released.
"""

import re
import shutil
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from tests.releases import archive

SUFFIX = "_before"
# Both releases share these, the present ones: what a seed decides, and what is written into the configuration.
SHARED = ("tests.faults.fault_points", "tests.faults.sample_deployment")
_FOLDERS = {"drumbeat": "shared/drumbeat", "functions": "functions", "tests": "tests"}


@cache
def module(name: str) -> ModuleType:
    """Return a module of the release before by its name there, such as `drumbeat.delivery.deliver`."""
    _unpacked()
    return import_module(_new_name(name))


@cache
def folder() -> Path:
    """Return a folder with the release as it was, for processes of its own; it lives as long as this process."""
    path = Path(_temporary().name) / "release"
    archive.unpack(path)
    return path


@cache
def _unpacked() -> None:
    """Put the renamed packages on the path, and give them the tests' own provider."""
    renamed = folder().with_name("renamed")
    for package, kept in _FOLDERS.items():
        shutil.copytree(folder() / kept, renamed / f"{package}{SUFFIX}")
    for source in renamed.rglob("*.py"):
        source.write_text(_renamed(source.read_text()))
    sys.path.append(str(renamed))
    for name in SHARED:
        sys.modules[_new_name(name)] = import_module(name)
    import_module(_new_name("tests.feedback_provider")).register()


@cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="drumbeat-before-")  # deleted when the process ends


def _new_name(module: str) -> str:
    package, _, rest = module.partition(".")
    return f"{package}{SUFFIX}.{rest}"


def _renamed(text: str) -> str:
    return _names().sub(lambda found: f"{found[0]}{SUFFIX}", text)


@cache
def _names() -> re.Pattern[str]:
    """Return what matches the name of a package: where it is imported, and where a string names a module of it."""
    modules = {
        entry.stem for kept in _FOLDERS.values() for entry in (folder() / kept).iterdir() if entry.stem.isidentifier()
    }
    named, inside = "|".join(_FOLDERS), "|".join(sorted(modules))
    return re.compile(
        rf"^(?:from|import) (?:{named})(?= import |$)"  # the package itself
        rf"|(?<![\w./-])(?:{named})(?=\.(?:{inside})\b|\.__|\.\")",
        re.MULTILINE,
    )
