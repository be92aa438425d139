"""Schedules future work: a due entry before the commit that creates it, a message to the queue after it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from drumbeat.core.clock import Clock
from drumbeat.wakeups.due_index import DueIndex, minute
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS, Queue, QueueError

# The relay checks work that is not finished so soon after its time. Short, so that its first sweep after the death of a
# worker finds the work; the database is awake then, and what is finished has no entry any more.
OVERDUE_SECONDS = 1.0
STAND_IN_SECONDS = 30.0  # so long after its time comes the message that stands in for an entry

_LOG = logging.getLogger(__name__)


class Notifier:
    """Due entries and wake-up messages for effects. Nothing here raises: what is lost only costs time."""

    def __init__(self, due_index: DueIndex, queue: Queue, clock: Clock) -> None:
        self._due_index = due_index
        self._queue = queue
        self._clock = clock

    def schedule(self, due_in: Mapping[UUID, float]) -> None:
        """Before the commit: let the relay check each effect some time after it is due (seconds from now)."""
        now = self._clock.now().timestamp()
        due_at: dict[str, float] = {}
        for effect, wait in due_in.items():
            when = now + max(wait, 0.0)
            due_at |= {f"effect:{effect}": when + OVERDUE_SECONDS} if wait <= MAX_DELAY_SECONDS else minute(when)
        if not self._due_index.set(due_at):
            # Redis is unreachable: delayed messages stand in for the entries, as far as SQS can delay them.
            self.notify(
                [(effect, min(max(wait, 0.0) + STAND_IN_SECONDS, MAX_DELAY_SECONDS)) for effect, wait in due_in.items()]
            )

    def notify(self, due_in: Iterable[tuple[UUID, float]]) -> None:
        """After the commit: notify workers of each effect at its time, where that is soon."""
        soon = [(effect, max(wait, 0.0)) for effect, wait in due_in if wait <= MAX_DELAY_SECONDS]
        if not soon:
            return
        try:
            self._queue.notify_later(soon)
        except QueueError as error:
            _LOG.warning(
                "workers could not be notified of %d effects; nothing is lost, the relay finds them: %s",
                len(soon),
                error,
            )

    def notify_again(self, events: Sequence[UUID], effects: Sequence[UUID]) -> None:
        """Put back what there was no time for: other messages name it now."""
        try:
            self._queue.notify(events, effects)
        except QueueError as error:
            _LOG.warning("what is left of a batch waits for the relay: %s", error)

    def clear(self, effects: Iterable[UUID] = (), events: Iterable[UUID] = ()) -> None:
        """Remove the entries of what is finished."""
        self._due_index.clear([*(f"effect:{one}" for one in effects), *(f"event:{one}" for one in events)])
