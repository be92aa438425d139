"""The queue's poller: takes Lambda's event source mapping's place between SQS and the worker processes.

    python -m drumbeat.local.poller --queue URL --batch 10 --sockets run --function worker --size 2

What the worker did not report as failed is deleted; what it did, or held when it was killed, comes back when its
visibility timeout ends.
"""

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from drumbeat.infrastructure.sqs.client import Sqs, SqsError
from drumbeat.local import steady_output
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone, Json
from drumbeat.wakeups.queue import MESSAGES_PER_CALL

POLL_SECONDS = 1  # of a long poll: as long as an orderly stop may take
RETRY_SECONDS = 0.5  # after SQS did not answer
RECONNECT_SECONDS = 0.05  # between two tries to reach a worker that is being started again
GATHER_SECONDS = 0.015  # messages gather so long in the queue while a worker is busy and another is free


class Poller:
    """Feeds one queue to a set of workers until it is stopped.

    One thread receives. What comes while all workers are idle is passed on without delay; behind it the receiver pauses
    until they are idle again, or for a moment, so that a burst gathers in the queue: ten messages together cost half of
    what they cost one by one. Behind a full batch the next one is received before a worker is free.
    """

    def __init__(self, url: str, batch: int, workers: Iterable[Handler]) -> None:
        self.url = url
        self.arn = f"arn:aws:sqs:us-east-1:000000000000:{url.rsplit('/', 1)[-1]}"
        self.batch = min(batch, MESSAGES_PER_CALL)
        self.workers = list(workers)
        self.stopping = threading.Event()
        self._received: list[dict[str, Any]] = []  # the batch that no worker has taken yet
        self._full = False  # the last batch was full: there are probably more messages
        self._receiving = True
        self._busy = 0  # workers
        self._changed = threading.Condition()

    def run(self, connect: Callable[[], Sqs]) -> None:
        """Receive, invoke, delete, until `stopping` is set and all that was received is done.

        `connect` makes an SQS client: each thread has one of its own.
        """
        threads = [threading.Thread(target=self._receive_batches, args=(connect(),))]
        threads += [threading.Thread(target=self._feed, args=(connect(), worker)) for worker in self.workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _receive_batches(self, sqs: Sqs) -> None:
        unreachable = False
        while not self.stopping.is_set():
            if not self._may_receive():
                continue
            try:
                messages = self.receive(sqs)
                unreachable = False
            except SqsError as error:
                if not unreachable:  # once, not twice a second
                    _log(f"SQS does not answer ({error}); trying again. Nothing is lost: what was received comes back")
                unreachable = True
                self.stopping.wait(RETRY_SECONDS)
                continue
            with self._changed:
                self._received, self._full = messages, len(messages) == self.batch
                self._changed.notify_all()
        with self._changed:
            self._receiving = False
            self._changed.notify_all()
        sqs.close()

    def _may_receive(self) -> bool:
        """Wait until a batch can be received; False when `stopping` has to be checked again first."""
        with self._changed:
            if not self._full:
                self._changed.wait_for(lambda: not self._received and not self._busy, GATHER_SECONDS)
            return self._changed.wait_for(
                lambda: not self._received and (self._full or self._busy < len(self.workers)), RETRY_SECONDS
            )

    def _feed(self, sqs: Sqs, worker: Handler) -> None:
        while messages := self._next():
            try:
                self.handle(sqs, worker, messages)
            except SqsError as error:
                _log(f"{len(messages)} messages were not deleted ({error}); they come back and change nothing")
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
        sqs.close()

    def _next(self) -> list[dict[str, Any]]:
        """Wait for a batch; empty when the poller has stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._received or not self._receiving)
            messages, self._received = self._received, []
            self._busy += 1
            return messages

    def receive(self, sqs: Sqs) -> list[dict[str, Any]]:
        """Return up to a batch of messages; empty when none came within the wait."""
        reply = sqs.call(
            "ReceiveMessage",
            QueueUrl=self.url,
            MaxNumberOfMessages=self.batch,
            WaitTimeSeconds=POLL_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = reply.get("Messages", [])
        return messages

    def handle(self, sqs: Sqs, worker: Handler, messages: list[dict[str, Any]]) -> None:
        """Invoke a worker with the batch and delete what it did. Raises SqsError when that could not be deleted."""
        if not self._present(worker):
            return  # stopping: the messages come back
        try:
            result = worker.invoke({"Records": [self._record(message) for message in messages]})
        except (HandlerGone, HandlerFailed) as error:
            _log(f"{worker.path.stem}: {error}; its {len(messages)} messages come back later")
            return
        if done := succeeded(messages, result):
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(done)
            ]
            sqs.call("DeleteMessageBatch", QueueUrl=self.url, Entries=entries)

    def _present(self, worker: Handler) -> bool:
        """Wait for a worker that is being started again; False when the poller is to stop first."""
        while True:
            try:
                worker.connect()
            except HandlerGone:
                if self.stopping.wait(RECONNECT_SECONDS):
                    return False
            else:
                return True

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.arn,
            "awsRegion": "us-east-1",
        }


def succeeded(messages: list[dict[str, Any]], result: Json) -> list[dict[str, Any]]:
    """Return the messages to delete; none when the worker names a message that was not in the batch (as Lambda)."""
    failures = result.get("batchItemFailures") if isinstance(result, dict) else None
    failed = {failure.get("itemIdentifier") for failure in failures or ()}
    if not failed <= {message["MessageId"] for message in messages}:
        return []
    return [message for message in messages if message["MessageId"] not in failed]


def end_process(unforeseen: threading.ExceptHookArgs) -> None:
    """End the process when one of its threads does: it is started again, and what was received comes back."""
    if unforeseen.exc_value is not None:
        traceback.print_exception(unforeseen.exc_value)
    os._exit(1)


def main() -> None:
    """Poll until a signal ends it; batches under way are finished first."""
    parser = argparse.ArgumentParser(prog="drumbeat.local.poller")
    parser.add_argument("--queue", required=True)
    parser.add_argument("--batch", type=int, default=MESSAGES_PER_CALL)
    parser.add_argument("--sockets", type=Path, required=True)
    parser.add_argument("--function", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", default="us-east-1")
    options = parser.parse_args()
    steady_output.install()
    workers = [Handler(options.sockets / f"{options.function}-{number}.sock") for number in range(1, options.size + 1)]
    poller = Poller(options.queue, options.batch, workers)
    signal.signal(signal.SIGTERM, lambda *_: poller.stopping.set())
    threading.excepthook = end_process
    poller.run(lambda: Sqs(options.region, options.endpoint))


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
