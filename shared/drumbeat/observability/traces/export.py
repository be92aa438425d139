"""Exports traces: what is new in the ledger goes to a collector, and how far it took it is remembered.

A cursor moves after the collector took what is before it. Where a process ends in between, the same is sent again, byte
for byte: a collector knows spans by their ids. One that is away, hangs or refuses is left alone, for longer each time;
what waits for it is in the ledger anyway.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from drumbeat.core.errors import SecretMissing, SettingsError
from drumbeat.infrastructure.collector import Answer, Collector
from drumbeat.infrastructure.deadline import Deadline
from drumbeat.observability.traces import traces_sql
from drumbeat.observability.traces.otlp import Envelope
from drumbeat.observability.traces.streams import STREAMS, Item, upcoming
from drumbeat.observability.traces.traces_sql import Position
from drumbeat.services import Services

ROWS_PER_PAGE = 200
MAX_REQUEST_BYTES = 512 * 1024
MIN_REQUEST_BYTES = 16 * 1024  # a collector that did not answer in time may be slow: half as much after each failure
MAX_BYTES = 8 * 1024 * 1024  # of one export
LEAST_SECONDS = 0.5  # with less time left nothing is begun
FIRST_REST_SECONDS = 60.0
LONGEST_REST_SECONDS = 3600.0
MOST_REFUSED = 3  # one after the other, each by itself: then it is the collector

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Exported:
    """What an export did."""

    spans: int = 0  # that the collector took
    rejected: int = 0  # those among them that it says it did not keep
    refused: int = 0  # requests of a single row that it refused; passed over once it takes a later one
    rests: bool = False  # the collector is left alone
    bytes: int = 0


def export(services: Services, seconds: float) -> Exported:
    """Export what is new for at most so long. Safe to cut anywhere, to repeat, and to run twice at a time.

    Raises psycopg.Error; then nothing was passed over.
    """
    if not services.settings.traces.wanted or seconds < LEAST_SECONDS:
        return Exported()
    elapsed = services.clock.elapsed
    return _Export(services, Deadline(services.clock, math.inf, elapsed() + seconds)).run()


class _Failed(Exception):
    """The collector did not take it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.said)
        self.answer = answer


class _Export:
    def __init__(self, services: Services, deadline: Deadline) -> None:
        self._services = services
        self._deadline = deadline
        self._most_bytes = MAX_REQUEST_BYTES
        self._envelope = Envelope(services.settings.traces.resource)
        self._refused = 0  # rows in a row, each by itself
        self._refused_with = 0  # status
        self._done = Exported()

    def run(self) -> Exported:
        progress = traces_sql.progress(self._services.db)
        if progress.rests:
            self._done.rests = True
            return self._done
        self._most_bytes = max(MIN_REQUEST_BYTES, MAX_REQUEST_BYTES >> progress.failures)
        left = list(STREAMS)
        try:
            with closing(self._services.collector()) as collector:
                while left and self._has_time():
                    found = {stream: upcoming(self._services.db, stream, progress, ROWS_PER_PAGE) for stream in left}
                    self._send_all([item for items in found.values() for item in items], collector)
                    progress = replace(progress, positions=progress.positions | _reached(found))
                    left = [stream for stream, items in found.items() if len(items) == ROWS_PER_PAGE]
        except (SecretMissing, SettingsError, _Failed) as error:
            self._rest(error, progress.failures)
        return self._done

    def _send_all(self, items: Sequence[Item], collector: Collector) -> None:
        for some in _requests(items, self._most_bytes):
            if not self._has_time():
                return
            self._send(some, collector)
        if self._refused:
            raise _Failed(Answer(self._refused_with, "it refuses what came last"))

    def _send(self, items: Sequence[Item], collector: Collector) -> None:
        """Send rows together; where the collector refuses just these, find out which it refuses."""
        body = self._envelope.around(span for item in items for span in item.spans)
        answer = collector.post(body, self._limited())
        self._done.bytes += len(body)
        if answer.took:
            traces_sql.advance(self._services.db, {item.stream: item.position for item in items})
            self._done.spans += sum(len(item.spans) for item in items)
            self._done.rejected += answer.rejected
            self._refused = 0
        elif not answer.refuses_this:
            raise _Failed(answer)
        elif len(items) > 1:
            half = len(items) // 2
            self._send(items[:half], collector)
            self._send(items[half:], collector)
        else:
            self._refused, self._refused_with = self._refused + 1, answer.status
            self._done.refused += 1
            if self._refused == MOST_REFUSED:
                raise _Failed(answer)

    def _limited(self) -> Deadline:
        """Return the time limit of one request."""
        now = self._services.clock.elapsed()
        return replace(self._deadline, end=min(self._deadline.end, now + self._services.settings.traces.timeout))

    def _has_time(self) -> bool:
        within = self._services.clock.elapsed() < self._deadline.end - LEAST_SECONDS
        return within and self._done.bytes < MAX_BYTES

    def _rest(self, error: Exception, failures: int) -> None:
        asked = error.answer.retry_after if isinstance(error, _Failed) else None
        seconds = min(max(FIRST_REST_SECONDS * 2.0 ** min(failures, 10), asked or 0.0), LONGEST_REST_SECONDS)
        traces_sql.rest(self._services.db, seconds)
        self._done.rests = True
        status = error.answer.status if isinstance(error, _Failed) else 0
        _LOG.warning("traces_wait", extra={"status": status, "reason": str(error), "seconds": seconds})


def _requests(items: Sequence[Item], most: int) -> Iterator[list[Item]]:
    """Give rows in requests of limited size; one that is larger by itself has a request of its own."""
    request: list[Item] = []
    size = 0
    for item in items:
        if request and size + item.size > most:
            yield request
            request, size = [], 0
        request.append(item)
        size += item.size
    if request:
        yield request


def _reached(found: dict[str, list[Item]]) -> dict[str, Position]:
    return {stream: items[-1].position for stream, items in found.items() if items}
