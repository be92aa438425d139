"""The queue of wishes: what people asked for while the ledger was unreachable, recorded before anything else goes on.

A message is JSON: `{"v": 1, "wish": {"kind", "mail", "id", "lists", "receivedAt", "evidence"}}`, with no address.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from drumbeat.core.errors import Unavailable
from drumbeat.ingest.door import BUFFERED, DEGRADED, Door
from drumbeat.ledger.batches import LOCKED, REFUSED
from drumbeat.people.wishes import Taken, Wish, WishKind, record
from drumbeat.services import Services
from drumbeat.wakeups.queue import Message, QueueError

VERSION = 1
NOT_UNDERSTOOD: tuple[type[Exception], ...] = (*REFUSED, ValueError)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of some messages. Only `settled` ones may be deleted; those that are in neither list come back."""

    settled: tuple[Message, ...]
    foreign: tuple[Message, ...]  # could not be parsed, or hold what the ledger refuses: they stay for a person
    recorded: int


def put(wish: Wish, door: Door) -> None:
    """Put a wish into the queue, and let marketing wait for it.

    The flag is set before, so that it stands however soon this process ends; and after, for the relay may have found
    the queue empty in between and cleared it.

    Raises:
        Unavailable: the queue did not take it.
    """
    flag = door.services.wishes_flag
    before = flag.set()
    try:
        door.services.wishes.put(dumps(wish))
    except QueueError:
        raise Unavailable(
            "Neither the ledger nor its queue can take this now. Nothing was changed; please press the button again in "
            "a few minutes."
        ) from None
    after = flag.set()
    door.count(BUFFERED)
    if before is None or after is None:
        door.count(DEGRADED)


def drain(messages: Sequence[Message], services: Services) -> Drained:
    """Record wishes that waited, with the time at which the queue took them. Safe to repeat and to cut anywhere.

    Raises:
        psycopg.OperationalError: Postgres is unreachable (again); all messages stay.
    """
    door = Door(services)
    settled: list[Message] = []
    foreign: list[Message] = []
    recorded = 0
    for message in messages:
        try:
            taken = record(_made(message), door, waited=True)
        except NOT_UNDERSTOOD as error:
            _LOG.error("wish_not_understood", extra={"message_id": message.id, "error": type(error).__name__})
            foreign.append(message)
        except LOCKED:  # it comes back, and its neighbours are recorded meanwhile
            _LOG.warning("wish_locked", extra={"message_id": message.id})
        else:
            settled.append(message)
            recorded += taken is Taken.RECORDED
            if taken is not Taken.RECORDED:
                _LOG.warning("wish_without_effect", extra={"message_id": message.id, "taken": taken.value})
    return Drained(tuple(settled), tuple(foreign), recorded)


def _made(message: Message) -> Wish:
    """Read a message: its wish was made when the queue took it, whatever the clock of its process says."""
    wish = loads(message.body)
    return replace(wish, received_at=message.sent_at or wish.received_at)


def dumps(wish: Wish) -> str:
    """Write a message's body."""
    written = {
        "kind": wish.kind,
        "mail": str(wish.mail),
        "id": str(wish.id),
        "lists": wish.lists,
        "receivedAt": wish.received_at.isoformat(),
        "evidence": dict(wish.evidence),
    }
    return json.dumps({"v": VERSION, "wish": written}, separators=(",", ":"))


def loads(text: str) -> Wish:
    """Read a message's body. Raises ValueError when it is not a wish, or of an unknown version."""
    try:
        message = json.loads(text)
        if message["v"] != VERSION:
            raise ValueError("a wish of another version")
        wish = message["wish"]
        return Wish(
            kind=WishKind(wish["kind"]),
            mail=UUID(wish["mail"]),
            id=UUID(wish["id"]),
            lists=None if wish["lists"] is None else tuple(each and str(each) for each in wish["lists"]),
            received_at=datetime.fromisoformat(wish["receivedAt"]),
            evidence={str(name): str(value) for name, value in wish["evidence"].items()},
        )
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not a wish") from error
