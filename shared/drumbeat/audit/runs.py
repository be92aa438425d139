"""Runs compared with what they follow from: the plan with its recipients, the effects with both.

A run is planned by the database, and its recipients are the plan: they are hashed again in the chunks in which they
were gathered. Each recipient gives its effects, and each effect has its recipient, so that a run adds up follows from
both: of each step every person is in exactly one place.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from drumbeat.audit import recipients_sql, runs_sql
from drumbeat.audit.findings_sql import Bounds, Finding
from drumbeat.audit.recipients_sql import PlannedStep
from drumbeat.audit.runs_sql import RunRow
from drumbeat.audit.spans_sql import Span
from drumbeat.audit.verification_sql import PlannedEvent
from drumbeat.audit.violations import Violation, violation
from drumbeat.core import ids
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.events import EventType
from drumbeat.core.runs import RunState
from drumbeat.runs import sql
from drumbeat.runs.configured import configured
from drumbeat.runs.gathering_sql import plan_head
from drumbeat.runs.sql import Run
from drumbeat.services import Services

ENDED = (RunState.FINISHED, RunState.CANCELLED, RunState.MISSED)


@dataclass(frozen=True, slots=True)
class ReadRun:
    """A run, and what its recipients give when they are counted and hashed again."""

    row: RunRow
    people: int
    hash: bytes
    ahead: bool  # there are some in chunks that were not gathered yet


def read(services: Services, span: Span) -> list[ReadRun]:
    """Read the runs among a span's events, and their recipients chunk by chunk."""
    return [_hashed(row, services) for row in runs_sql.of_span(services.db, span)]


def findings(services: Services, span: Span, bounds: Bounds) -> list[Finding]:
    """List what is wrong with the runs of a span, its recipients and effects of runs."""
    steps: list[PlannedStep] = []
    for run in sql.get(services.db, recipients_sql.runs(services.db, span)).values():
        with suppress(NotUnderstood):  # said of the run itself
            steps += steps_of(run, services)
    return [*runs_sql.findings(services.db, span, bounds), *recipients_sql.findings(services.db, span, steps)]


def compare(event: PlannedEvent, read: ReadRun, services: Services) -> Iterator[Violation]:
    """Compare a run with its event, and its plan with its recipients."""
    id, run, erased = event.event.id, read.row.run, event.event.key == ids.erased_key(event.event.id)
    if event.event.id != ids.event_id(event.event.source, event.event.key) and not erased:
        yield violation("event-id", id)
    if event.event.body is None and not erased and (run is None or run.state not in ENDED):
        yield violation("body-missing", id)
    if run is None:
        yield violation("run-other", id, fields="progress is")
        return
    yield from _unlike(event, run, services)
    if read.people != run.matched or read.ahead:
        yield violation("run-count", id, matched=run.matched, found=f"{read.people}{' and more' if read.ahead else ''}")
    elif not _hash_fits(read, run):
        yield violation("run-hash", id)


def _hashed(row: RunRow, services: Services) -> ReadRun:
    people, hash = 0, b""
    if row.run is None:
        return ReadRun(row, people, hash, ahead=False)
    for number in range(row.run.gathered):
        more, digest = runs_sql.recipients(services.db, row.run, number)
        people, hash = people + more, hashlib.sha256(hash + digest).digest()
    return ReadRun(row, people, hash, runs_sql.has_recipients_ahead(services.db, row.run))


def _hash_fits(read: ReadRun, run: Run) -> bool:
    whole = hashlib.sha256(plan_head(run).encode() + read.hash).digest()
    return read.hash == read.row.hash and run.plan_hash in (None, whole)


def _unlike(event: PlannedEvent, run: Run, services: Services) -> Iterator[Violation]:
    """Name what of a run is not as its event, its plan and its version say."""
    pairs: dict[str, tuple[object, object]] = {
        "event": ((event.event.source, event.event.type), (run.campaign, EventType.CAMPAIGN_TRIGGER)),
    }
    if event.hash is not None:
        pairs |= {
            "version": ((event.version, event.semantics), (run.version, run.semantics)),
            "progress": (run.gathered, run.chunks),
        }
    try:
        pairs["steps"] = run.steps, tuple(step.step for step in steps_of(run, services))
    except NotUnderstood as error:
        yield violation("plan-unread", run.id, why=str(error))
    if fields := [name for name, (there, wanted) in pairs.items() if there != wanted]:
        yield violation("run-other", run.id, fields=f"{' and '.join(fields)} {'are' if fields[1:] else 'is'}")


def steps_of(run: Run, services: Services) -> Sequence[PlannedStep]:
    """Return the steps of a run by the version that planned it. Raises NotUnderstood."""
    try:
        _, campaign = configured(run, services)
    except KeyError:  # its version has no such campaign
        return ()
    lists = [step.arguments.get("list") for step in campaign.steps]
    return [
        PlannedStep(run.id, step.id, place, step.account, step.action, list if isinstance(list, str) else None)
        for place, (step, list) in enumerate(zip(campaign.steps, lists, strict=True), 1)
    ]
