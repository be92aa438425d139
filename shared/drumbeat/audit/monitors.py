"""The monitors: what was added since they last looked is held against five invariants, as `verify` defines them.

Each reads only what was added, or what is open, so that a look costs what was done and not what ever was. A violation
is recorded once, whatever is seen of it later.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from drumbeat.audit import acceptances, findings_sql, lateness, recipients_sql, verification_sql, watching_sql
from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.recipients_sql import PlannedStep
from drumbeat.audit.runs import steps_of
from drumbeat.audit.watching_sql import Position
from drumbeat.core import status
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.invariants import Invariant
from drumbeat.ledger import violations
from drumbeat.ledger.violations import Found
from drumbeat.observability.unaccounted import unaccounted
from drumbeat.runs import sql as runs_sql
from drumbeat.services import Services

# `verify` names what is two minutes late. What stops an account until a person comes is not a worker that was away for
# five: so long after its time, and so long since the relay began to look minute by minute.
UNKNOWN_LATE = timedelta(minutes=15)
MOST_UNKNOWN = 5_000  # looked at a time
MOVES = tuple(f"{before or ''}>{after}" for before, after in status.ALLOWED)

type HasTime = Callable[[], bool]


def check(services: Services, has_time: HasTime) -> None:
    """Look at what was added since the last look, as far as there is time; what is left is for the next.

    Raises psycopg.Error; what was checked until then is kept.
    """
    position = watching_sql.position(services.db)
    violations.record(services.db, list(_unknown_overdue(position, services)))
    _unaccounted(services, has_time)
    position = _outcomes(position, services, has_time)
    _journal(position, services, has_time)


def _outcomes(position: Position, services: Services, has_time: HasTime) -> Position:
    after = position.outcomes
    while has_time():
        batch, after = watching_sql.outcomes(services.db, position, after)
        violations.record(services.db, list(_duplicates(batch.accepted, services)))
        position = batch.next
        if batch.last:
            break
        watching_sql.keep(services.db, position)
    return position


def _journal(position: Position, services: Services, has_time: HasTime) -> None:
    after = position.journal
    while has_time():
        batch, after = watching_sql.journaled(services.db, position, after)
        found = [*_journal_gaps(batch.effects, services), *_plan_deviations(batch.effects, services)]
        violations.record(services.db, found)
        position = batch.next
        if batch.last:
            break
        watching_sql.keep(services.db, position)
    watching_sql.keep(services.db, position)


def _duplicates(effects: Sequence[UUID], services: Services) -> Iterator[Found]:
    """Yield what was accepted more than once."""
    for known in verification_sql.acceptances_of(services.db, effects) if effects else ():
        with suppress(NotUnderstood):  # `verify` says so
            if doubled := acceptances.judge(known, services):
                mark = f"{known.generation}/{known.answers}/{known.references}/{known.found or 0}"
                facts = {"generation": known.generation, "found": known.found}
                yield Found(Invariant.DUPLICATES, doubled.kind, doubled.id, mark, facts)


def _journal_gaps(effects: Sequence[UUID], services: Services) -> Iterator[Found]:
    """Yield what is missing in a journal, or does not follow from it."""
    for finding in findings_sql.in_journals(services.db, effects, MOVES) if effects else ():
        place = finding.facts.get("seq", finding.facts.get("n", ""))
        yield _of(finding, Invariant.JOURNAL_GAPS, str(place))


def _plan_deviations(effects: Sequence[UUID], services: Services) -> Iterator[Found]:
    """Yield what runs have that was not planned."""
    runs = recipients_sql.runs_of(services.db, effects) if effects else []
    steps: list[PlannedStep] = []
    for run in runs_sql.get(services.db, runs).values() if runs else ():
        with suppress(NotUnderstood):  # said of the run itself
            steps += steps_of(run, services)
    for finding in recipients_sql.deviations(services.db, effects, steps) if steps else ():
        if finding.kind == "plan-deviation":
            yield _of(finding, Invariant.PLAN_DEVIATION)


def _unknown_overdue(position: Position, services: Services) -> Iterator[Found]:
    """Yield unknown outcomes that nothing looks into, though the relay was there for all that time."""
    if position.now - position.since < UNKNOWN_LATE:
        return
    lease = services.settings.times.lease
    findings = findings_sql.unknown(services.db, late=UNKNOWN_LATE, lease=lease, most=MOST_UNKNOWN)
    stuck = {each.id for each in lateness.stuck([each for each in findings if each.kind == "overdue"], services)}
    for finding in findings:
        if finding.kind != "overdue" or finding.id in stuck:
            yield _of(finding, Invariant.UNKNOWN_OVERDUE, str(finding.facts["seq"]))


def _unaccounted(services: Services, has_time: HasTime) -> None:
    """Record runs that do not add up, each before it counts as looked at."""
    for run, people in unaccounted(services, has_time):
        if people:
            facts = {"people": people}
            found = Found(Invariant.UNACCOUNTED_RECIPIENTS, "run-unbalanced", run, str(people), facts, people)
            violations.record(services.db, [found])


def _of(finding: Finding, invariant: Invariant, mark: str = "") -> Found:
    facts: dict[str, Any] = dict(finding.facts)
    return Found(invariant, finding.kind, finding.id, mark, facts)
