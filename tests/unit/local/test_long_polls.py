"""A long poll of the local queue wakes at once; what makes that correction needed is tested, too."""

import asyncio
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.services import sqs

from drumbeat.local.long_polls import LongPolls

WAIT = 20  # seconds that a receive may wait: far longer than the tests may take


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniStack's SQS in this process, put back as it was after the test."""
    monkeypatch.setattr(sqs, "asyncio", asyncio)
    monkeypatch.setattr(sqs, "_HANDLERS", dict(sqs._HANDLERS))
    for name in ("one", "other"):
        sqs._act_create_queue({"QueueName": name}, "")


class CountedPolls(LongPolls):
    """Counts the sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps = 0

    async def sleep(self, seconds: float) -> None:
        self.sleeps += 1
        await super().sleep(seconds)


@pytest.fixture
def polls(emulated: None) -> CountedPolls:
    polls = CountedPolls()
    polls.install(sqs)
    return polls


def url(name: str) -> str:
    return str(sqs._act_get_queue_url({"QueueName": name}, "")["QueueUrl"])


def receive(name: str) -> Awaitable[dict[str, Any]]:
    data = {"QueueUrl": url(name), "WaitTimeSeconds": WAIT, "MaxNumberOfMessages": 10}
    received: Awaitable[dict[str, Any]] = sqs._HANDLERS["ReceiveMessage"](data, "")
    return received


def send(name: str, *bodies: str) -> None:
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    sqs._HANDLERS["SendMessageBatch"]({"QueueUrl": url(name), "Entries": entries}, "")


def bodies(answer: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


async def begun(*names: str) -> list[asyncio.Task[dict[str, Any]]]:
    """Begin to receive from these queues, each until its first sleep."""
    tasks = [asyncio.ensure_future(receive(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


def test_ministack_still_sleeps_between_two_checks(emulated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails once MiniStack waits for messages: then the correction can go."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        send("one", "came meanwhile")

    monkeypatch.setattr(sqs, "asyncio", SimpleNamespace(iscoroutine=asyncio.iscoroutine, sleep=sleep))

    answer = asyncio.run(_await(receive("one")))

    assert bodies(answer) == ["came meanwhile"]
    assert slept == [0.1]


@pytest.mark.parametrize("operation", ["SendMessage", "SendMessageBatch"])
def test_a_message_ends_the_sleep_of_a_receive(polls: CountedPolls, operation: str) -> None:
    async def run() -> dict[str, Any]:
        (task,) = await begun("one")
        entry = {"Id": "0", "MessageBody": "hello"}
        data = entry if operation == "SendMessage" else {"Entries": [entry]}
        sqs._HANDLERS[operation]({"QueueUrl": url("one"), **data}, "")
        return await task

    assert bodies(asyncio.run(run())) == ["hello"]
    assert polls.sleeps == 1


def test_a_message_that_is_shown_again_ends_a_sleep(polls: CountedPolls) -> None:
    async def run() -> dict[str, Any]:
        send("one", "hello")
        taken = await receive("one")
        (task,) = await begun("one")
        shown = {"ReceiptHandle": taken["Messages"][0]["ReceiptHandle"], "VisibilityTimeout": 0}
        sqs._HANDLERS["ChangeMessageVisibility"]({"QueueUrl": url("one"), **shown}, "")
        return await task

    assert bodies(asyncio.run(run())) == ["hello"]
    assert polls.sleeps == 1


def test_a_message_wakes_one_receive_and_none_of_another_queue(polls: CountedPolls) -> None:
    async def run() -> list[bool]:
        tasks = await begun("other", "one", "one")
        send("one", "hello")
        await tasks[1]
        await asyncio.sleep(0)
        pending = [not task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        return pending

    assert asyncio.run(run()) == [True, False, True]
    assert polls.sleeps == 3


def test_a_receive_whose_caller_went_away_takes_no_wake_up_from_others(polls: CountedPolls) -> None:
    async def run() -> dict[str, Any]:
        gone, stays = await begun("one", "one")
        gone.cancel()
        await asyncio.sleep(0)
        send("one", "hello")
        return await stays

    assert bodies(asyncio.run(run())) == ["hello"]
    assert polls.sleeps == 2


def test_a_delayed_message_is_found_by_a_check(polls: CountedPolls, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> dict[str, Any]:
        (task,) = await begun("one")
        sqs._HANDLERS["SendMessage"]({"QueueUrl": url("one"), "MessageBody": "later", "DelaySeconds": 1}, "")
        return await task

    assert bodies(asyncio.run(run())) == ["later"]
    assert polls.sleeps > 1


async def _await[T](awaitable: Awaitable[T]) -> T:
    return await awaitable
