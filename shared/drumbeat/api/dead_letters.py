"""`/v1/dlq`: messages that the worker gave up on. What they name is in the ledger."""

import json
import re
from dataclasses import dataclass

from drumbeat.api.access import OPERATE, READ
from drumbeat.api.query import Listed
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.services import services
from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Message

router = ApiRoutes()

MESSAGES_PER_REQUEST = 100  # the caller repeats the request while some are left

_ID = re.compile("[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message, and the ids that it names."""

    message_id: str
    received: int
    bytes: int
    events: list[str]
    effects: list[str]


@dataclass(frozen=True, slots=True)
class SomeDeadLetters:
    """How many there are, and some of them."""

    count: int
    items: list[DeadLetter]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What was sent again."""

    rung: int
    foreign: int  # messages that are not ours, which stay
    left: int


@router.get("/v1/dlq", middlewares=READ)
def list_dead_letters(_: Listed) -> Answer[SomeDeadLetters]:
    """Count the dead letters and show some of them."""
    letters = dead_letters()
    count = letters.count()  # it says when to stop: only a second of waiting shows that there are no more
    found = letters.list(min(count, MESSAGES_PER_REQUEST))
    return reply(SomeDeadLetters(count, [_item(each) for each in found]))


@router.post("/v1/dlq/redrive", middlewares=OPERATE)
def redrive() -> Answer[Redriven]:
    """Send up to a hundred of them again. Harmless twice: what is done already stays done."""
    letters = dead_letters()
    redriven = letters.redrive(MESSAGES_PER_REQUEST)
    return reply(Redriven(redriven.notified, redriven.left, letters.count()))


def dead_letters() -> DeadLetters:
    """Return the dead letter queue, joined with the queue that its messages go back to."""
    return DeadLetters(services().sqs, services().settings.dlq_url, services().queue)


def _item(message: Message) -> DeadLetter:
    try:
        body = json.loads(message.body)
    except (ValueError, RecursionError):
        body = None
    named = body if isinstance(body, dict) else {}
    size = len(message.body.encode("utf-8", "replace"))
    return DeadLetter(message.id, message.received, size, _ids(named.get("events")), _ids(named.get("effects")))


def _ids(value: object) -> list[str]:
    """Return the ids among what is named: a message that is not ours may hold anything, at any depth."""
    return [one for one in value if isinstance(one, str) and _ID.fullmatch(one)] if isinstance(value, list) else []
