"""Debian's Chromium without a window, driven over a pipe by its DevTools protocol."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

PROGRAM = shutil.which("chromium")
END = b"\0"  # of a message
# The sandbox of Chromium needs what root and containers do not have; /dev/shm may be small.
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
LOADED = "Page.loadEventFired"


class Chromium:
    """One tab."""

    def __init__(self, commands: int, answers: BinaryIO) -> None:
        self._commands = commands
        self._answers = answers
        self._ids = count(1)
        self._session: str | None = None
        self._loaded = 0  # pages since the last one was asked for
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.do("Page.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command, and return its result."""
        number = next(self._ids)
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": number, "method": method, "params": parameters, **session}
        os.write(self._commands, json.dumps(message).encode() + END)
        while True:
            said = self._next()
            if said.get("method") == LOADED:
                self._loaded += 1
            if said.get("id") == number:
                assert "error" not in said, said
                result: dict[str, Any] = said["result"]
                return result

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        self._loaded = 0
        self.do("Page.navigate", url=url)
        self._wait()

    def run(self, script: str) -> Any:
        """Run a script in the page, wait for its promise, and return its value."""
        said = self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def press(self, button: str) -> None:
        """Press the first button of this name, and wait for the page that follows."""
        self._loaded = 0
        named = f"each => each.textContent.trim() === {json.dumps(button)}"
        self.run(f"[...document.querySelectorAll('button')].find({named}).click()")
        self._wait()

    def _wait(self) -> None:
        while not self._loaded:
            self._loaded += self._next().get("method") == LOADED

    def _next(self) -> dict[str, Any]:
        message = b""
        while not message.endswith(END):
            one = self._answers.read(1)
            assert one, "Chromium ended"
            message += one
        said: dict[str, Any] = json.loads(message[:-1])
        return said


@contextmanager
def chromium(home: Path) -> Iterator[Chromium]:
    """Start Chromium with a profile of its own, and end it."""
    assert PROGRAM is not None, "apt-get install chromium"
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    pipe = (
        f"exec {PROGRAM} {' '.join(OPTIONS)} --user-data-dir={home} --remote-debugging-pipe 3<&{to_read} 4>&{to_write}"
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", pipe],
            pass_fds=(to_read, to_write),
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(home)},
        )
    os.close(to_read)
    os.close(to_write)
    try:
        with os.fdopen(answers, "rb") as read:
            yield Chromium(commands, read)
    finally:
        os.close(commands)
        process.kill()
        process.wait()
