"""The poller stands in for Lambda's event source mapping."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.infrastructure.sqs.client import Sqs
from drumbeat.local.frames import Handler, Json
from drumbeat.local.poller import Poller, succeeded
from drumbeat.local.servers import MiniStack
from drumbeat.local.stack import local_sqs
from tests.unit.local.conftest import StartRuntime


@pytest.fixture
def sqs(ministack: MiniStack) -> Iterator[Sqs]:
    client = local_sqs(ministack.url)
    yield client
    client.close()


@pytest.fixture
def url(sqs: Sqs, request: pytest.FixtureRequest) -> str:
    name = request.node.name[-60:].replace("[", "-").replace("]", "")
    return str(sqs.call("CreateQueue", QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"])


@pytest.fixture
def poller(url: str, tmp_path: Path) -> Iterator[Poller]:
    worker = Handler(tmp_path / "echo-1.sock")
    yield Poller(url, 10, [worker])
    worker.close()


def send(sqs: Sqs, url: str, *bodies: str) -> None:
    for body in bodies:
        sqs.call("SendMessage", QueueUrl=url, MessageBody=body)


def left(sqs: Sqs, url: str) -> int:
    """Return how many messages were not deleted."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.call("GetQueueAttributes", QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def test_what_the_worker_did_is_deleted_and_what_it_failed_stays(
    start_runtime: StartRuntime, sqs: Sqs, url: str, poller: Poller
) -> None:
    start_runtime("feed")
    send(sqs, url, "good", "bad", "good")

    poller.handle(sqs, poller.workers[0], poller.receive(sqs))

    assert left(sqs, url) == 1


@pytest.mark.point(18)
@pytest.mark.parametrize("how", ["raise", "die"])
def test_a_worker_that_fails_altogether_has_nothing_deleted(
    start_runtime: StartRuntime, sqs: Sqs, url: str, poller: Poller, how: str
) -> None:
    start_runtime("feed")
    send(sqs, url, "good", how)

    poller.handle(sqs, poller.workers[0], poller.receive(sqs))

    assert left(sqs, url) == 2


def test_a_record_looks_as_lambda_shows_it(sqs: Sqs, url: str, poller: Poller) -> None:
    send(sqs, url, "hello")
    message = poller.receive(sqs)[0]

    record = poller._record(message)

    assert record["body"] == "hello"
    assert record["messageId"] == message["MessageId"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(url.rsplit("/", 1)[-1])
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


def test_messages_wait_for_a_worker_that_is_being_started_again(
    start_runtime: StartRuntime, sqs: Sqs, url: str, poller: Poller
) -> None:
    send(sqs, url, "good")
    thread = threading.Thread(target=poller.handle, args=(sqs, poller.workers[0], poller.receive(sqs)))
    thread.start()

    start_runtime("feed")
    thread.join(20)

    assert left(sqs, url) == 0


def test_a_poller_finishes_its_batch_before_it_stops(
    start_runtime: StartRuntime, ministack: MiniStack, sqs: Sqs, url: str, poller: Poller
) -> None:
    start_runtime("feed")
    thread = threading.Thread(target=poller.run, args=(lambda: local_sqs(ministack.url),))
    thread.start()
    send(sqs, url, *["good"] * 12)
    limit = time.monotonic() + 20
    while left(sqs, url) and time.monotonic() < limit:
        time.sleep(0.02)

    poller.stopping.set()
    thread.join(20)

    assert not thread.is_alive()
    assert left(sqs, url) == 0


@pytest.mark.parametrize(
    ("result", "deleted"),
    [
        ({"batchItemFailures": []}, ["a", "b"]),
        ({"batchItemFailures": None}, ["a", "b"]),
        (None, ["a", "b"]),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, ["b"]),
        ({"batchItemFailures": [{"itemIdentifier": "else"}]}, []),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, []),
    ],
)
def test_a_report_is_read_as_lambda_reads_it(result: Json, deleted: list[str]) -> None:
    messages = [{"MessageId": "a"}, {"MessageId": "b"}]

    assert [message["MessageId"] for message in succeeded(messages, result)] == deleted


def test_a_thread_that_ends_unforeseen_ends_the_process_so_that_it_is_started_again() -> None:
    program = (
        "import threading, time; from drumbeat.local import poller;"
        "threading.excepthook = poller.end_process;"
        "threading.Thread(target=lambda: {}['no such key']).start();"
        "time.sleep(60)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "no such key" in ended.stderr
