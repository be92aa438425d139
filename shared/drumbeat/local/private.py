"""Files and folders that are closed to other users of this machine."""

import os
import secrets
from pathlib import Path

from drumbeat.core.errors import DrumbeatError

CLOSED, PASSABLE = 0o700, 0o711  # passable: another user may go to a folder below, and read nothing here


class NotOurs(DrumbeatError):
    """A folder that should be ours belongs to another user, or leads elsewhere."""


def close_folder(path: Path, mode: int = CLOSED) -> Path:
    """Make a folder, or close one that is there, to other users.

    Raises:
        NotOurs: it is a link, or another user's: what is put there could be read or exchanged.
        OSError: it cannot be made.
    """
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.geteuid():
        raise NotOurs(
            f"{path} is a link or another user's. Nothing was started and nothing was lost. Remove it, or choose "
            "another --home or TMPDIR."
        )
    if found.st_mode & 0o777 != mode:
        path.chmod(mode)
    return path


def close_file(path: Path) -> Path:
    """Make an empty file, or close one that is there, to other users."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path


def close_contents(folder: Path) -> None:
    """Take from other users what an earlier release left them: reading what lies in a folder, and writing there."""
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if mode & 0o066 and not path.is_symlink():
            path.chmod(mode & (PASSABLE if path.is_dir() else 0o700))


def kept(path: Path, first: str) -> str:
    """Return what a private file holds; `first` is written when it does not exist, completely or not at all."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(first)
        draft.rename(path)
    return path.read_text().strip()


def password() -> str:
    """Return a new password that is not worth guessing at."""
    return secrets.token_hex(32)
