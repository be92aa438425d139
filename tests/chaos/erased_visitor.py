"""A person who signs up, is mailed, and wants to be forgotten, while copies of what they did are under way."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import override
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.errors import DrumbeatError
from drumbeat.core.feedback import Kind
from drumbeat.local.frames import Json
from drumbeat.wakeups.queue import Queue
from tests.chaos.people import ERASED, LETTER
from tests.chaos.reported_visitor import ReportedVisitor
from tests.chaos.visitor import ONE_CLICK

TAKEN_SECONDS = 3.0  # for which a copy is looked for in the buffer
LATER = (Kind.DELIVERED, Kind.OPENED, Kind.BOUNCED, Kind.COMPLAINED)  # what is reported after the erasure


class ErasedVisitor(ReportedVisitor):
    """One person. What they sent while Postgres was away comes out of the `buffer` again once they are erased."""

    buffer: Callable[[], Queue]

    @override
    def _ways(self) -> Mapping[str, Callable[[], None]]:
        return {ERASED: self._be_forgotten}

    def _be_forgotten(self) -> None:
        self._confirm(self._sign_up(LETTER))
        mails = self._until(lambda: self._inboxes.of(self._person.email, LETTER))
        self._edition(LETTER)
        copies: dict[str, UUID] = {}
        if self._random.random() < 0.7:
            self._wait_for_an_outage()
        try:
            copies = self._buffered(self._edition(LETTER))
            self._ask_to_be_erased()
        finally:
            self._put_back(copies)
        for kind in self._random.sample(LATER, 2):
            self._report(self._random.choice(mails), kind)
        self._repeat(self._browser, "POST", f"/u/{mails[0].token}", ONE_CLICK)  # a link goes on working

    @cached_property
    def _buffer(self) -> Queue:
        return self.buffer()

    def _buffered(self, event: UUID) -> dict[str, UUID]:
        """Take what waits in the buffer of this person out of it, if Postgres is away, as if SQS were late."""
        copies: dict[str, UUID] = {}
        until = time.monotonic() + TAKEN_SECONDS
        while self._patience.outage.is_set() and not copies and time.monotonic() < until:
            with suppress(DrumbeatError):
                ours = [message for message in self._buffer.receive(hidden=1) if _names(message.body, event)]
                copies |= {message.body: event for message in ours}
                self._buffer.delete(ours)
        return copies

    def _put_back(self, copies: Mapping[str, UUID]) -> None:
        """Put them into the buffer, however the trial goes on: their events were acknowledged."""
        for body, event in copies.items():
            while True:
                with suppress(DrumbeatError):
                    self._buffer.put(body)
                    break
                time.sleep(1.0)
            with self._lock:
                self._said.late_copies |= {event} if self._person.name in self._said.erased else set()

    def _ask_to_be_erased(self) -> None:
        """Let the owner of the data carry it out, until all is done."""
        following: Json = None
        while True:
            request = {"email": self._person.email, **({"after": following} if following else {})}
            answer = self._repeat(self._program, "POST", "/v1/leads/erase", json.dumps(request).encode())
            if (following := json.loads(answer)["next"]) is None:
                break
        with self._lock:
            self._said.erased[self._person.name] = time.time()


def _names(body: str, event: UUID) -> bool:
    """Return whether a message of the buffer holds this event; the id follows from source and key."""
    with suppress(ValueError, KeyError):
        return any(ids.event_id(one["source"], one["key"]) == event for one in json.loads(body)["arrivals"])
    return False
