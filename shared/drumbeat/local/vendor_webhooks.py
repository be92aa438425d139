"""Keeps the sandbox's webhooks those of the configuration in force, while a local stack runs."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from drumbeat.infrastructure import secrets_file

APPLIED = "applied"  # below a stack's home: touched whenever a configuration was put in force


@dataclass
class VendorWebhooks:
    """Begins to register them in a process of its own, which has what reads a configuration, and ends."""

    url: str
    api_key: str
    sandbox_url: str
    home: Path
    ahead: float = 0.0  # seconds that the stack's clock is ahead of the machine's
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _seen: tuple[int, ...] | None = field(default=None, init=False)

    def register(self) -> None:
        """Register them now, and wait. What is in the way is said, and ends nothing."""
        self.check()
        if self._process is not None:
            self._process.wait()

    def check(self) -> None:
        """Begin to register once the configuration in force or the secrets changed. Waits for nothing."""
        if self._process is not None and self._process.poll() is None:
            return
        seen = tuple(_changed_at(self.home / name) for name in (APPLIED, secrets_file.FILE))
        if seen == self._seen:
            return
        self._seen = seen
        command = [sys.executable, "-m", "drumbeat.local.vendor_registration", "--url", self.url]
        command += ["--sandbox", self.sandbox_url, "--home", str(self.home), "--ahead", str(self.ahead)]
        self._process = subprocess.Popen(command, env={**os.environ, "DRUMBEAT_KEY": self.api_key}, stdout=sys.stderr)

    def stop(self) -> None:
        """End what is under way."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
