"""The processes of a local stack: started, watched, started again when they end, stopped in order."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from drumbeat.core.errors import DrumbeatError
from drumbeat.local.home import STOP_SECONDS, Home
from drumbeat.local.servers import Server, die_with_parent

STABLE_SECONDS = 5.0  # a process that ran for this long is started again at once
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 5.0  # between starts of a process that ends at once


class Process(Protocol):
    """What the supervisor needs of a child."""

    name: str

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def start(self) -> object:
        """Start it; raises when it does not come up."""
        ...

    def ended(self) -> int | None:
        """Return its exit code (negative: a signal), or None while it runs."""
        ...

    def begin_stop(self) -> None:
        """Ask it to end."""
        ...

    def stop(self) -> None:
        """End it in order, and wait."""
        ...


class Child:
    """One of our own Python modules as a process, its output in a log of its own."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path
    ) -> None:
        self.name = name
        self._arguments = list(arguments)
        self._environment = dict(environment)
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it; it is ready when its socket or port answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._cwd,
                start_new_session=True,  # Ctrl-C is for the supervisor, which ends its children in order
                preexec_fn=die_with_parent,  # no threads in the supervisor
            )

    def ended(self) -> int | None:
        """Return its exit code (negative: a signal), or None while it runs."""
        return self._process.poll() if self._process else None

    def begin_stop(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """End it in order; kill it when that takes too long."""
        self.begin_stop()
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ServerChild:
    """An embedded server as a child; `prepared` is called after each start, to restore what a killed one lost."""

    def __init__(self, server: Server, prepared: Callable[[], object] | None = None) -> None:
        self.name = server.name
        self._server = server
        self._prepared = prepared

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._server.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._server.start()
        if self._prepared is not None:
            self._prepared()

    def ended(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._server.process.poll() if self._server.process else None

    def begin_stop(self) -> None:
        """Ask it to end."""
        if self._server.process is not None and self._server.process.poll() is None:
            self._server.process.send_signal(self._server.stop_signal)

    def stop(self) -> None:
        """End it in order."""
        self._server.stop()


class Watched:
    """A child with its pid file and its restarts."""

    def __init__(self, child: Process, home: Home) -> None:
        self.child = child
        self._home = home
        self._started = 0.0
        self._pause = 0.0
        self._again_at: float | None = None

    def start(self) -> None:
        """Start the child and write its pid file."""
        self._started = time.monotonic()
        self.child.start()
        with suppress(OSError):  # no room for the file, which only serves the start after a kill
            self._home.note(self.child.name, self.child.pid)

    def check(self) -> list[str]:
        """Start the child again when it has ended and its pause is over; returns messages for a person."""
        messages = []
        if self._again_at is None:
            code = self.child.ended()
            if code is None:
                return []
            self._home.forget(self.child.name)
            lived = time.monotonic() - self._started
            self._again_at = time.monotonic() + self._longer_pause(lived > STABLE_SECONDS)
            messages.append(f"{self.child.name} ended ({ending(code)}) and is started again")
        if time.monotonic() >= self._again_at:
            self._again_at = None
            try:
                self.start()
            except (RuntimeError, OSError, DrumbeatError) as error:
                self._again_at = time.monotonic() + self._longer_pause(False)
                messages.append(str(error))
        return messages

    def _longer_pause(self, stable: bool) -> float:
        """Return seconds until the next start: zero after a stable run, then more each time."""
        self._pause = 0.0 if stable else min(MAX_PAUSE_SECONDS, max(MIN_PAUSE_SECONDS, self._pause * 2))
        return self._pause

    def stop(self) -> None:
        """End the child and remove its pid file."""
        self.child.stop()
        self._home.forget(self.child.name)


def ending(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGALRM:
        return "its function's timeout"
    return signal.Signals(-code).name


def base_environment() -> dict[str, str]:
    """Return our environment without the variables that would lead a child to a real AWS account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRUMBEAT_"))}
