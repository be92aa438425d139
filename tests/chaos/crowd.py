"""All the people of a trial, each in a thread of their own."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from drumbeat.wakeups.queue import Queue
from tests.chaos.connection import TIMEOUT_SECONDS
from tests.chaos.erased_visitor import ErasedVisitor
from tests.chaos.inboxes import Inboxes
from tests.chaos.people import ERASED, REPORTED_WAYS, Person, Said
from tests.chaos.reported_visitor import ReportedVisitor
from tests.chaos.visitor import Patience, Visitor

PATIENCE_SECONDS = 30.0  # after the last fault, in which much of the rest is repaired anyway


@dataclass(frozen=True, slots=True)
class Beside:
    """What some people use beside the stack's doors."""

    sandbox_url: str
    buffer: Callable[[], Queue]


class Crowd:
    """A thread for each person."""

    def __init__(
        self,
        url: str,
        api_key: str,
        persons: Sequence[Person],
        inboxes: Inboxes,
        outage: threading.Event,
        beside: Beside,
    ) -> None:
        self.said = Said()
        self._patience = Patience(outage)
        address, lock = urlsplit(url).netloc, threading.Lock()
        self._visitors = [
            _kind(person)(person, address, api_key, inboxes, self.said, lock, self._patience) for person in persons
        ]
        for visitor in self._visitors:
            if isinstance(visitor, ReportedVisitor):
                visitor.sandbox = urlsplit(beside.sandbox_url).netloc
            if isinstance(visitor, ErasedVisitor):
                visitor.buffer = beside.buffer
        self._threads = [threading.Thread(target=visitor.live, daemon=True) for visitor in self._visitors]

    def __len__(self) -> int:
        return len(self._visitors)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait for a while until all are done, then end what each is about to do."""
        self._patience.calm.set()
        self._join(PATIENCE_SECONDS)
        self._patience.stopping.set()
        self._join(TIMEOUT_SECONDS)  # a request that is under way gets its answer

    def _join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


def _kind(person: Person) -> type[Visitor]:
    if person.way == ERASED:
        return ErasedVisitor
    return ReportedVisitor if person.way in REPORTED_WAYS else Visitor
