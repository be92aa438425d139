"""The order in which an arrival becomes an event: the due entry, the commit, the wake-up message."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from drumbeat.access import keys
from drumbeat.access.keys import ApiKey
from drumbeat.core.events import Arrival
from drumbeat.ingest import feedback_sql
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ingest.door import CONFLICTS, DEGRADED, RECORDED, Door
from drumbeat.ingest.sql import Recorded, Revoked
from drumbeat.ledger.batches import write_apart
from drumbeat.ledger.database import Database
from drumbeat.wakeups.queue import MAX_DELAY_SECONDS, QueueError

EVENT_CHECK_SECONDS = 1  # the relay checks an event that is not finished so soon; see `wakeups/notifier.py`

_LOG = logging.getLogger(__name__)


class Commit(Protocol):
    """A statement that records events, as `ingest.sql.record_all`."""

    def __call__(self, db: Database, arrivals: Sequence[Arrival], /, *, caller: ApiKey | None) -> dict[UUID, Recorded]:
        """Record them in one commit."""


def record(arrival: Arrival, door: Door, *, caller: ApiKey | None = None) -> Recorded:
    """Record one event and notify a worker if it is new.

    A crash between any two steps loses nothing: the due entry is set before the commit, so the relay finds the event.

    Raises:
        Unauthorized: the caller's key was revoked, or never made here.
        psycopg.OperationalError: Postgres is unreachable; whether the event was recorded is then unknown.
    """
    scheduled = _schedule([arrival.id], door)
    try:
        recorded = (
            feedback_sql.record_all(door.services.db, [arrival], caller=caller)[arrival.id]
            if arrival.reported
            else ingest_sql.record(door.services.db, arrival, caller=caller)
        )
    except Revoked:
        raise keys.refused() from None
    if not (arrival.reported and arrival.reported.report.may_wait):  # else opens alone would keep it awake for ever
        door.services.ledger_rest.used()
    if recorded.inserted:
        _notify([arrival.id], door, scheduled=scheduled)
    return recorded


def record_all(
    arrivals: Sequence[Arrival], door: Door, *, caller: ApiKey | None = None, commit: Commit | None = None
) -> list[Recorded | None]:
    """Record many events, as `record` does; of several under one key the first is recorded.

    What has one key is recorded in one `commit`, which is all but webhooks that waited in the buffer; without another
    it is the one that also applies what they report. Returns one
    result for each arrival, in their order; None for one that the ledger refuses, which costs no other its place.
    """
    first: dict[UUID, Arrival] = {}
    for arrival in arrivals:
        first.setdefault(arrival.id, arrival)
    # One that has two keys may be another's repeat, so it is recorded after the others, by itself.
    together = [arrival for arrival in first.values() if arrival.former_key is None]
    scheduled = _schedule([arrival.id for arrival in together], door)
    if commit is None:
        reports = any(arrival.reported for arrival in together)
        commit = feedback_sql.record_all if reports else ingest_sql.record_all
    recorded: dict[UUID, Recorded] = {}
    try:
        write_apart(
            lambda some: recorded.update(commit(door.services.db, some, caller=caller)),
            together,
            _refused,
        )
    except Revoked:
        raise keys.refused() from None
    new = [id for id, one in recorded.items() if one.inserted]
    if new:
        _notify(new, door, scheduled=scheduled)
    for arrival in first.values():
        if arrival.former_key is not None:
            write_apart(lambda one: recorded.update({one[0].id: record(one[0], door)}), [arrival], _refused)
    return [
        one if one is None or first[arrival.id] is arrival else replace(one, inserted=False)
        for arrival in arrivals
        for one in [recorded.get(arrival.id)]
    ]


def announced(events: Sequence[UUID], door: Door, commit: Callable[[], Sequence[UUID]]) -> None:
    """Make a commit that may record these events and returns those that are new, with what goes before and after it."""
    scheduled = _schedule(events, door)
    if new := commit():
        _notify(new, door, scheduled=scheduled)


def keep_conflicts(arrivals: Sequence[Arrival], door: Door) -> None:
    """Keep bodies that came too late for their keys, and count those that were not known yet."""
    kept = ingest_sql.keep_conflicts(door.services.db, arrivals)
    if kept:
        door.count(CONFLICTS, kept)
        _LOG.warning("conflicts_kept", extra={"count": kept})


def _schedule(events: Iterable[UUID], door: Door) -> bool:
    when = door.services.clock.now().timestamp() + EVENT_CHECK_SECONDS
    return door.services.due_index.set({f"event:{event}": when for event in events})


def _notify(new: Sequence[UUID], door: Door, *, scheduled: bool) -> None:
    door.count(RECORDED, len(new))
    try:
        door.services.queue.notify(events=new)
        if not scheduled:
            door.services.queue.notify(events=new, delay=MAX_DELAY_SECONDS)  # instead of the due entry
    except QueueError as error:
        door.count(DEGRADED)
        _LOG.warning("notify_failed", extra={"events": len(new), "reason": str(error)})


def _refused(arrival: Arrival, error: Exception) -> None:
    _LOG.error("not_recorded", extra={"event_id": str(arrival.id), "error": type(error).__name__})
