"""A configuration on disk is applied again whenever it changes, while a local stack runs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from drumbeat.local.campaign_files import files
from drumbeat.local.terminal import tell

type Stamps = dict[Path, tuple[int, int]]  # time of the last change, and size


class Reload:
    """Watches the files of one configuration. A change with mistakes leaves the version in force, and is said.

    `start` begins to apply them and returns the process, which shows the difference or the mistakes.
    """

    def __init__(self, file: Path, start: Callable[[], "subprocess.Popen[bytes]"]) -> None:
        self._file = file
        self._start = start
        self._applied = self._seen = stamps(file)
        self._process: subprocess.Popen[bytes] | None = None

    def apply(self) -> bool:
        """Apply them for the first time and wait; returns whether they are in force."""
        self._process = self._start()
        code, self._process = self._process.wait(), None
        return code == 0

    def check(self) -> None:
        """Begin to apply what changed, once its files are the same in two calls. Waits for nothing."""
        if self._process is not None and not self._ended(self._process):
            return
        before, self._seen = self._seen, stamps(self._file)
        if self._file in self._seen and before == self._seen != self._applied:
            changed = sorted({str(path) for path, _ in self._seen.items() ^ self._applied.items()})
            tell(f"changed: {', '.join(changed)}")
            self._applied = self._seen
            self._process = self._start()

    def stop(self) -> None:
        """End what is under way."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ended(self, process: "subprocess.Popen[bytes]") -> bool:
        if (code := process.poll()) is None:
            return False
        if code != 0:
            tell(
                f"{self._file} was not applied (see above). The version in force stays; a corrected file is tried again"
            )
        self._process = None
        return True


def stamps(file: Path) -> Stamps:
    """Return what shows that one of the files changed; a file that an editor is just replacing is left out."""
    found: Stamps = {}
    for path in files(file):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found
