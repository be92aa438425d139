"""The queue against a real SQS API."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from drumbeat.infrastructure.sqs.client import UNREACHABLE, Sqs, SqsError
from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Queue, QueueError, WakeUp


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def sqs(sqs_endpoint: str) -> Iterator[Sqs]:
    client = Sqs("us-east-1", sqs_endpoint)
    yield client
    client.close()


@pytest.fixture
def make_queue(sqs: Sqs) -> Callable[[], Queue]:
    return lambda: Queue(sqs, sqs.call("CreateQueue", QueueName=f"q{uuid.uuid4().hex}")["QueueUrl"])


@pytest.fixture
def queue(make_queue: Callable[[], Queue]) -> Queue:
    return make_queue()


def some(count: int) -> list[UUID]:
    return [uuid.uuid4() for _ in range(count)]


def drained(queue: Queue) -> list[WakeUp]:
    wake_ups = []
    while messages := queue.receive():
        wake_ups += [WakeUp.loads(message.body) for message in messages]
        queue.delete(messages)
    return wake_ups


def test_a_notification_reaches_a_receiver_with_the_same_ids(queue: Queue) -> None:
    events, effects = some(2), some(3)

    queue.notify(events=events, effects=effects)

    assert drained(queue) == [WakeUp(tuple(events), tuple(effects))]


def test_many_ids_are_ten_to_a_message(queue: Queue) -> None:
    events, effects = some(95), some(128)

    queue.notify(events=events, effects=effects)

    wake_ups = drained(queue)
    assert len(wake_ups) == 23
    assert max(len(wake_up.events) + len(wake_up.effects) for wake_up in wake_ups) == 10
    assert {i for wake_up in wake_ups for i in wake_up.events} == set(events)
    assert {i for wake_up in wake_ups for i in wake_up.effects} == set(effects)


def test_nothing_to_notify_of_sends_nothing(queue: Queue) -> None:
    queue.notify()
    queue.notify_later([])

    assert queue.count() == 0


class Recording(Sqs):
    """Keeps the calls of SQS."""

    def __init__(self, region: str, endpoint: str) -> None:
        super().__init__(region, endpoint)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        return super().call(operation, **parameters)


def test_later_notifications_share_messages_by_whole_second_and_are_never_early(
    sqs_endpoint: str, queue: Queue
) -> None:
    recording = Recording("us-east-1", sqs_endpoint)
    a, b, c, d, e = some(5)

    Queue(recording, queue.url).notify_later([(a, 0.2), (b, 1.0), (c, 1.1), (d, -3), (e, 5000)])
    recording.close()

    [(operation, parameters)] = recording.calls
    assert operation == "SendMessageBatch"
    sent = {entry["DelaySeconds"]: WakeUp.loads(entry["MessageBody"]).effects for entry in parameters["Entries"]}
    assert sent == {1: (a, b), 2: (c,), 0: (d,), 900: (e,)}


def test_a_single_message_is_a_single_send(sqs_endpoint: str, queue: Queue) -> None:
    recording = Recording("us-east-1", sqs_endpoint)

    Queue(recording, queue.url).notify(events=some(10))
    recording.close()

    assert [operation for operation, _ in recording.calls] == ["SendMessage"]


class Failing(Sqs):
    """Fails the entries that a test names, a number of times; the rest reaches the queue."""

    def __init__(self, region: str, endpoint: str, doomed: UUID, times: int) -> None:
        super().__init__(region, endpoint)
        self.doomed, self.times = str(doomed), times

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        entries: Any = parameters.get("Entries")
        bad = [entry for entry in entries if self.doomed in entry["MessageBody"]]
        if not bad or not self.times:
            return super().call(operation, **parameters)
        self.times -= 1
        good = [entry for entry in entries if entry not in bad]
        if good:
            super().call(operation, **{**parameters, "Entries": good})
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in bad]}


@pytest.mark.point(7)
def test_what_a_batch_left_out_is_sent_once_more(sqs_endpoint: str, queue: Queue) -> None:
    ids = some(100)
    failing = Failing("us-east-1", sqs_endpoint, ids[42], times=1)

    Queue(failing, queue.url).notify(events=ids)
    failing.close()

    assert {i for wake_up in drained(queue) for i in wake_up.events} == set(ids)


@pytest.mark.point(7)
def test_a_failure_is_raised_after_the_rest_was_sent(sqs_endpoint: str, queue: Queue) -> None:
    ids = some(250)
    failing = Failing("us-east-1", sqs_endpoint, ids[0], times=9)

    with pytest.raises(QueueError, match=r"1 message.*InternalError.*Nothing is lost"):
        Queue(failing, queue.url).notify(events=ids)
    failing.close()

    assert {i for wake_up in drained(queue) for i in wake_up.events} == set(ids[10:])


def test_an_unreachable_queue_is_a_queue_error() -> None:
    with pytest.raises(QueueError, match="Unreachable"):
        Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q").notify(events=some(1))


class Unreachable(Sqs):
    """Counts the calls that time out."""

    calls = 0

    def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        self.calls += 1
        raise SqsError(operation, UNREACHABLE, "no answer in time")


def test_what_is_left_of_a_long_list_is_not_tried_while_the_queue_is_unreachable() -> None:
    sqs = Unreachable("us-east-1")

    with pytest.raises(QueueError, match=r"50 message"):
        Queue(sqs, "http://127.0.0.1:1/q").notify(events=some(500))

    assert sqs.calls == 1


def test_a_refusal_names_sqs_own_code(sqs: Sqs) -> None:
    with pytest.raises(SqsError) as caught:
        sqs.call("SendMessage", QueueUrl="http://127.0.0.1/000000000000/none", MessageBody="x")

    assert "NonExistentQueue" in caught.value.code or "QueueDoesNotExist" in caught.value.code


@pytest.mark.point(17)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        '{"v": 2, "events": [], "effects": []}',
        '{"v": 1, "events": ["x"], "effects": []}',
        '{"v": 1, "events": []}',
        '{"v": 1, "events": "abc", "effects": []}',
        "9" * 5000,
        "[" * 100_000,
    ],
)
def test_a_body_that_is_not_ours_is_a_value_error(body: str) -> None:
    with pytest.raises(ValueError):
        WakeUp.loads(body)


@pytest.mark.point(12)
def test_a_purged_queue_is_empty(queue: Queue) -> None:
    queue.notify(events=some(30))

    queue.purge()

    assert queue.receive() == []


@pytest.mark.point(19)
def test_what_is_not_deleted_comes_back(queue: Queue) -> None:
    queue.notify(events=some(1))
    [first] = queue.receive()

    queue.release([first])

    [again] = queue.receive()
    assert (again.id, again.received) == (first.id, 2)


@pytest.mark.point(21)
def test_dead_letters_are_sent_again_and_foreign_ones_stay(sqs: Sqs, make_queue: Callable[[], Queue]) -> None:
    queue, dead = make_queue(), make_queue()
    letters = DeadLetters(sqs, dead.url, queue)
    events, effects = some(14), some(7)
    dead.notify(events=events, effects=effects)
    dead.put("not ours")

    first = letters.redrive()
    second = letters.redrive()

    assert (first.notified, first.left) == (3, 1)
    assert (second.notified, second.left) == (0, 1)
    assert [message.body for message in letters.list()] == ["not ours"]
    wake_ups = drained(queue)
    assert {i for wake_up in wake_ups for i in wake_up.events} == set(events)
    assert {i for wake_up in wake_ups for i in wake_up.effects} == set(effects)


def test_reading_dead_letters_leaves_them(sqs: Sqs, make_queue: Callable[[], Queue]) -> None:
    dead = make_queue()
    letters = DeadLetters(sqs, dead.url, make_queue())
    dead.notify(events=some(120))

    assert len(letters.list(limit=11)) == 11
    assert len(letters.list()) == 12
    assert letters.count() == 12


@pytest.mark.point(21)
def test_a_dead_letter_that_could_not_be_sent_stays(sqs: Sqs, make_queue: Callable[[], Queue]) -> None:
    dead = make_queue()
    dead.notify(events=some(1))
    letters = DeadLetters(sqs, dead.url, Queue(Sqs("us-east-1", "http://127.0.0.1:1"), "http://127.0.0.1:1/q"))

    with pytest.raises(QueueError):
        letters.redrive()

    assert letters.count() == 1
