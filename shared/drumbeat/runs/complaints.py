"""A run whose mails people call spam is paused, and stopped where there are far too many of them.

Judged when a complaint was recorded, before its event is planned: so a complaint that a dying worker leaves is judged
by the next. A rate says something once it is of 1,000 delivered, or three have complained.
"""

import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from drumbeat.core.runs import RunReason, RunState
from drumbeat.runs import advance, complaints_sql, control, sql
from drumbeat.runs.complaints_sql import Judged
from drumbeat.services import Services

PAUSES_ABOVE = 1_000  # delivered for each complaint: 0.1 %
STOPS_ABOVE = 1_000 / 3  # 0.3 %
LEAST_DELIVERED = 1_000
LEAST_COMPLAINTS = 3
ACTOR = "complaints"

TAKEN = (RunState.EXPANDING, RunState.RUNNING, RunState.PAUSED)
_LOG = logging.getLogger(__name__)


def judge(events: Sequence[UUID], services: Services) -> list[UUID]:
    """Pause or stop the runs of whose mails these events report complaints, where there are too many; return those.

    A run that a person resumed after such a pause is not paused again: only stopped. Harmless to repeat.
    """
    return [run for run in complaints_sql.runs_of(services.db, events) if _judge(run, services)]


def _judge(id: UUID, services: Services) -> bool:
    judged = complaints_sql.complaints(services.db, id)
    if judged.state not in TAKEN:
        return False
    delivered = _delivered(judged, services)
    if delivered is None:
        return False
    return any(_move(judged, delivered, to, services) for to in _consequences(judged, delivered))


def said_of(id: UUID, services: Services) -> str | None:
    """Say how many complained of a run's mails, whether or not it has ended; None: they are not too many."""
    judged = complaints_sql.complaints(services.db, id)
    delivered = _delivered(judged, services)
    too_many = delivered is not None and delivered < judged.complaints * PAUSES_ABOVE
    return f"{judged.complaints:,} of {delivered:,} delivered" if too_many else None


def _delivered(judged: Judged, services: Services) -> int | None:
    """Count what was delivered of a run; None: complaints say nothing of so few, or there are too few of them."""
    if judged.delivered >= judged.complaints * PAUSES_ABOVE:
        return None  # so many are known to be delivered that it is no matter how many more are
    most = 2 * judged.complaints * PAUSES_ABOVE
    delivered = complaints_sql.count_delivered(services.db, judged, most=most)
    return delivered if delivered >= LEAST_DELIVERED or judged.complaints >= LEAST_COMPLAINTS else None


def _consequences(judged: Judged, delivered: int) -> Iterator[RunState]:
    if delivered < judged.complaints * STOPS_ABOVE:
        yield RunState.CANCELLED
    elif delivered < judged.complaints * PAUSES_ABOVE and not judged.paused_before:
        yield RunState.PAUSED


def _move(judged: Judged, delivered: int, to: RunState, services: Services) -> bool:
    said = f"{judged.complaints:,} of {delivered:,} delivered"
    advance.expect_soon(judged.run, services)
    moved = sql.move(services.db, judged.run, to, of=TAKEN, actor=ACTOR, reason=RunReason.COMPLAINTS, detail=said)
    if moved is None:
        return False
    _LOG.error("run_stopped_by_complaints", extra={"run_id": str(judged.run), "state": to.value, "complaints": said})
    if to is RunState.CANCELLED:
        control.go_on(judged.run, services)
    return True
