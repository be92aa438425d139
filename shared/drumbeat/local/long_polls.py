"""Long polls that end as soon as a message comes, as those of AWS do; MiniStack's check every 100 ms.

Its receive calls `asyncio.sleep` between two checks. In that module `sleep` becomes one that a message for the same
queue ends. What becomes visible by time alone (a delay, the end of a visibility timeout) is still found by a check.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace
from typing import Any

RECEIVE = "ReceiveMessage"
FILLING = ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")

type Handler = Callable[[Mapping[str, Any], str], Any]


class LongPolls:
    """The receives that sleep, by queue. They run in one event loop, as the sends do."""

    def __init__(self) -> None:
        self._sleeping: dict[str, deque[asyncio.Event]] = defaultdict(deque)
        self._queue: ContextVar[str] = ContextVar("queue")

    def install(self, sqs: ModuleType) -> None:
        """Correct MiniStack's SQS."""
        sqs.asyncio = SimpleNamespace(iscoroutine=asyncio.iscoroutine, sleep=self.sleep)  # type: ignore[attr-defined]
        handlers = sqs._HANDLERS
        handlers[RECEIVE] = self._receiving(handlers[RECEIVE])
        handlers.update({operation: self._filling(handlers[operation]) for operation in FILLING})

    async def sleep(self, seconds: float) -> None:
        """Sleep until this queue is given a message, at most `seconds`."""
        sleeping, given = self._sleeping[self._queue.get()], asyncio.Event()
        sleeping.append(given)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await given.wait()
        finally:
            if not given.is_set():
                sleeping.remove(given)

    def wake(self, queue: str, messages: int) -> None:
        """End as many sleeps as there are messages: each receive takes at least one."""
        sleeping = self._sleeping[queue]
        for _ in range(min(messages, len(sleeping))):
            sleeping.popleft().set()

    def _receiving(self, receive: Callable[[Mapping[str, Any], str], Awaitable[Any]]) -> Handler:
        async def received(data: Mapping[str, Any], url: str) -> object:
            self._queue.set(_name(data, url))
            return await receive(data, url)

        return received

    def _filling(self, fill: Handler) -> Handler:
        def filled(data: Mapping[str, Any], url: str) -> object:
            answer = fill(data, url)
            self.wake(_name(data, url), len(data.get("Entries", ("one",))))
            return answer

        return filled


def _name(data: Mapping[str, Any], url: str) -> str:
    return str(data.get("QueueUrl", url)).rpartition("/")[2]
