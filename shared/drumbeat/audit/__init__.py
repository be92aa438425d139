"""Verify: read the ledger as an auditor would, and name every broken promise that it shows.

The journal is folded and compared with the effects, every event is planned again with the version that planned it, the
effects of runs are compared with their recipients, and what the tables say about each other is checked against the
invariants. Nothing is written or locked; it may run while everything else does. A violation names ids, never secrets or
addresses.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from drumbeat.audit import (
    acceptances,
    findings_sql,
    lateness,
    people_sql,
    plans,
    runs,
    spans_sql,
    stops_sql,
    verification_sql,
)
from drumbeat.audit.findings_sql import Bounds, Finding
from drumbeat.audit.runs import ReadRun
from drumbeat.audit.spans_sql import END, START
from drumbeat.audit.verification_sql import Acceptances, FrozenRequest, PlannedEvent, RecordedEffect
from drumbeat.audit.violations import Violation, of_finding, violation
from drumbeat.core import runs as run_states
from drumbeat.core import status
from drumbeat.core.errors import NotUnderstood
from drumbeat.services import Services

EVENTS_PER_CHUNK = 500
BYTES_PER_CHUNK = 16 * 1024 * 1024  # of the events' bodies
PATIENCE_SECONDS = 20.0  # for one statement over a chunk, which reads much where nothing of it is in memory
STUCK_AFTER = timedelta(minutes=2)  # after its time; with one failure everything has moved by then
RUN_STUCK_AFTER = timedelta(minutes=15)  # it has no worker for so long only where the relay does not come either
MOVES = tuple(f"{before or ''}>{after}" for before, after in status.ALLOWED)
RUN_MOVES = tuple(f"{before or ''}>{after}" for before, after in run_states.ALLOWED)


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was checked."""

    events: int
    effects: int
    attempts: int
    parked: int  # events of a revoked caller that wait for a person: kept, and no violation


@dataclass(frozen=True, slots=True)
class Verified:
    """One chunk's violations. `next` is where the next chunk begins; None: that was all."""

    items: list[Violation]
    checked: Checked
    next: UUID | None


@dataclass(frozen=True, slots=True)
class _Read:
    """One chunk of the ledger as of one instant."""

    events: list[PlannedEvent]
    effects: list[RecordedEffect]
    requests: list[FrozenRequest]
    acceptances: list[Acceptances]
    findings: list[Finding]
    runs: dict[UUID, ReadRun]
    counted: tuple[int, int]  # effects, and their attempts
    parked: int


def verify(services: Services, *, after: UUID | None = None, limit: int = EVENTS_PER_CHUNK) -> Verified:
    """Verify the next events in id order, with all that followed from them.

    Each chunk is seen as it was at one instant. Ids are hashes, so `next` also shows how far through the ledger it is.

    Raises:
        psycopg.OperationalError: the ledger is unreachable.
    """
    lease = services.settings.times.lease
    bounds = Bounds(STUCK_AFTER, lease, MOVES, RUN_STUCK_AFTER, RUN_MOVES)
    with services.db.patient(PATIENCE_SECONDS), spans_sql.snapshot(services.db):
        span = spans_sql.span(services.db, after or START, limit=limit, bytes=BYTES_PER_CHUNK)
        read = _Read(
            verification_sql.events(services.db, span, late=STUCK_AFTER + lease),
            verification_sql.effects(services.db, span),
            verification_sql.frozen(services.db, span),
            verification_sql.acceptances(services.db, span),
            [
                *findings_sql.findings(services.db, span, bounds),
                *people_sql.findings(services.db, span),
                *stops_sql.findings(services.db, span),
                *runs.findings(services, span, bounds),
            ],
            {each.row.id: each for each in runs.read(services, span)},
            findings_sql.counted(services.db, span),
            verification_sql.parked(services.db, span),
        )
    checked = Checked(len(read.events), *read.counted, read.parked)
    return Verified(list(_violations(read, services)), checked, None if span.last == END else span.last)


def _violations(read: _Read, services: Services) -> Iterator[Violation]:
    effects: dict[UUID, list[RecordedEffect]] = defaultdict(list)
    for effect in read.effects:
        effects[effect.event_id].append(effect)
    for event in read.events:
        if run := read.runs.get(event.event.id):
            yield from runs.compare(event, run, services)
        else:
            yield from plans.compare(event, effects[event.event.id], services)
    for request in read.requests:
        if not acceptances.intact(request.frozen, request.hash):
            yield violation("request-altered", request.effect_id, generation=request.generation)
    for known in read.acceptances:
        try:
            doubled = acceptances.judge(known, services)
        except NotUnderstood as error:
            doubled = violation("acceptances-unread", known.effect_id, why=str(error))
        if doubled:
            yield doubled
    yield from (of_finding(finding) for finding in read.findings if finding.kind != "overdue")
    yield from lateness.stuck([finding for finding in read.findings if finding.kind == "overdue"], services)
