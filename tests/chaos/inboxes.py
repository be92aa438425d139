"""The mails that people got, read from the sandbox's record while it is written."""

import json
import re
import threading
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from drumbeat.local.frames import Json

_CONFIRMS = re.compile(r"/c/([\w-]+)")
_LEAVES = re.compile(r"/u/([\w-]+)>")
_LIST = re.compile(r"<(\w+)\.")


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail with a link of ours. `list` is empty where it asks to confirm one."""

    to: str
    list: str
    token: str
    at: float
    provider: str = ""
    key: str = ""  # by which it was sent

    @property
    def id(self) -> UUID:
        """The effect that the link names: the mail itself."""
        return UUID(bytes=urlsafe_b64decode(f"{self.token}==")[5:21])


class Inboxes:
    """All inboxes; asked by many threads."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._end = 0
        self._mails: list[Mail] = []
        self._lock = threading.Lock()

    def mails(self) -> Sequence[Mail]:
        """Return every mail so far, oldest first."""
        with self._lock:
            self._read()
            return tuple(self._mails)

    def asking(self, id: UUID) -> Mail | None:
        """Return a mail that asks to confirm a list, once it is there."""
        return next((mail for mail in self.mails() if not mail.list and mail.id == id), None)

    def of(self, address: str, name: str) -> Sequence[Mail]:
        """Return the mails of a list that an address got."""
        return [mail for mail in self.mails() if (mail.to, mail.list) == (address, name)]

    def _read(self) -> None:
        if not self._record.exists():
            return
        with self._record.open("rb") as lines:
            lines.seek(self._end)
            for line in lines:
                if not line.endswith(b"\n"):
                    return  # it is being written
                self._end += len(line)
                self._mails.extend(_mails(json.loads(line)))


def _mails(entry: Json) -> Iterator[Mail]:
    for item in entry.get("items") or (entry,):
        asked = item.get("asked") or {}
        if item["did"] != "accepted" or not isinstance(asked, dict):
            continue
        headers = asked.get("headers") or {}
        if "List-Unsubscribe" in headers:
            (token,), (name,) = _LEAVES.findall(headers["List-Unsubscribe"]), _LIST.findall(headers["List-Id"])
            yield Mail(item["to"][0], name, token, entry["real"], entry["provider"], str(item.get("effect") or ""))
        elif found := _CONFIRMS.search(asked.get("text") or ""):
            yield Mail(item["to"][0], "", found[1], entry["real"], entry["provider"], str(item.get("effect") or ""))
