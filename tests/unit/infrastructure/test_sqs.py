"""The SQS client and what peers do to it: they hang up, break off, dawdle, refuse, and answer the second time."""

import traceback
from collections.abc import Iterator
from random import Random

import pytest

from drumbeat.infrastructure.aws_signature import Credentials
from drumbeat.infrastructure.sqs.client import CALL_SECONDS, JITTER_SECONDS, REPEATABLE, TRY_SECONDS, Sqs, SqsError
from tests.unit.infrastructure.sqs_peer import (
    Peer,
    Step,
    StoppedClock,
    answer,
    drip,
    echo,
    parameters,
    peer,
    refuse,
    reset,
    say,
    then_reset,
)

SENT = {"MessageId": "1"}
OWN = Credentials("AKID", "secret")


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def sqs(clock: StoppedClock) -> Iterator[Sqs]:
    client = Sqs("us-east-1", None, OWN, clock=clock, random=Random(7))
    yield client
    client.close()


def send(sqs: Sqs, at: Peer, body: str = "x") -> dict[str, object]:
    return sqs.call("SendMessage", QueueUrl=at.queue, MessageBody=body)


def test_a_connection_serves_one_call_after_the_other(sqs: Sqs) -> None:
    with peer(answer(SENT), answer(SENT)) as other:
        assert [send(sqs, other), send(sqs, other)] == [SENT, SENT]
        sqs.close()

    assert [one.connection for one in other.received] == [0, 0]
    assert parameters(other.received[0]) == {"QueueUrl": other.queue, "MessageBody": "x"}


@pytest.mark.point(8)
def test_a_connection_that_was_reset_while_idle_is_replaced_before_it_is_used(sqs: Sqs, clock: StoppedClock) -> None:
    with peer(then_reset(answer(SENT)), answer()) as other:
        send(sqs, other)
        other.ended.wait()
        sqs.call("PurgeQueue", QueueUrl=other.queue)  # which is never repeated
        sqs.close()

    assert [one.connection for one in other.received] == [0, 1]
    assert clock.slept == []


def test_a_connection_that_the_peer_says_it_closes_is_not_used_again(sqs: Sqs) -> None:
    with peer(answer(SENT, headers=["connection: close"]), answer()) as other:
        send(sqs, other)
        sqs.call("PurgeQueue", QueueUrl=other.queue)
        sqs.close()

    assert [one.connection for one in other.received] == [0, 1]


PASSING: dict[str, Step] = {
    "reset": reset,
    "hung up": say(b""),
    "cut off in the head": say(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "cut off in the body": say(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"MessageId"'),
    "cut off in a chunk": say(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{"Mess'),
    "no length": say(b"HTTP/1.1 200 OK\r\n\r\n{}"),
    "not HTTP": say(b"220 mail.test ESMTP\r\n"),
    "503": answer({"message": "busy"}, 503),
    "500 in HTML": say(b"HTTP/1.1 500 S\r\ncontent-length: 6\r\n\r\n<html>", stay=True),
    "429": answer({}, 429),
    "throttled": refuse("RequestThrottled", 403),
    "throttled by KMS": refuse("KmsThrottled"),
}


@pytest.mark.point(8)
@pytest.mark.parametrize("first", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_once_more_after_a_moment(sqs: Sqs, clock: StoppedClock, first: Step) -> None:
    with peer(first, answer(SENT)) as other:
        assert send(sqs, other) == SENT
        sqs.close()

    assert len(other.received) == 2
    assert other.received[0].body == other.received[1].body
    [moment] = clock.slept
    assert 0 <= moment <= JITTER_SECONDS


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_is_tried_twice_and_no_more(sqs: Sqs, step: Step) -> None:
    with peer(step, step, answer(SENT)) as other:
        with pytest.raises(SqsError):
            send(sqs, other)
        sqs.close()

    assert len(other.received) == 2


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_a_purge_is_never_repeated(sqs: Sqs, step: Step) -> None:
    with peer(step, answer()) as other:
        with pytest.raises(SqsError):
            sqs.call("PurgeQueue", QueueUrl=other.queue)
        sqs.close()

    assert len(other.received) == 1


def test_a_refusal_is_final(sqs: Sqs) -> None:
    with peer(refuse("InvalidMessageContents", message="bad letters"), answer(SENT)) as other:
        with pytest.raises(SqsError) as refused:
            send(sqs, other)
        sqs.close()

    assert len(other.received) == 1
    assert str(refused.value) == "SQS SendMessage: InvalidMessageContents: bad letters"


@pytest.mark.parametrize(
    ("headers", "kind", "code"),
    [
        ([], "com.amazonaws.sqs#QueueDoesNotExist", "QueueDoesNotExist"),
        ([], "OverLimit:http://internal.amazon.com/", "OverLimit"),
        (
            ["x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender"],
            "a#Q",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (["x-amzn-query-error: nonsense"], "a#QueueDoesNotExist", "QueueDoesNotExist"),
    ],
)
def test_a_refusals_code_is_read_as_boto3_reads_it(sqs: Sqs, headers: list[str], kind: str, code: str) -> None:
    with peer(answer({"__type": kind, "Message": "no"}, 400, headers)) as other:
        with pytest.raises(SqsError) as refused:
            send(sqs, other)
        sqs.close()

    assert (refused.value.code, refused.value.message) == (code, "no")


def test_an_answer_may_come_in_chunks(sqs: Sqs) -> None:
    chunked = b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
    with peer(say(chunked, stay=True), answer()) as other:
        assert send(sqs, other) == {"a": 1}
        assert send(sqs, other) == {}
        sqs.close()

    assert [one.connection for one in other.received] == [0, 0]


@pytest.mark.parametrize("text", [b"[1]", b"{", b"[" * 100_000, b"\xff"])
def test_an_answer_that_is_no_json_object_is_an_error(sqs: Sqs, text: bytes) -> None:
    step = say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
    with peer(step) as other, pytest.raises(SqsError, match="HTTP 200: the answer is not a JSON object"):
        send(sqs, other)


def test_a_peer_that_takes_too_long_is_given_up_and_called_again(sqs: Sqs, clock: StoppedClock) -> None:
    with peer(drip(clock, 3), answer(SENT)) as other:
        assert send(sqs, other) == SENT
        sqs.close()

    assert [one.connection for one in other.received] == [0, 1]


def test_a_call_ends_in_time_however_slowly_an_answer_drips(sqs: Sqs, clock: StoppedClock) -> None:
    begun = clock.elapsed()
    slow = drip(clock, 3), drip(clock, 9)
    with peer(*slow, answer(SENT)) as other, pytest.raises(SqsError, match="Unreachable: no complete answer in time"):
        send(sqs, other)

    assert len(other.received) == 2
    assert clock.elapsed() - begun >= CALL_SECONDS


def test_a_long_poll_has_its_own_time_beside_the_calls(sqs: Sqs, clock: StoppedClock) -> None:
    def wait() -> None:
        clock.seconds += 20

    with peer(answer({"Messages": []}, after=wait)) as other:
        assert sqs.call("ReceiveMessage", QueueUrl=other.queue, WaitTimeSeconds=20) == {"Messages": []}
        sqs.close()


def test_a_long_poll_that_another_would_outlast_is_not_repeated(sqs: Sqs, clock: StoppedClock) -> None:
    with peer(drip(clock, 17), answer({})) as other, pytest.raises(SqsError, match="no complete answer in time"):
        sqs.call("ReceiveMessage", QueueUrl=other.queue, WaitTimeSeconds=14)

    assert len(other.received) == 1


def test_an_unreachable_host_is_tried_twice(sqs: Sqs, clock: StoppedClock) -> None:
    with pytest.raises(SqsError, match="Unreachable: Connection refused"):
        sqs.call("SendMessage", QueueUrl="http://127.0.0.1:1/0/q", MessageBody="x")

    assert len(clock.slept) == 1


LETTER = "ada@example.com!"


@pytest.mark.parametrize("step", [echo, say(b"HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n" + LETTER.encode())])
def test_no_error_quotes_what_a_peer_quotes(sqs: Sqs, step: Step) -> None:
    with peer(step, step) as other, pytest.raises(SqsError) as failed:
        send(sqs, other, LETTER)

    assert LETTER not in "".join(traceback.format_exception(failed.value))


def test_a_second_try_has_time_and_no_purge_has_one() -> None:
    assert "PurgeQueue" not in REPEATABLE
    assert TRY_SECONDS + JITTER_SECONDS < CALL_SECONDS


def test_an_explicit_endpoint_is_called_whatever_the_queues_url_says(clock: StoppedClock) -> None:
    with peer(answer(SENT)) as other:
        sqs = Sqs("eu-west-1", other.url, OWN, clock=clock)
        sqs.call("SendMessage", QueueUrl="https://sqs.us-east-1.amazonaws.com/1/q", MessageBody="x")
        sqs.close()

    [received] = other.received
    assert received.headers["host"] == other.url.removeprefix("http://")
    assert "/eu-west-1/sqs/aws4_request" in received.headers["authorization"]


def test_two_hosts_are_two_connections(sqs: Sqs) -> None:
    with peer(answer(SENT)) as one, peer(answer(SENT)) as two:
        send(sqs, one)
        send(sqs, two)
        sqs.close()

    assert (len(one.received), len(two.received)) == (1, 1)


@pytest.mark.parametrize("url", ["", "q", "sqs://effects", "https:///q", "http://[::1/q", "http://h:port/q"])
def test_a_url_that_leads_nowhere_is_a_refusal(sqs: Sqs, url: str) -> None:
    with pytest.raises(SqsError, match="InvalidAddress"):
        sqs.call("SendMessage", QueueUrl=url, MessageBody="x")
