"""The messages that the worker gave up on. What they name is safe in the ledger."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.wakeups.queue import MESSAGES_PER_CALL, Message, Queue, WakeUp

HIDDEN_SECONDS = 30  # dead letters are hidden for this long while they are read


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a redrive did: how many messages were sent again, and how many are not wake-up messages and stay."""

    notified: int
    left: int


class DeadLetters:
    """The messages that the worker gave up on. What they name is safe in the ledger."""

    def __init__(self, sqs: Sqs, dlq_url: str, queue: Queue) -> None:
        self._dead = Queue(sqs, dlq_url)
        self._queue = queue

    def count(self) -> int:
        """Return about how many there are. Raises SqsError."""
        return self._dead.count()

    def list(self, limit: int = 100) -> Sequence[Message]:
        """Read up to `limit` messages and put them back. Raises SqsError."""
        messages = self._hold(limit)
        self._dead.release(messages)
        return messages

    def redrive(self, limit: int = 100) -> Redriven:
        """Send up to `limit` messages again, then delete them; what is no wake-up message stays for a person to read.

        Safe to repeat and to cut anywhere: a dead letter is deleted only after the queue has taken its copy, and an
        extra message finds nothing to do. Raises SqsError or QueueError; what was not sent stays.
        """
        kept = {message.id: message for message in self._hold(limit)}
        held = len(kept)
        try:
            for message in [*kept.values()]:
                with contextlib.suppress(ValueError):
                    wake_up = WakeUp.loads(message.body)
                    self._queue.notify(wake_up.events, wake_up.effects)
                    self._dead.delete([message])
                    del kept[message.id]
        finally:
            self._dead.release(kept.values())
        return Redriven(held - len(kept), len(kept))

    def _hold(self, limit: int) -> Sequence[Message]:
        held: dict[str, Message] = {}
        while len(held) < limit:
            batch = self._dead.receive(
                min(MESSAGES_PER_CALL, limit - len(held)), wait=1, hidden=HIDDEN_SECONDS
            )  # a long poll reads all of SQS's servers
            fresh = [message for message in batch if message.id not in held]
            held |= {message.id: message for message in batch}
            if not fresh:
                break
        return tuple(held.values())
