"""The mails that providers took, with what they are about, read from the sandbox's record while it is written."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drumbeat.local.frames import Json


@dataclass(frozen=True, slots=True)
class Letter:
    """One accepted mail: its address and subject, and when, in seconds of the epoch."""

    mail: tuple[str, str]
    at: float


class Letters:
    """All of them, oldest first."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._end = 0
        self._read: list[Letter] = []
        self._mails: set[tuple[str, str]] = set()

    def all(self) -> Sequence[Letter]:
        """Return every mail so far."""
        self._go_on()
        return self._read

    def have(self, mails: Collection[tuple[str, str]]) -> bool:
        """Return whether each of these has been taken."""
        self._go_on()
        return self._mails.issuperset(mails)

    def _go_on(self) -> None:
        if not self._record.exists():
            return
        with self._record.open("rb") as lines:
            lines.seek(self._end)
            for line in lines:
                if not line.endswith(b"\n"):
                    return  # it is being written
                self._end += len(line)
                new = list(_letters(json.loads(line)))
                self._read += new
                self._mails.update(letter.mail for letter in new)


def _letters(entry: Json) -> Iterator[Letter]:
    for item in entry.get("items") or (entry,):
        asked = item.get("asked") or {}
        if item["did"] == "accepted" and isinstance(asked, dict) and "subject" in asked:
            yield Letter((item["to"][0], asked["subject"]), entry["real"])
