"""The queue of wake-up messages: each names ids that a worker should process, and nothing else.

The ledger is the truth, so a message that is lost, doubled, late or out of order changes nothing but delay.
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from typing import Self
from uuid import UUID

from drumbeat.core.errors import DrumbeatError
from drumbeat.infrastructure.sqs.client import UNREACHABLE, Sqs, SqsError

VERSION = 1
IDS_PER_MESSAGE = 10  # of what has just happened: small messages spread over many workers
IDS_PER_BULK_MESSAGE = 32  # of a backlog: as many as a worker takes at once, so that one bad id holds up few others
MESSAGES_PER_CALL = 10  # SQS's limit
MAX_DELAY_SECONDS = 900  # SQS's limit
SEND_TRIES = 2  # for the part of a batch that SQS did not take


@dataclass
class QueueError(DrumbeatError):
    """SQS did not take some messages. What they name is in the ledger, and the relay sends them again."""

    messages: int
    code: str

    def __str__(self) -> str:
        return (
            f"SQS did not take {self.messages} message(s) ({self.code}). "
            "Nothing is lost: the ledger has what they name, and the relay sends them again within two minutes."
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the turns of a run, and the word without which it does nothing; none: it was started without one."""

    run: UUID
    number: int
    word: str

    def __str__(self) -> str:
        return f"{self.run}/{self.number}/{self.word}"

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read it from a message. Raises ValueError."""
        run, number, word = text.split("/")
        return cls(UUID(run), int(number), word)


@dataclass(frozen=True, slots=True)
class WakeUp:
    """One message: ids of events to plan and of effects to carry out, and turns of runs."""

    events: tuple[UUID, ...] = ()
    effects: tuple[UUID, ...] = ()
    turns: tuple[Turn, ...] = ()  # of runs; the release before knows none

    def dumps(self) -> str:
        """Write the message's body."""
        turns = {"turns": [str(turn) for turn in self.turns]} if self.turns else {}
        return json.dumps(
            {"v": VERSION, "events": [str(i) for i in self.events], "effects": [str(i) for i in self.effects], **turns}
        )

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read a message's body. Raises ValueError when it is not a wake-up message, or of an unknown version."""
        try:
            body = json.loads(text)
        except RecursionError:
            raise ValueError("not a wake-up message: nested too deeply") from None
        if not isinstance(body, dict) or body.get("v") != VERSION:
            raise ValueError("not a wake-up message of this version")
        turns = body.get("turns") or ()
        return cls(_ids(body.get("events")), _ids(body.get("effects")), tuple(Turn.loads(str(turn)) for turn in turns))


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received and is hidden from others for a while."""

    id: str
    body: str
    handle: str
    received: int  # how often, this time included
    sent_at: datetime | None = None  # the end of the millisecond in which SQS took it; None: it did not say


class Queue:
    """One SQS queue."""

    def __init__(self, sqs: Sqs, url: str) -> None:
        self._sqs = sqs
        self.url = url

    def notify(self, events: Iterable[UUID] = (), effects: Iterable[UUID] = (), delay: float = 0) -> None:
        """Let a worker process these ids, after `delay` seconds (at most 900).

        Raises:
            QueueError: SQS did not take some of them; the rest was sent.
        """
        seconds = _whole(delay)
        self._send([(wake_up.dumps(), seconds) for wake_up in _wake_ups(list(events), list(effects))])

    def notify_later(self, effects: Iterable[tuple[UUID, float]]) -> None:
        """Let a worker process each effect after its own delay in seconds (0 to 900, never early).

        Raises:
            QueueError: SQS did not take some of them; the rest was sent.
        """
        by_second = _by_second(effects)
        self._send([(wake_up.dumps(), second) for second, ids in by_second.items() for wake_up in _wake_ups([], ids)])

    def notify_bulk(
        self, *, events: Iterable[tuple[UUID, float]] = (), effects: Iterable[tuple[UUID, float]] = ()
    ) -> None:
        """Let workers process a backlog, each id after its own delay, in messages that hold many ids.

        Raises:
            QueueError: SQS did not take some of them; the rest was sent.
        """
        wake_ups = [(WakeUp(events=ids), second) for ids, second in _bulk(events)]
        wake_ups += [(WakeUp(effects=ids), second) for ids, second in _bulk(effects)]
        self._send([(wake_up.dumps(), second) for wake_up, second in wake_ups])

    def give_turns(self, turns: Iterable[Turn], delay: float) -> None:
        """Let workers take these turns of runs after `delay` seconds (at most 900), each in a message of its own.

        Raises:
            QueueError: SQS did not take some of them; the rest was sent.
        """
        seconds = _whole(delay)
        self._send([(WakeUp(turns=(turn,)).dumps(), seconds) for turn in turns])

    def put(self, body: str) -> None:
        """Put a text of any other kind into the queue.

        Raises:
            QueueError: SQS did not take it, or its answer was lost.
        """
        self._send([(body, 0)])

    def receive(self, limit: int = MESSAGES_PER_CALL, *, wait: int = 0, hidden: int | None = None) -> list[Message]:
        """Receive at most `limit` (1 to 10) messages, waiting up to `wait` seconds (0 to 20) for the first.

        They stay hidden from others for `hidden` seconds, or the queue's own time. Raises SqsError.
        """
        timeout = {} if hidden is None else {"VisibilityTimeout": hidden}
        reply = self._sqs.call(
            "ReceiveMessage",
            QueueUrl=self.url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            **timeout,
        )
        return [
            Message(
                id=message["MessageId"],
                body=message["Body"],
                handle=message["ReceiptHandle"],
                received=int(attributes.get("ApproximateReceiveCount", 1)),
                sent_at=_moment(attributes.get("SentTimestamp")),
            )
            for message in reply.get("Messages", [])
            for attributes in [message.get("Attributes", {})]
        ]

    def delete(self, messages: Iterable[Message]) -> None:
        """Delete messages. Those that SQS fails to delete come back, which must be harmless. Raises SqsError."""
        self._each("DeleteMessageBatch", messages)

    def release(self, messages: Iterable[Message]) -> None:
        """Show received messages to others again, now. Raises SqsError."""
        self._each("ChangeMessageVisibilityBatch", messages, VisibilityTimeout=0)

    def count(self) -> int:
        """Return about how many messages there are, hidden and delayed ones included. Raises SqsError."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        reply = self._sqs.call("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)
        return sum(int(reply.get("Attributes", {}).get(name, 0)) for name in names)

    def purge(self) -> None:
        """Throw all messages away. Raises SqsError."""
        self._sqs.call("PurgeQueue", QueueUrl=self.url)

    def _each(self, operation: str, messages: Iterable[Message], **extra: int) -> None:
        for group in batched(messages, MESSAGES_PER_CALL, strict=False):
            entries = [{"Id": str(i), "ReceiptHandle": message.handle, **extra} for i, message in enumerate(group)]
            self._sqs.call(operation, QueueUrl=self.url, Entries=entries)

    def _send(self, messages: Sequence[tuple[str, int]]) -> None:
        left, code = 0, ""
        for group in batched(messages, MESSAGES_PER_CALL, strict=False):
            if code == UNREACHABLE:  # each further call would wait as long
                left += len(group)
                continue
            failed, why = self._send_group(group)
            left, code = left + len(failed), why or code
        if left:
            raise QueueError(left, code)

    def _send_group(self, group: Sequence[tuple[str, int]]) -> tuple[Sequence[tuple[str, int]], str]:
        """Send one call's worth; return what SQS did not take in the end, and why."""
        code = ""
        try:
            if len(group) == 1:
                ((body, delay),) = group
                self._sqs.call("SendMessage", QueueUrl=self.url, MessageBody=body, DelaySeconds=delay)
                return (), ""
            for _ in range(SEND_TRIES):
                entries = [
                    {"Id": str(i), "MessageBody": body, "DelaySeconds": delay} for i, (body, delay) in enumerate(group)
                ]
                reply = self._sqs.call("SendMessageBatch", QueueUrl=self.url, Entries=entries)
                failed = reply.get("Failed", [])
                if not failed:
                    return (), ""
                group, code = [group[int(entry["Id"])] for entry in failed], str(failed[0].get("Code", "unknown"))
        except SqsError as error:
            code = error.code
        return group, code


def _wake_ups(events: Sequence[UUID], effects: Sequence[UUID]) -> Iterator[WakeUp]:
    named = [(True, i) for i in events] + [(False, i) for i in effects]
    for group in batched(named, IDS_PER_MESSAGE, strict=False):
        yield WakeUp(tuple(i for is_event, i in group if is_event), tuple(i for is_event, i in group if not is_event))


def _bulk(delays: Iterable[tuple[UUID, float]]) -> Iterator[tuple[tuple[UUID, ...], int]]:
    for second, ids in _by_second(delays).items():
        yield from ((group, second) for group in batched(ids, IDS_PER_BULK_MESSAGE, strict=False))


def _by_second(delays: Iterable[tuple[UUID, float]]) -> dict[int, list[UUID]]:
    by_second: dict[int, list[UUID]] = {}
    for id, delay in delays:
        by_second.setdefault(_whole(delay), []).append(id)
    return by_second


def _moment(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp((int(milliseconds) + 1) / 1000, UTC)


def _whole(delay: float) -> int:
    return min(max(math.ceil(delay), 0), MAX_DELAY_SECONDS)


def _ids(texts: Collection[object] | None) -> tuple[UUID, ...]:
    if not isinstance(texts, list):
        raise ValueError("not a wake-up message: ids are missing")
    return tuple(UUID(str(text)) for text in texts)
