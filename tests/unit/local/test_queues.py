"""The template's queues in a real emulator."""

import json
import uuid

from drumbeat.local import queues
from drumbeat.local.stack import local_sqs
from drumbeat.local.template import Queue

SHAPE = {
    "Bells": Queue("Bells", {"VisibilityTimeout": "60"}, "Dead", 3),
    "Dead": Queue("Dead", {}, None, 5),
}


def test_queues_are_made_once_and_keep_their_messages(sqs_endpoint: str) -> None:
    sqs, stage = local_sqs(sqs_endpoint), uuid.uuid4().hex[:8]
    first = queues.create(sqs, sqs_endpoint, SHAPE, stage)
    sqs.call("SendMessage", QueueUrl=first["Bells"], MessageBody="kept")
    changed = {**SHAPE, "Bells": Queue("Bells", {"VisibilityTimeout": "90"}, "Dead", 4)}

    again = queues.create(sqs, sqs_endpoint, changed, stage)

    assert again == first
    found = sqs.call("GetQueueAttributes", QueueUrl=first["Bells"], AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "90"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 4
    assert found["ApproximateNumberOfMessages"] == "1"
    sqs.close()
