"""A person resumes from the violations of an invariant: they are known from then on, and stop nothing any more."""

from datetime import datetime

from drumbeat.core.invariants import Invariant
from drumbeat.core.runs import RunReason, RunState
from drumbeat.ledger import violations
from drumbeat.runs import control
from drumbeat.runs import sql as runs_sql
from drumbeat.runs.advance import expect_soon
from drumbeat.services import Services


def acknowledge(
    invariant: Invariant, *, reason: str, actor: str, services: Services, seen: datetime | None = None
) -> int:
    """Note that a person has looked at the violations of an invariant found until then; return how many those are.

    Before anything goes on: the relay would stop again what a violation concerns that stands still. The same is not
    found again, another is.
    """
    return violations.resume(services.db, invariant, actor=actor, reason=reason, seen=seen)


def resume_runs(*, reason: str, actor: str, services: Services) -> int:
    """Let the runs go on that stand still for no violation any more; return how many. Harmless to repeat."""
    runs = violations.runs_to_resume(services.db)
    for run in runs:
        expect_soon(run, services)
        runs_sql.move(
            services.db,
            run,
            RunState.RUNNING,
            of=[RunState.PAUSED],
            actor=actor,
            reason=RunReason.PERSON,
            detail=reason,
        )
        control.go_on(run, services)
    return len(runs)
