"""Our client of SQS against boto3's: the same calls of the same API have the same results and the same codes."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from drumbeat.infrastructure.aws_signature import Credentials
from drumbeat.infrastructure.sqs.client import REPEATABLE, Sqs, SqsError
from drumbeat.local.servers import MiniStack

OWN = Credentials("test", "test")
# What differs between two calls that do the same.
OF_ONE_CALL = {
    "MessageId",
    "ReceiptHandle",
    "ResponseMetadata",
    "SenderId",
    "SentTimestamp",
    "QueueUrl",
    "QueueArn",
} | {
    "ApproximateFirstReceiveTimestamp",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
}


class Ours:
    def __init__(self, endpoint: str) -> None:
        self.client = Sqs("us-east-1", endpoint, OWN)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.client.call(operation, **parameters)

    def close(self) -> None:
        self.client.close()


class Botos:
    """boto3, called with the same parameters; its refusals as our errors."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client(
            "sqs", "us-east-1", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
        )

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            result: dict[str, Any] = getattr(self.client, xform_name(operation))(**parameters)
        except ClientError as error:
            answer = error.response["Error"]
            raise SqsError(operation, answer["Code"], answer["Message"]) from error
        return result

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def both(ministack: MiniStack) -> Iterator[tuple[Ours, Botos]]:
    pair = Ours(ministack.url), Botos(ministack.url)
    yield pair
    for one in pair:
        one.close()


def lasting(found: Any) -> Any:
    """Return what two calls that do the same have in common."""
    match found:
        case dict():
            return {name: lasting(value) for name, value in found.items() if name not in OF_ONE_CALL}
        case list():
            return [lasting(value) for value in found]
        case _:
            return found


def life_of_a_queue(client: Ours | Botos, name: str) -> list[Any]:
    """Do everything that Drumbeat asks of SQS; return every result."""
    results: list[Any] = []

    def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        result = client.call(operation, **parameters)
        results.append((operation, lasting(result)))
        return result

    attributes = {"VisibilityTimeout": "30"}
    url = ask("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]
    assert ask("GetQueueUrl", QueueName=name)["QueueUrl"] == url
    ask("SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    ask("SendMessage", QueueUrl=url, MessageBody="héllo \U0001f941", DelaySeconds=0)
    entries = [{"Id": str(i), "MessageBody": f"{i}", "DelaySeconds": 900 * i} for i in range(2)]
    ask("SendMessageBatch", QueueUrl=url, Entries=entries)
    counts = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["VisibilityTimeout", *counts])
    received = ask(
        "ReceiveMessage",
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
    )["Messages"]
    assert [message["Body"] for message in received] == ["héllo \U0001f941", "0"]
    first, second = [message["ReceiptHandle"] for message in received]
    ask("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=5)
    shown = [{"Id": "a", "ReceiptHandle": first, "VisibilityTimeout": 0}]
    ask("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=shown)
    gone = [{"Id": "a", "ReceiptHandle": second}, {"Id": "b", "ReceiptHandle": "made-up"}]
    ask("DeleteMessageBatch", QueueUrl=url, Entries=gone)
    ask("PurgeQueue", QueueUrl=url)
    ask("GetQueueAttributes", QueueUrl=url, AttributeNames=counts)
    return results


def test_every_call_of_sqs_has_the_same_result(both: tuple[Ours, Botos]) -> None:
    ours, botos = [life_of_a_queue(client, f"q{uuid.uuid4().hex}") for client in both]

    assert ours == botos
    assert {operation for operation, _ in ours} == REPEATABLE | {"PurgeQueue"}


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "no such queue": ("SendMessage", {"QueueUrl": "{endpoint}/000000000000/none", "MessageBody": "x"}),
    "no such name": ("GetQueueUrl", {"QueueName": "none"}),
    "another queue of that name": ("CreateQueue", {"QueueName": "{name}", "Attributes": {"VisibilityTimeout": "9"}}),
    "nothing to send": ("SendMessageBatch", {"QueueUrl": "{queue}", "Entries": []}),
    "one id twice": (
        "SendMessageBatch",
        {"QueueUrl": "{queue}", "Entries": [{"Id": "a", "MessageBody": "x"}, {"Id": "a", "MessageBody": "y"}]},
    ),
    "too many at once": (
        "DeleteMessageBatch",
        {"QueueUrl": "{queue}", "Entries": [{"Id": str(i), "ReceiptHandle": "x"} for i in range(11)]},
    ),
    "a handle that is none": (
        "ChangeMessageVisibility",
        {"QueueUrl": "{queue}", "ReceiptHandle": "x", "VisibilityTimeout": 0},
    ),
}


@pytest.mark.parametrize(("operation", "parameters"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_has_the_same_code_and_message(
    both: tuple[Ours, Botos], ministack: MiniStack, operation: str, parameters: dict[str, Any]
) -> None:
    name = f"q{uuid.uuid4().hex}"
    queue = both[0].call("CreateQueue", QueueName=name)["QueueUrl"]
    places = {"{endpoint}": ministack.url, "{queue}": queue, "{name}": name}

    def placed(value: Any) -> Any:
        for word, meant in places.items():
            value = value.replace(word, meant) if isinstance(value, str) else value
        return value

    filled = {key: placed(value) for key, value in parameters.items()}

    refusals = []
    for client in both:
        with pytest.raises(SqsError) as refused:
            client.call(operation, **filled)
        refusals.append((refused.value.code, refused.value.message))

    assert refusals[0] == refusals[1]
