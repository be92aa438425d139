"""Runs that go on by themselves: their steps, and the turns of theirs that were lost."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from drumbeat.core.errors import NotUnderstood
from drumbeat.core.runs import GOING, RunReason, RunState
from drumbeat.relay.open_runs_sql import OpenRun, open_runs
from drumbeat.runs import sql
from drumbeat.runs.advance import CHECK_SECONDS, due_entry
from drumbeat.runs.sql import Run
from drumbeat.runs.turns import start
from drumbeat.services import Services
from drumbeat.wakeups.queue import QueueError

OVERDUE = timedelta(minutes=1)
PLANS_KEPT = timedelta(days=7)  # without being started
_LOG = logging.getLogger(__name__)


def go_on(services: Services) -> int:
    """Wake a worker for each run that has steps to take, start turns that are not expected; return how many runs go on.

    Harmless to repeat: a step is taken once, and a turn that goes on all the same makes the new one end.
    """
    found = open_runs(services.db, plans_kept=PLANS_KEPT)
    runs = sql.get(services.db, [each.id for each in found])
    services.due_index.set(_next_looks(found, services))
    for each in found:
        if each.resumes:
            _move(each, RunState.RUNNING, RunState.PAUSED, RunReason.PAUSE_OVER, services)
        if each.forgotten:
            _move(each, RunState.CANCELLED, RunState.PLANNED, RunReason.NEVER_STARTED, services)
        if each.advances or each.resumes:
            _wake(each, services)
        if runs[each.id].expanded > 0:
            _start(runs[each.id], wakes=each.resumes, services=services)
    return len(found)


def _next_looks(runs: Sequence[OpenRun], services: Services) -> dict[str, float]:
    """Return when to look at runs again: soon where steps are to take, and else when something ends by itself.

    What waits for a person keeps no database awake; turns have entries of their own.
    """
    soon = services.clock.now().timestamp() + CHECK_SECONDS
    looks: dict[str, float] = {}
    for run in runs:
        if run.advances or run.resumes or run.forgotten:
            looks[due_entry(run.id)] = soon
        elif run.ends_at is not None:
            looks[due_entry(run.id)] = run.ends_at.timestamp()
    return looks


def _start(run: Run, *, wakes: bool, services: Services) -> None:
    """Start its turns; without Redis nothing says which are expected, but the ledger that one should have come."""
    overdue = run.state in GOING and run.now - run.expected_at > OVERDUE
    try:
        start(run, services, wakes=wakes, unknown=overdue)
    except NotUnderstood as error:  # of another release: no other run waits for that
        _LOG.error("run_not_understood", extra={"run_id": str(run.id), "reason": str(error)})


def _move(run: OpenRun, to: RunState, of: RunState, reason: RunReason, services: Services) -> None:
    """Move a run unless it has moved on since it was read: its pause may have been prolonged."""
    sql.move(services.db, run.id, to, of=[of], actor="relay", reason=reason, seq=run.seq)


def _wake(run: OpenRun, services: Services) -> None:
    with suppress(QueueError):  # its entry stands: the next minute tries again
        services.queue.notify(events=[run.id])
