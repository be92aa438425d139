"""The template's queues, made in an SQS emulator."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from drumbeat.infrastructure.sqs.client import Sqs, SqsError
from drumbeat.local.template import Queue

NO_SUCH_QUEUE = ("QueueDoesNotExist", "NonExistentQueue")


def create(sqs: Sqs, endpoint: str, queues: Mapping[str, Queue], stage: str) -> dict[str, str]:
    """Make every queue that is not there yet, dead letter queues first; returns URLs by resource name.

    A queue that exists keeps its messages and gets the template's attributes.
    """
    urls: dict[str, str] = {}
    for resource in sorted(queues, key=lambda name: queues[name].dead_letters is not None):
        queue = queues[resource]
        attributes = dict(queue.attributes)
        if queue.dead_letters is not None:
            target = f"arn:aws:sqs:us-east-1:000000000000:{_name(queue.dead_letters, stage)}"
            attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": target, "maxReceiveCount": queue.receives}, sort_keys=True
            )
        url = _ensure(sqs, _name(resource, stage), attributes)
        urls[resource] = endpoint + urlsplit(url).path  # an emulator on another port still answers with its old address
    return urls


def _name(resource: str, stage: str) -> str:
    return f"drumbeat-{stage}-{resource}"


def _ensure(sqs: Sqs, name: str, attributes: Mapping[str, str]) -> str:
    try:
        url: str = sqs.call("GetQueueUrl", QueueName=name)["QueueUrl"]
    except SqsError as error:
        if not error.code.endswith(NO_SUCH_QUEUE):
            raise
        url = sqs.call("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]
    else:
        sqs.call("SetQueueAttributes", QueueUrl=url, Attributes=attributes)
    return url
