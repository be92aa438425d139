"""The queues whose messages are events: what was received while the ledger was unreachable, and reports that waited.

A message is deleted only once it is recorded, so a drain may be cut anywhere.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.relay.lots import RENOTIFY_SECONDS
from drumbeat.services import Services
from drumbeat.wakeups.due_index import FEEDBACK
from drumbeat.wakeups.ledger_rest import LONGEST_WAIT_SECONDS
from drumbeat.wakeups.queue import Message, Queue, QueueError

HIDDEN_SECONDS = 30  # for ten messages; what was not recorded until then is for the next sweep
# For the first of ten: SQS answers a receive that does not wait from some of its servers, and finds nothing while there
# is much.
WAIT_SECONDS = 1

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Drained:
    """What was made of messages."""

    recorded: int = 0  # events
    parked: int = 0  # events whose caller's key was revoked
    foreign: int = 0  # messages that could not be parsed, or that the ledger refuses


class Drains:
    """The drains of one sweep, each as long as its `has_time` says that there is time for one more receive."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.drained = Drained()

    def empty_buffer(self, has_time: Callable[[], bool], *, surely: bool) -> None:
        """Record what was received while the ledger was unreachable: it answers now."""
        if self._services.settings.buffer_queue_url and (surely or buffered(self._services)):
            self._empty(self._services.buffer, has_time)

    def empty_feedback(self, now: float, has_time: Callable[[], bool], *, surely: bool) -> bool:
        """Record the reports that waited: the ledger is awake. Until that is done (returned) their entry stands."""
        if not (self._services.settings.feedback_queue_url and (surely or reports_wait(self._services))):
            return True
        self._services.due_index.set({FEEDBACK: now + LONGEST_WAIT_SECONDS})
        done = self._empty(self._services.feedback, has_time)
        if not done:
            self._services.due_index.set({FEEDBACK: now + RENOTIFY_SECONDS})
        return done

    def _empty(self, queue: Queue, has_time: Callable[[], bool]) -> bool:
        """Record what a queue holds; return whether a receive that waited found nothing more."""
        from drumbeat.ingest import drain

        try:
            while has_time():
                messages = queue.receive(wait=WAIT_SECONDS, hidden=HIDDEN_SECONDS)
                if not messages:
                    return True
                drained = drain(messages, self._services)
                if queue is not self._services.buffer:
                    self._move_to_buffer(drained.foreign, queue)
                queue.delete(drained.settled)
                self.drained.recorded += drained.recorded
                self.drained.parked += drained.parked
                self.drained.foreign += len(drained.foreign)
        except SqsError as error:
            _LOG.warning("relay: what waits in a queue stays there until the next minute: %s", error)
        return False

    def _move_to_buffer(self, messages: Sequence[Message], queue: Queue) -> None:
        """Put what a person has to look at where an alarm sees it. Safe to cut: what is in both is recorded once."""
        for message in messages:
            try:
                self._services.buffer.put(message.body)
            except QueueError as error:
                raise SqsError("SendMessage", error.code, "a report was not moved to the buffer") from None
            queue.delete([message])


def buffered(services: Services) -> bool:
    """Return whether the buffer holds anything, as far as is known."""
    return bool(services.settings.buffer_queue_url) and _waits(services.buffer)


def reports_wait(services: Services) -> bool:
    """Return whether reports wait, as far as is known."""
    return bool(services.settings.feedback_queue_url) and _waits(services.feedback)


def surely_no_reports(services: Services) -> bool:
    """Return whether no report waits: the count may be a minute old, so that a receive has to find nothing, too."""
    if not services.settings.feedback_queue_url:
        return True
    try:
        queue = services.feedback
        return queue.count() == 0 and not queue.receive(1, wait=WAIT_SECONDS, hidden=0)
    except SqsError as error:
        _LOG.warning("relay: whether reports wait is not known: %s", error)
        return False


def _waits(queue: Queue) -> bool:
    try:
        return queue.count() > 0
    except SqsError as error:
        _LOG.warning("relay: whether a queue is empty is not known: %s", error)
        return False
