"""The file of a local stack's secrets: `NAME=value`, one a line, readable by its owner alone."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

FILE = "secrets.env"  # in the home folder of `drumbeat dev`


def read(path: Path) -> dict[str, str]:
    """Return what the file holds, by variable; nothing where there is no file.

    A line may begin with `export`, and a value may stand in quotes, as in other such files.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    found = {}
    for line in text.splitlines():
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def store(path: Path, name: str, value: str) -> bool:
    """Write one secret; return whether it replaced another value. What else the file holds stays as it is.

    The file is replaced as a whole, so that a reader, and a machine that stops, sees all of it or all of the former.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two writers at once would lose what one of them wrote
        known = name in read(path)
        _replace(path, {name: value})
        os.fsync(folder)
    finally:
        os.close(folder)
    return known


def _replace(path: Path, changed: Mapping[str, str]) -> None:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.strip().removeprefix("export ").partition("=")[0].strip() not in changed]
    made = [f"{name}={_quoted(value)}" for name, value in changed.items()]
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in [*kept, *made]))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _quoted(value: str) -> str:
    return f'"{value}"' if value[0] in "\"'" else value


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] in "\"'" and value[-1] == value[0] else value
