"""One look of the relay: the monitors, what violations stop, the snapshot, and of what the owner is to be told.

What is stopped follows from the violations that stand, at each look anew: so a look may be cut anywhere, and what a
person let go on by its run or account stands still again, until they resume from the invariant.
"""

import logging
from collections.abc import Callable, Sequence

from drumbeat.audit import monitors
from drumbeat.audit.findings_sql import Finding
from drumbeat.audit.violations import of_finding
from drumbeat.core.runs import GOING, RunReason, RunState
from drumbeat.ledger import stops, violations
from drumbeat.ledger.violations import Standing
from drumbeat.observability import snapshot
from drumbeat.runs import sql as runs_sql
from drumbeat.runs.advance import expect_soon
from drumbeat.services import Services
from drumbeat.wakeups.due_index import AGAIN, account_entry

ACTOR = "monitor"
RESUMED = "a person has resumed from what it was stopped for"

_LOG = logging.getLogger(__name__)


def look(services: Services, has_time: Callable[[], bool]) -> list[int]:
    """Look at what was done since the last look; return the violations of which the owner is to be told.

    Raises psycopg.Error; the next look goes on from where this one came to.
    """
    monitors.check(services, has_time)
    standing = violations.standing(services.db)
    _stop(standing, services)
    _let_go(services)
    new = [each for each in standing if not each.told]
    if has_time():
        snapshot.keep(services, surely=bool(new))
    for each in new:
        _LOG.error("invariant_violated", extra=_described(each))
    return [each.id for each in new]


def told(ids: Sequence[int], services: Services) -> None:
    """Note that the owner was told: not again of these."""
    violations.told(services.db, ids)


def _stop(standing: Sequence[Standing], services: Services) -> None:
    """Stop what violations concern. Harmless to repeat: what is stopped for the same invariant stays as it is."""
    stand = {(stop.account, stop.invariant) for stop in stops.in_force(services.db)}
    for each in standing:
        if each.run_id is None and (each.account, each.invariant) not in stand:
            stand.add((each.account, each.invariant))
            stops.stop(services.db, each.account, reason=_sentence(each), actor=ACTOR, invariant=each.invariant)
    runs = {each.run_id: each.invariant for each in standing if each.run_id is not None}
    for run in runs_sql.get(services.db, list(runs)).values() if runs else ():
        if run.state in GOING:  # what a person has paused stands still as it is; once it goes on, it is stopped then
            runs_sql.move(
                services.db,
                run.id,
                RunState.PAUSED,
                of=GOING,
                actor=ACTOR,
                reason=RunReason.INVARIANT,
                detail=runs[run.id],
                seq=run.seq,
            )


def _let_go(services: Services) -> None:
    """Let go on what stands still for no violation any more: a person resumed, and what they asked for was cut."""
    standing = violations.standing(services.db)  # as it is now: a person may have resumed a moment ago
    held = {(each.account, each.invariant) for each in standing if each.run_id is None}
    for stop in stops.in_force(services.db):
        if stop.invariant is not None and stop.actor == ACTOR and (stop.account, stop.invariant) not in held:
            stops.lift(services.db, stop.account, reason=RESUMED, actor=ACTOR, invariant=stop.invariant)
            entry = account_entry(stop.account) if stop.account is not None else AGAIN
            services.due_index.set({entry: services.clock.now().timestamp()})
    for run in violations.runs_to_resume(services.db):
        expect_soon(run, services)
        runs_sql.move(
            services.db,
            run,
            RunState.RUNNING,
            of=[RunState.PAUSED],
            actor=ACTOR,
            reason=RunReason.PERSON,
            detail=RESUMED,
        )


def _described(each: Standing) -> dict[str, object]:
    return {
        "invariant": each.invariant.value,
        "kind": each.kind,
        "subject": str(each.subject),
        "account": each.account,
        "run_id": str(each.run_id) if each.run_id else None,
        "sentence": _sentence(each),
    }


def _sentence(each: Standing) -> str:
    return of_finding(Finding(each.kind, each.subject, each.facts)).sentence
