"""Who is told of future work: the relay's mark before the commit that makes it, the queue after it."""

import logging
from collections.abc import Iterable, Mapping
from uuid import UUID

from drumbeat.core.clock import Clock
from drumbeat.wakeups.due_index import DueIndex, minute
from drumbeat.wakeups.queue import Queue, QueueError

SOON = 900.0  # seconds: the longest delay that SQS knows
GRACE = 30.0  # seconds after its time at which an effect that nobody took is looked for

_LOG = logging.getLogger(__name__)


class Notifier:
    """Marks and doorbells for effects. Nothing here raises: what is lost only costs time."""

    def __init__(self, due_index: DueIndex, queue: Queue, clock: Clock) -> None:
        self._due_index = due_index
        self._queue = queue
        self._clock = clock

    def schedule(self, due_in: Mapping[UUID, float]) -> None:
        """Before the commit: have the relay look at each effect some time after it is due (seconds from now)."""
        now = self._clock.now().timestamp()
        due_index: dict[str, float] = {}
        for effect, wait in due_in.items():
            when = now + max(wait, 0.0)
            due_index |= {f"effect:{effect}": when + GRACE} if wait <= SOON else minute(when)
        if not self._due_index.set(due_index):
            # The marks are away: the queue is the second memory, as far as it reaches.
            self.notify([(effect, min(max(wait, 0.0) + GRACE, SOON)) for effect, wait in due_in.items()])

    def notify(self, due_in: Iterable[tuple[UUID, float]]) -> None:
        """After the commit: ring for each effect at its time, where that is soon."""
        soon = [(effect, max(wait, 0.0)) for effect, wait in due_in if wait <= SOON]
        if not soon:
            return
        try:
            self._queue.notify_later(soon)
        except QueueError as error:
            _LOG.warning(
                "%d effects could not be rung for; nothing is lost, the relay finds them: %s", len(soon), error
            )

    def clear(self, effects: Iterable[UUID] = (), events: Iterable[UUID] = ()) -> None:
        """Forget what has come to its end."""
        self._due_index.clear([*(f"effect:{one}" for one in effects), *(f"event:{one}" for one in events)])
