"""The children's logs for a person: their files are followed, and warnings and errors printed with their origin."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHOWN_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
KNOWN = frozenset(
    {"level", "location", "message", "timestamp", "service", "exception", "exception_name", "stack_trace"}
)
LAMBDA = ("function_", "cold_start", "xray_", "correlation_id")  # the same in every line


class Tail:
    """Follows the logs in a folder from their present ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = {path: path.stat().st_size for path in folder.glob("*.log")}

    def lines(self) -> Iterator[str]:
        """Return what was written since the last call and is worth a person's attention, each line with its origin."""
        for path in sorted(self._folder.glob("*.log")):
            size, done = path.stat().st_size, self._read.get(path, 0)
            if size == done:
                continue
            with path.open("rb") as file:
                file.seek(done if size > done else 0)
                written = file.read()
            whole = written[: written.rfind(b"\n") + 1]
            self._read[path] = (done if size > done else 0) + len(whole)
            for line in whole.decode(errors="replace").splitlines():
                if (text := readable(line)) is not None:
                    yield f"{path.stem:>10} | {text}"


def readable(line: str) -> str | None:
    """Return a log line as a person wants to read it; None when it is not for a person."""
    if not line.startswith("{"):
        return line or None
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    if entry.get("level") not in SHOWN_LEVELS:
        return None  # metrics and ordinary entries stay in the file
    facts = [f"{key}={value}" for key, value in entry.items() if key not in KNOWN and not key.startswith(LAMBDA)]
    if error := entry.get("exception_name"):
        facts.append(f"({error}; more in the log)")
    return " ".join([f"{entry['level']}:", str(entry.get("message", "")), *facts])
