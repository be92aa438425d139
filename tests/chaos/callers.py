"""Callers that repeat each request with the same idempotency keys until they have a receipt for each event."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from drumbeat.local.frames import Json
from tests.chaos.connection import TIMEOUT_SECONDS, Connection
from tests.chaos.workload import Lead, Post

CALLERS = 8
ACCEPTED_STATUSES = (200, 202)


@dataclass(slots=True)
class Receipt:
    """A caller's receipt: the event's id, and when it was first given, in seconds of the epoch."""

    event_id: str
    at: float
    buffered: bool


@dataclass
class Receipts:
    """The answers to all callers, by idempotency key; each is also a line of the file."""

    file: Path
    held: dict[str, Receipt] = field(default_factory=dict)
    other_ids: list[str] = field(default_factory=list)  # keys that were given a second id
    refused: Counter[str] = field(default_factory=Counter)  # answers that no valid request should get
    answers: Counter[str] = field(default_factory=Counter)

    def take(self, lead: Lead, status: int, reply: Json) -> bool:
        """Record the answer about an event; return True when it is a receipt."""
        self.answers[str(status)] += 1
        if status not in ACCEPTED_STATUSES:
            if 400 <= status < 500:
                self.refused[f"{status} for {lead.key}: {str(reply)[:200]}"] += 1
            return False
        first = self.held.setdefault(lead.key, receipt := _receipt(reply))
        if first.event_id != receipt.event_id:
            self.other_ids.append(lead.key)
        with self.file.open("a") as lines:
            lines.write(json.dumps({"key": lead.key, "at": receipt.at, "status": status, **reply}) + "\n")
        return True


class Callers:
    """A few threads that work through the requests, each at its time."""

    def __init__(self, url: str, api_key: str, posts: Sequence[Post], receipts: Receipts, seed: int) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
        self._posts: Iterator[Post] = iter(posts)
        self._receipts = receipts
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._start = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(Random(seed + number),), daemon=True) for number in range(CALLERS)
        ]

    def start(self) -> None:
        """Begin; a post that is due while all callers are busy is sent as soon as one is free."""
        self._start = time.monotonic()
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        """Return whether any caller still has something to send."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Give up every event without a receipt, and wait for the answers that are under way."""
        self._stopping.set()
        until = time.monotonic() + TIMEOUT_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self, random: Random) -> None:
        connection = Connection(self._address, self._headers)
        while (post := self._next()) is not None and not self._stopping.is_set():
            self._stopping.wait(max(0.0, self._start + post.at - time.monotonic()))
            left: Sequence[Lead] = post.leads
            while left and not self._stopping.is_set():
                left = self._without_receipt(connection, left)
                if left:
                    self._stopping.wait(random.uniform(0.2, 2.0))

    def _next(self) -> Post | None:
        with self._lock:
            return next(self._posts, None)

    def _without_receipt(self, connection: Connection, leads: Sequence[Lead]) -> list[Lead]:
        """Send once; return the events that still have no receipt."""
        answers = list(_post(connection, leads))
        with self._lock:
            taken = {lead.key for lead, status, reply in answers if self._receipts.take(lead, status, reply)}
        return [lead for lead in leads if lead.key not in taken]


def _post(connection: Connection, leads: Sequence[Lead]) -> Iterable[tuple[Lead, int, Json]]:
    """Send one request; yield the answer about each event, nothing when there was no answer."""
    if len(leads) == 1:
        status, reply = connection.ask("/v1/events", leads[0].body())
        return [(leads[0], status, reply)] if status else []
    status, reply = connection.ask("/v1/events/batch", {"events": [lead.body() for lead in leads]})
    if status == 207:
        return [(lead, each["status"], each) for lead, each in zip(leads, reply["results"], strict=True)]
    return [(lead, status, reply) for lead in leads] if status else []


def _receipt(reply: Json) -> Receipt:
    return Receipt(reply["eventId"], time.time(), reply.get("status") == "buffered")
