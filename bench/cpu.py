"""CPU time of process trees, read from /proc: everything that runs now and everything they have seen end."""

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")  # clock ticks a second
PROC = Path("/proc")


def seconds(roots: Iterable[int]) -> float:
    """Return the CPU seconds of these processes, their descendants, and the children that these have outlived."""
    children = _children()
    total, todo = 0.0, list(roots)
    while todo:
        pid = todo.pop()
        todo += children.get(pid, ())
        total += sum(map(int, _fields(pid)[11:15])) / TICK  # utime, stime, cutime, cstime
    return total


def tree(roots: Iterable[int]) -> list[int]:
    """Return the ids of these processes and all their descendants, parents first."""
    children = _children()
    found = list(roots)
    for pid in found:
        found += children.get(pid, ())
    return found


def alone(pid: int) -> float:
    """Return the CPU seconds of one process without its children."""
    return sum(map(int, _fields(pid)[11:13])) / TICK


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            children.setdefault(int(_fields(int(entry.name))[1]), []).append(int(entry.name))
    return children


def _fields(pid: int) -> list[str]:
    """Return the fields of `stat` after the name, which may hold anything; zeros for a process that is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50
