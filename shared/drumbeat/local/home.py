"""The folder where a local stack keeps everything: its servers' data, its secret, logs and process ids."""

import fcntl
import hashlib
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.private import CLOSED, PASSABLE, close_contents, close_folder, kept, password

MAX_SOCKET_FOLDER_BYTES = 90  # a unix socket's path may have 107 bytes; leave room for its name
MAX_LOG_BYTES = 20 * 1024 * 1024  # a longer log is renamed at the next start
STOP_SECONDS = 15.0  # within which a process has to finish its work before it is killed


class HomeUnusable(DrumbeatError):
    """The folder cannot be made, or not be written."""


class AlreadyRunning(DrumbeatError):
    """Another stack uses this folder."""


class Home:
    """One stack's folder. Created when missing; what it holds survives restarts."""

    def __init__(self, path: Path) -> None:
        """Make it, or close it to other users.

        Raises:
            HomeUnusable: it cannot be made or written.
        """
        self._lock: int | None = None
        try:
            self.path = path.resolve()
            self.run = self.path / "run"
            self.logs = self.path / "logs"
            self.path.mkdir(mode=CLOSED, parents=True, exist_ok=True)
            if (mode := self.path.stat().st_mode) & 0o066:
                self.path.chmod(mode & PASSABLE)
            close_contents(self.path)
            for folder in (self.run, self.logs):
                close_folder(folder)
        except OSError as error:
            raise HomeUnusable(
                f"{path} cannot be used as the folder of the data ({error.strerror}). Nothing was started and nothing "
                "was lost. Choose another with --home, or correct its permissions."
            ) from None

    @property
    def sockets(self) -> Path:
        """The folder of the unix sockets: `run`, unless its path is too long for one."""
        if len(str(self.run)) <= MAX_SOCKET_FOLDER_BYTES:
            return self.run
        short = Path(tempfile.gettempdir()) / f"drumbeat-{hashlib.sha256(str(self.path).encode()).hexdigest()[:12]}"
        if len(str(short)) > MAX_SOCKET_FOLDER_BYTES:
            raise HomeUnusable(
                f"{self.path} and TMPDIR ({short.parent}) are both too long for the path of a socket. Nothing was "
                "started and nothing was lost. Choose a shorter --home."
            )
        return close_folder(short)  # anyone may write to the folder above it

    def lock(self) -> None:
        """Take the folder for this process until it ends; raises AlreadyRunning when another has it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"{self.path} is in use by process {owner}. Nothing was started. End it, or choose another --home."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._lock = descriptor

    def unlock(self) -> None:
        """Release the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def secret(self) -> str:
        """Return the stack's master secret; the first call makes it, readable by its owner only."""
        return self.kept("secret", password())

    def aws_key(self) -> str:
        """Return the access key of the stack's emulator of AWS, which other users of this machine do not know."""
        return self.kept("aws_key", f"local{password()[:32]}")

    @property
    def id(self) -> str:
        """A short name that no other folder has; it stays when the folder is moved."""
        return hashlib.sha256(self.secret().encode()).hexdigest()[:8]

    def kept(self, name: str, first: str) -> str:
        """Return what the private file of this name holds; `first` is written when it does not exist."""
        return kept(self.path / name, first)

    def log(self, name: str) -> Path:
        """Return the path of a process's log; a log that is too long is renamed first."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.rename(path.with_suffix(".log.1"))
        elif path.exists():
            path.chmod(0o600)  # an earlier release left it readable
        return path

    def note(self, name: str, pid: int) -> None:
        """Write `run/<name>.pid`."""
        draft = self.run / f".{name}.pid"
        draft.write_text(f"{pid}\n")
        draft.rename(self.run / f"{name}.pid")

    def forget(self, name: str) -> None:
        """Remove `run/<name>.pid`, and its socket if it had one."""
        (self.run / f"{name}.pid").unlink(missing_ok=True)
        (self.sockets / f"{name}.sock").unlink(missing_ok=True)

    def clear_leftovers(self) -> list[str]:
        """End what a killed stack left running and remove its pid files; returns the names of what was ended."""
        ended = []
        for file in sorted(self.run.glob("*.pid")):
            if (process := _still_ours(file)) is not None:
                ended.append(file.stem)
                # Postgres: SIGTERM would wait for its clients.
                _end(process, signal.SIGINT if file.stem == "postgres" else signal.SIGTERM)
            file.unlink(missing_ok=True)
        for path in self.sockets.glob("*.sock"):
            path.unlink(missing_ok=True)
        return ended


def _still_ours(file: Path) -> psutil.Process | None:
    """Return the process that a pid file names, unless the number now belongs to a younger process."""
    try:
        process = psutil.Process(int(file.read_text()))
        if process.create_time() > file.stat().st_mtime + 1 or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (ValueError, psutil.Error):
        return None
    return process


def _end(process: psutil.Process, how: signal.Signals) -> None:
    until = time.monotonic() + STOP_SECONDS
    try:
        process.send_signal(how)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                print(f"process {process.pid} did not end in time and is killed", file=sys.stderr)
                process.kill()
                return
            time.sleep(0.02)
    except psutil.NoSuchProcess:
        pass
