"""`/v1/dlq`: messages that the worker gave up on. What they name is in the ledger."""

import json
import re
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import listing
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.services import services
from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Message

router = Routes()

MESSAGES_PER_REQUEST = 100  # the caller repeats the request while some are left

_ID = re.compile("[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


@router.get("/v1/dlq", middlewares=READ)
def list_dead_letters() -> Response[Any]:
    """Count the dead letters and show some of them."""
    listing(router)
    letters = dead_letters()
    count = letters.count()  # it says when to stop: only a second of waiting shows that there are no more
    found = letters.list(min(count, MESSAGES_PER_REQUEST))
    return reply({"count": count, "items": [_item(message) for message in found]})


@router.post("/v1/dlq/redrive", middlewares=OPERATE)
def redrive() -> Response[Any]:
    """Send up to a hundred of them again. Harmless twice: what is done already stays done."""
    letters = dead_letters()
    redriven = letters.redrive(MESSAGES_PER_REQUEST)
    return reply({"rung": redriven.notified, "foreign": redriven.left, "left": letters.count()})


def dead_letters() -> DeadLetters:
    """Return the dead letter queue, joined with the queue that its messages go back to."""
    return DeadLetters(services().sqs, services().settings.dlq_url, services().queue)


def _item(message: Message) -> dict[str, object]:
    try:
        body = json.loads(message.body)
    except (ValueError, RecursionError):
        body = None
    named = body if isinstance(body, dict) else {}
    return {
        "messageId": message.id,
        "received": message.received,
        "bytes": len(message.body.encode("utf-8", "replace")),
        "events": _ids(named.get("events")),
        "effects": _ids(named.get("effects")),
    }


def _ids(value: object) -> list[str]:
    """Return the ids among what is named: a message that is not ours may hold anything, at any depth."""
    return [one for one in value if isinstance(one, str) and _ID.fullmatch(one)] if isinstance(value, list) else []
