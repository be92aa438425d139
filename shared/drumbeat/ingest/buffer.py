"""The buffer queue: where verified events wait while Postgres is unreachable, and how they are recorded then.

A message is JSON: `{"v": 1, "arrivals": [{"source", "key", "type", "door", "fingerprint", "scheduledAt",
"receivedAt", "body", "packed", "newKey", "trace"}], "caller": {"id", "scopes"}}`, the body in base64, and packed by
zlib if it is large. A delivery that the release before knows by another key has that one as `key`, which that release
reads, and its own as `newKey`. A webhook has no caller, and what the release before buffered names none.
"""

import json
import logging
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from drumbeat.access.keys import ApiKey
from drumbeat.core import ids
from drumbeat.core.errors import Unauthorized, Unavailable
from drumbeat.core.events import Arrival, EventType
from drumbeat.ingest import parking, recording, returns
from drumbeat.ingest.door import BUFFERED, Door
from drumbeat.ingest.receipt import BUFFERED as STATUS
from drumbeat.ingest.receipt import Receipt
from drumbeat.ledger.batches import LOCKED, REFUSED
from drumbeat.planning.reports import reported, speaks
from drumbeat.services import Services
from drumbeat.wakeups.queue import Message, Queue, QueueError

VERSION = 1
MAX_MESSAGE_BYTES = 1024 * 1024  # SQS's limit
PACK_ABOVE_BYTES = 256 * 1024  # of a body
NOT_UNDERSTOOD: tuple[type[Exception], ...] = (*REFUSED, ValueError)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Buffered:
    """What one message holds: events of one caller, whose API key is judged again when they are recorded."""

    arrivals: tuple[Arrival, ...]
    caller: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of some messages. Only `settled` ones may be deleted; those that are in neither list come back."""

    settled: tuple[Message, ...]
    foreign: tuple[Message, ...]  # could not be parsed, or hold what the ledger refuses: they stay for a person
    recorded: int
    parked: int = 0  # of a caller whose key was revoked meanwhile; settled, too


def put(
    arrivals: Sequence[Arrival], door: Door, *, caller: ApiKey | None = None, queue: Queue | None = None
) -> list[Receipt]:
    """Put verified events into the buffer, or another queue, as few messages as possible.

    Raises:
        Unavailable: the queue did not take them all. Some may be in it; sending all again is harmless.
    """
    try:
        for message in _messages(Buffered(tuple(arrivals), caller)):
            (queue or door.services.buffer).put(message)
    except QueueError:
        raise Unavailable(
            "Neither the ledger nor its buffer can take events now. Nothing is promised; send the same request with "
            "the same idempotency key again."
        ) from None
    door.count(BUFFERED, len(arrivals))
    return [Receipt(arrival.id, STATUS) for arrival in arrivals]


def drain(messages: Sequence[Message], services: Services) -> Drained:
    """Record what waited in the buffer, with the time of its first arrival: no later than the buffer took it.

    Safe to repeat and to cut anywhere. An event whose key was taken by another body meanwhile keeps both bodies. A
    form's post whose key is known is another event where its person had left the list in between. What a caller sent
    whose API key was revoked meanwhile, or never made here, is parked for a person to decide about.

    Raises:
        psycopg.OperationalError: Postgres is unreachable (again); all messages stay.
    """
    door = Door(services)
    settled: list[Message] = []
    foreign: list[Message] = []
    recorded = parked = 0
    for message in messages:
        try:
            stored = _store(_arrived(message), door)
        except NOT_UNDERSTOOD as error:
            _LOG.error("buffer_not_understood", extra={"message_id": message.id, "error": type(error).__name__})
            foreign.append(message)
        except LOCKED:  # it comes back, and its neighbours are recorded meanwhile
            _LOG.warning("buffer_locked", extra={"message_id": message.id})
        else:
            recorded += stored.inserted
            parked += stored.parked
            (settled if stored.whole else foreign).append(message)
    return Drained(tuple(settled), tuple(foreign), recorded, parked)


def dumps(buffered: Buffered) -> str:
    """Write a message's body."""
    message: dict[str, object] = {"v": VERSION, "arrivals": [_written(arrival) for arrival in buffered.arrivals]}
    if buffered.caller is not None:
        message["caller"] = {"id": buffered.caller.id, "scopes": sorted(buffered.caller.scopes)}
    return json.dumps(message, separators=(",", ":"))


def loads(text: str) -> Buffered:
    """Read a message's body. Raises ValueError when it is not a buffered message, or of an unknown version."""
    try:
        message = json.loads(text)
        if message["v"] != VERSION:
            raise ValueError("a buffered message of another version")
        caller = message.get("caller")
        return Buffered(
            tuple(_read(entry) for entry in message["arrivals"]),
            caller and ApiKey(str(caller["id"]), frozenset(map(str, caller["scopes"]))),
        )
    except (TypeError, KeyError, AttributeError, RecursionError, zlib.error) as error:
        raise ValueError("not a buffered message") from error


def _arrived(message: Message) -> Buffered:
    """Read a message: nothing in it arrived after the buffer took it, whatever the clock of its process says."""
    buffered = loads(message.body)
    if (latest := message.sent_at) is None:
        return buffered
    arrivals = (replace(arrival, received_at=min(arrival.received_at, latest)) for arrival in buffered.arrivals)
    return replace(buffered, arrivals=tuple(arrivals))


class _Stored(NamedTuple):
    inserted: int
    whole: bool  # the ledger refused none
    parked: int = 0


def _store(buffered: Buffered, door: Door) -> _Stored:
    arrivals, caller = _with_reports(buffered.arrivals, door), buffered.caller
    try:
        pairs = list(zip(arrivals, recording.record_all(arrivals, door, caller=caller), strict=True))
    except Unauthorized:
        assert caller is not None  # otherwise there is no key to refuse
        parked = parking.park(arrivals, caller, door.services.db)
        return _Stored(0, parked.whole, parked.new)
    recording.keep_conflicts([it for it, one in pairs if one and one.fingerprint != it.fingerprint], door)
    known = [it for it, one in pairs if one and not one.inserted]
    back = [again for it in known if (again := returns.came_back(it, door.services))]
    every = [*(one for _, one in pairs), *recording.record_all(back, door)]
    return _Stored(sum(one is not None and one.inserted for one in every), None not in every)


def _with_reports(arrivals: Sequence[Arrival], door: Door) -> list[Arrival]:
    """Return the events with what they report, as far as is known now: else it is applied when they are planned."""
    if not any(arrival.type == EventType.FEEDBACK for arrival in arrivals):
        return list(arrivals)
    try:
        sources = door.catalog.sources()
    except Unavailable:
        return list(arrivals)
    return [
        one
        for arrival in arrivals
        for source in [sources.get(arrival.source)]
        for one in (reported(arrival, source) if source and speaks(source, arrival) else [arrival])
    ]


def _messages(buffered: Buffered) -> Iterator[str]:
    message, arrivals = dumps(buffered), buffered.arrivals
    if len(message) <= MAX_MESSAGE_BYTES:  # ASCII: characters are bytes
        yield message
    elif len(arrivals) > 1:
        half = len(arrivals) // 2
        yield from _messages(replace(buffered, arrivals=arrivals[:half]))
        yield from _messages(replace(buffered, arrivals=arrivals[half:]))
    else:
        raise Unavailable(
            "The ledger is unreachable, and this delivery is too large to buffer. Nothing was stored; send it later."
        )


def _written(arrival: Arrival) -> dict[str, object]:
    packed = len(arrival.body) > PACK_ABOVE_BYTES
    return {
        "source": arrival.source,
        "key": arrival.former_key or arrival.key,
        "type": arrival.type,
        "door": arrival.door,
        "fingerprint": arrival.fingerprint.hex(),
        "scheduledAt": arrival.scheduled_at.isoformat() if arrival.scheduled_at else None,
        "receivedAt": arrival.received_at.isoformat(),
        "body": b64encode(zlib.compress(arrival.body) if packed else arrival.body).decode(),
        "packed": packed,
        **({"newKey": arrival.key} if arrival.former_key else {}),
        **({"trace": arrival.trace.hex()} if arrival.trace else {}),
    }


def _read(entry: dict[str, Any]) -> Arrival:
    body = b64decode(entry["body"], validate=True)
    key = entry.get("newKey", entry["key"])
    return Arrival(
        id=ids.event_id(entry["source"], key),
        source=entry["source"],
        key=key,
        type=entry["type"],
        door=entry["door"],
        fingerprint=bytes.fromhex(entry["fingerprint"]),
        scheduled_at=datetime.fromisoformat(entry["scheduledAt"]) if entry["scheduledAt"] else None,
        received_at=datetime.fromisoformat(entry["receivedAt"]),
        body=zlib.decompress(body) if entry["packed"] else body,
        former_key=entry["key"] if key != entry["key"] else None,
        trace=bytes.fromhex(entry["trace"]) if "trace" in entry else None,
    )
