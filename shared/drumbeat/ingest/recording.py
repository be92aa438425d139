"""The order in which an arrival becomes an event: the relay's mark, the commit, the doorbell."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from drumbeat.core.errors import Unauthorized
from drumbeat.core.events import Arrival
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.door import CONFLICTS, DEGRADED, RECORDED, Door
from drumbeat.ingest.sql import Recorded, Revoked
from drumbeat.wakeups.queue import QueueError

GRACE = 60  # seconds after which the relay looks for an event that nobody planned
LATE = 900  # seconds: the second memory when the mark could not be set

_LOG = logging.getLogger(__name__)


def record(arrival: Arrival, door: Door, *, caller: str | None = None) -> Recorded:
    """Record one event and ring for it if it is new.

    A crash between any two steps loses nothing: the mark is set before the commit, so the relay finds the event.

    Raises:
        Unauthorized: the caller's key was withdrawn.
        psycopg.OperationalError: Postgres is away; whether the event was recorded is then unknown.
    """
    marked = _mark([arrival], door)
    try:
        verdict = ingest_sql.record(door.services.db, arrival, caller=caller)
    except Revoked:
        raise _withdrawn() from None
    if verdict.inserted:
        _ring([arrival.id], door, marked=marked)
    return verdict


def record_all(arrivals: Sequence[Arrival], door: Door, *, caller: str | None = None) -> list[Recorded]:
    """Record many events in one commit, as `record` does; of several under one key the first is recorded.

    Returns one verdict for each arrival, in their order.
    """
    first: dict[UUID, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.id, arrival)
    marked = _mark(first.values(), door)
    try:
        verdicts = ingest_sql.record_all(door.services.db, list(first.values()), caller=caller)
    except Revoked:
        raise _withdrawn() from None
    new = [id for id, verdict in verdicts.items() if verdict.inserted]
    if new:
        _ring(new, door, marked=marked)
    return [
        verdicts[arrival.id]
        if first[arrival.id] is arrival
        else Recorded(inserted=False, fingerprint=verdicts[arrival.id].fingerprint)
        for arrival in arrivals
    ]


def keep_conflicts(arrivals: Sequence[Arrival], door: Door) -> None:
    """Keep bodies that came too late for their keys, and count those that were not known yet."""
    kept = ingest_sql.keep_conflicts(door.services.db, arrivals)
    if kept:
        door.count(CONFLICTS, kept)
        _LOG.warning("conflicts_kept", extra={"count": kept})


def _mark(arrivals: Iterable[Arrival], door: Door) -> bool:
    when = door.services.clock.now().timestamp() + GRACE
    return door.services.due_index.set({f"event:{arrival.id}": when for arrival in arrivals})


def _ring(new: Sequence[UUID], door: Door, *, marked: bool) -> None:
    door.count(RECORDED, len(new))
    try:
        door.services.queue.notify(events=new)
        if not marked:
            door.services.queue.notify(events=new, delay=LATE)
    except QueueError as error:
        door.count(DEGRADED)
        _LOG.warning("doorbell_failed", extra={"events": len(new), "reason": str(error)})


def _withdrawn() -> Unauthorized:
    return Unauthorized("This API key was withdrawn. Nothing was stored; use another key and send it again.")
