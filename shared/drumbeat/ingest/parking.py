"""What was buffered for a caller whose API key was revoked meanwhile: kept apart until a person decides about it."""

import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from drumbeat.access.keys import ApiKey
from drumbeat.core.events import Arrival
from drumbeat.ingest import parking_sql, recording
from drumbeat.ingest.door import Door
from drumbeat.ingest.parking_sql import Choice
from drumbeat.ledger.batches import write_apart
from drumbeat.ledger.database import Database
from drumbeat.services import Services

MOST_DECIDED = 100  # of one request: their bodies are copied

_LOG = logging.getLogger(__name__)


class Parked(NamedTuple):
    """What came of parking: how many are new there, and whether the ledger took all."""

    new: int
    whole: bool


class Decided(NamedTuple):
    """How many of the chosen ones a decision took, and how many are left to decide about."""

    decided: int
    left: int


def park(arrivals: Sequence[Arrival], caller: ApiKey, db: Database) -> Parked:
    """Keep events that their caller must not have recorded. Harmless to repeat; what is recorded already is left out.

    Raises:
        psycopg.OperationalError: the ledger is unreachable.
    """
    new, refused = 0, 0

    def write(some: Sequence[Arrival]) -> None:
        nonlocal new
        new += parking_sql.park(db, some, caller=caller.id)

    def refuse(arrival: Arrival, error: Exception) -> None:
        nonlocal refused
        refused += 1
        _LOG.error("not_parked", extra={"event_id": str(arrival.id), "error": type(error).__name__})

    write_apart(write, arrivals, refuse)
    if new:
        _LOG.warning("parked", extra={"events": new, "api_key": caller.id})
    return Parked(new, not refused)


def release(choice: Choice, *, reason: str, actor: str, services: Services) -> Decided:
    """Record chosen events after all, up to MOST_DECIDED of them, and notify workers.

    Harmless to repeat. The decision and the events are one commit; the due entries are set before it, so that the relay
    finds the events whatever happens after it.

    Raises:
        psycopg.OperationalError: the ledger is unreachable; whether they were released is then unknown.
    """
    chosen = parking_sql.undecided_ids(services.db, choice, limit=MOST_DECIDED)
    if chosen:
        recording.announced(
            chosen, Door(services), lambda: parking_sql.release(services.db, chosen, reason=reason, actor=actor)
        )
    return Decided(len(chosen), parking_sql.count(services.db, choice))


def discard(choice: Choice, *, reason: str, actor: str, services: Services) -> Decided:
    """Decide that chosen events are never recorded. They are kept with who decided, when and why."""
    decided = parking_sql.discard(services.db, choice, reason=reason, actor=actor)
    return Decided(decided, parking_sql.count(services.db, choice))


def is_parked(services: Services, event: UUID) -> bool:
    """Return whether an event waits for a decision."""
    return bool(parking_sql.count(services.db, Choice(events=(event,))))
