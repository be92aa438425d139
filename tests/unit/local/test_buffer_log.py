"""The local stack's buffer and queue of wishes: their emulator keeps its queues in memory and may be killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.emulator import restore
from drumbeat.local.servers import MiniStack
from drumbeat.local.stack import local_sqs


class Emulator:
    """One that can be killed, with a buffer and another queue."""

    def __init__(self, home: Path) -> None:
        self.server = MiniStack(home / "ministack").start()
        self.sqs: Sqs = local_sqs(self.server.url)

    def url(self, name: str) -> str:
        return str(self.sqs.call("CreateQueue", QueueName=name)["QueueUrl"])

    def restored(self) -> int:
        urls = {name: self.url(f"test-{name}") for name in ("BufferQueue", "WishesQueue")}
        return restore(self.server.buffer_log, self.server.queues_state, self.sqs, urls)

    def held(self, queue: str = "BufferQueue") -> list[Any]:
        got = self.sqs.call("ReceiveMessage", QueueUrl=self.url(f"test-{queue}"), MaxNumberOfMessages=10)
        return sorted(message["Body"] for message in got.get("Messages", []))


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path)
    emulator.sqs.call("SendMessage", QueueUrl=emulator.url("test-BufferQueue"), MessageBody="one\ntwo")
    entries = [{"Id": "0", "MessageBody": "three"}]
    emulator.sqs.call("SendMessageBatch", QueueUrl=emulator.url("test-BufferQueue"), Entries=entries)
    emulator.sqs.call("SendMessage", QueueUrl=emulator.url("test-Bells"), MessageBody="ids only")
    yield emulator
    emulator.sqs.close()
    emulator.server.stop()


def test_a_buffer_that_is_killed_has_its_messages_again(emulator: Emulator) -> None:
    emulator.server.kill()
    emulator.server.start()

    assert emulator.restored() == 2
    assert emulator.held() == ["one\ntwo", "three"]


def test_a_buffer_that_ended_in_order_needs_no_second_copy(emulator: Emulator) -> None:
    emulator.server.stop()
    emulator.server.start()

    assert emulator.restored() == 0
    assert emulator.held() == ["one\ntwo", "three"]


def test_a_buffer_that_is_killed_twice_has_its_messages_again(emulator: Emulator) -> None:
    for _ in range(2):
        emulator.server.kill()
        emulator.server.start()
        emulator.restored()

    assert emulator.held() == ["one\ntwo", "three"]


def test_wishes_are_restored_to_their_own_queue_beside_what_the_release_before_had_written(emulator: Emulator) -> None:
    emulator.sqs.call("SendMessage", QueueUrl=emulator.url("test-WishesQueue"), MessageBody="to leave a list")
    emulator.server.kill()
    with emulator.server.buffer_log.open("a") as log:
        log.write('"of the release before"\n')
    emulator.server.start()

    assert emulator.restored() == 4
    assert emulator.held() == ["of the release before", "one\ntwo", "three"]
    assert emulator.held("WishesQueue") == ["to leave a list"]


def test_a_line_that_was_cut_is_left_out(emulator: Emulator) -> None:
    emulator.server.kill()
    with emulator.server.buffer_log.open("a") as log:
        log.write('"half a mess')
    emulator.server.start()

    assert emulator.restored() == 2


def test_ministack_still_forgets_its_queues_when_it_is_killed(tmp_path: Path) -> None:
    """Fails once MiniStack keeps them: then the log of the buffer can go."""
    emulator = Emulator(tmp_path)
    emulator.sqs.call("SendMessage", QueueUrl=emulator.url("test-BufferQueue"), MessageBody="one")

    emulator.server.kill()
    emulator.server.start()

    assert emulator.held() == []
    emulator.sqs.close()
    emulator.server.stop()
