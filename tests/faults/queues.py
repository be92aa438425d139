"""A model of SQS: at least once, in no order, with delays, visibility, receive counts and a dead-letter queue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from drumbeat.infrastructure.sqs.client import REPEATABLE, Sqs, SqsError
from tests.faults.clock import EPOCH
from tests.faults.fault_points import ClientProcess, Operation

EFFECTS, BUFFER, WISHES, DEAD = "sqs://effects", "sqs://buffer", "sqs://wishes", "sqs://dead"
REPORTS = "sqs://reports"
VISIBILITY_SECONDS = {EFFECTS: 360.0, BUFFER: 120.0, WISHES: 30.0, REPORTS: 120.0, DEAD: 30.0}
SHORT_POLLED = (BUFFER, WISHES, REPORTS)  # a receive that does not wait is answered by some of SQS's servers only
MAX_RECEIVES = 5  # of one message of `effects`, then it is a dead letter


@dataclass(slots=True)
class Sent:
    """One message and when it may next be received."""

    id: str
    body: str
    sent_at: float
    visible_at: float
    received: int = 0


@dataclass
class QueueFaults:
    """How unreliable the queue is: shares of the messages that are lost, duplicated and delayed."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    failed: float = 0.0  # entries of a batch that are rejected


@dataclass
class SqsModel:
    """All queues, shared by all processes."""

    random: Random
    faults: QueueFaults = field(default_factory=QueueFaults)
    queues: dict[str, list[Sent]] = field(default_factory=lambda: {url: [] for url in VISIBILITY_SECONDS})
    _number: int = 0

    def call(self, now: float, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation of the API."""
        url = parameters["QueueUrl"]
        match operation:
            case "SendMessage":
                self._take(url, parameters["MessageBody"], now, parameters.get("DelaySeconds", 0))
                return {"MessageId": "m"}
            case "SendMessageBatch":
                return self._take_all(url, parameters["Entries"], now)
            case "ReceiveMessage":
                return self._receive(url, parameters, now)
            case "DeleteMessageBatch":
                gone = {entry["ReceiptHandle"] for entry in parameters["Entries"]}
                self.queues[url] = [sent for sent in self.queues[url] if sent.id not in gone]
                return {}
            case "ChangeMessageVisibilityBatch":
                changed = {entry["ReceiptHandle"]: entry["VisibilityTimeout"] for entry in parameters["Entries"]}
                for sent in self.queues[url]:
                    sent.visible_at = now + changed[sent.id] if sent.id in changed else sent.visible_at
                return {}
            case "GetQueueAttributes":
                return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queues[url]))}}
            case "PurgeQueue":
                self.queues[url].clear()
                return {}
        raise AssertionError(operation)

    def next_visible(self, url: str) -> float | None:
        """Return when the next message can be received."""
        return min((sent.visible_at for sent in self.queues[url]), default=None)

    def _take(self, url: str, body: str, now: float, delay: float) -> None:
        if url == EFFECTS and self.random.random() < self.faults.lost:
            return
        copies = 2 if self.random.random() < self.faults.doubled else 1
        for _ in range(copies):
            late = self.random.uniform(0, 900) if self.random.random() < self.faults.late else 0.0
            self._number += 1
            self.queues[url].append(Sent(f"m{self._number}", body, now, round(now + delay + late, 6)))

    def _take_all(self, url: str, entries: list[dict[str, Any]], now: float) -> dict[str, Any]:
        failed = []
        for entry in entries:
            if self.random.random() < self.faults.failed:
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                self._take(url, entry["MessageBody"], now, entry.get("DelaySeconds", 0))
        return {"Failed": failed} if failed else {}

    def _receive(self, url: str, parameters: dict[str, Any], now: float) -> dict[str, Any]:
        visible = [sent for sent in self.queues[url] if sent.visible_at <= now]
        if url in SHORT_POLLED and not parameters.get("WaitTimeSeconds"):
            visible = [sent for sent in visible if self.random.random() < 0.5]
        self.random.shuffle(visible)
        taken = visible[: parameters["MaxNumberOfMessages"]]
        for sent in taken:
            sent.received += 1
            sent.visible_at = now + parameters.get("VisibilityTimeout", VISIBILITY_SECONDS[url])
        if url == EFFECTS:
            dead = [sent for sent in taken if sent.received > MAX_RECEIVES]
            self.queues[DEAD] += dead
            self.queues[EFFECTS] = [sent for sent in self.queues[EFFECTS] if sent not in dead]
            taken = [sent for sent in taken if sent not in dead]
        return {
            "Messages": [
                {
                    "MessageId": sent.id,
                    "Body": sent.body,
                    "ReceiptHandle": sent.id,
                    "Attributes": {
                        "ApproximateReceiveCount": str(sent.received),
                        "SentTimestamp": str(int((EPOCH.timestamp() + sent.sent_at) * 1000)),
                    },
                }
                for sent in taken
            ]
        }


class SimulatedSqs(Sqs):
    """One process's client of the model."""

    def __init__(self, process: ClientProcess, model: SqsModel, away: Callable[[str], bool]) -> None:
        super().__init__("us-east-1", "http://sqs")
        self._process = process
        self._model = model
        self._away = away

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        def fail(done: bool) -> dict[str, Any]:
            raise SqsError(operation, "Unreachable", "the answer was lost" if done else "no answer")

        def act() -> dict[str, Any]:
            if self._away(url):
                fail(False)
            return self._model.call(self._process.clock.elapsed(), operation, parameters)

        url = str(parameters["QueueUrl"])
        return self._process.through(
            Operation(f"sqs {operation} {url.removeprefix('sqs://')}", act, fail, twice=operation in REPEATABLE)
        )
