"""Room on the disk of a stack's folder: too little stops Postgres and the queues, and has to be named as the reason."""

import os
import time
from pathlib import Path

from drumbeat.core.errors import DrumbeatError

MEGABYTE = 1024 * 1024
LEAST_BYTES = 64 * MEGABYTE  # Postgres writes its log in files of 16 MB
FIRST_BYTES = 160 * MEGABYTE  # a new folder takes half of it at once
LEAST_FILES = 64
CHECK_SECONDS = 1.0
HEADER = "drumbeat-free-disk"  # of the front's answers while there is too little: megabytes


class DiskFull(DrumbeatError):
    """There is too little room to start."""


def require(folder: Path) -> None:
    """Raise DiskFull where there is too little room to start a stack in a folder."""
    least = LEAST_BYTES if (folder / "postgres/data/PG_VERSION").exists() else FIRST_BYTES
    if (left := shortage(folder, least)) is not None:
        raise DiskFull(
            f"The disk of {folder} has {left} MB left, and a stack needs {least // MEGABYTE}. Nothing was started and "
            "nothing was lost. Make room there, or choose another --home."
        )


def shortage(folder: Path, least: int = LEAST_BYTES) -> int | None:
    """Return how many megabytes are left, if that is too little; 0 where no file can be made any more."""
    found = os.statvfs(folder)
    if found.f_files and found.f_favail < LEAST_FILES:
        return 0
    free = found.f_bavail * found.f_frsize
    return free // MEGABYTE if free < least else None


def sentence(megabytes: object) -> str:
    """Say what too little room means, and what to do."""
    return (
        f"the disk of the local stack has {megabytes} MB left, so Postgres and the queues may not be able to write. "
        "What was accepted is kept. Make room: it goes on by itself"
    )


class Watch:
    """Looks at a folder's disk at most once a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0.0
        self._left: int | None = None

    def shortage(self) -> int | None:
        """Return how many megabytes are left, if that is too little."""
        if (now := time.monotonic()) >= self._next:
            self._next = now + CHECK_SECONDS
            self._left = shortage(self._folder)
        return self._left
