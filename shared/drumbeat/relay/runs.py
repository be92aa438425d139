"""Runs that go on by themselves: their steps, and the turns of theirs that were lost."""

from contextlib import suppress
from datetime import timedelta

from drumbeat.core.runs import RunReason, RunState
from drumbeat.relay import sql as ledger
from drumbeat.runs import sql
from drumbeat.runs.advance import CHECK_SECONDS, due_entry
from drumbeat.runs.turns import start
from drumbeat.services import Services
from drumbeat.wakeups.queue import QueueError

PLANS_KEPT = timedelta(days=7)  # without being started


def go_on(services: Services) -> int:
    """Wake a worker for each run that has steps to take, start turns that are not expected; return how many runs go on.

    Harmless to repeat: a step is taken once, and a turn that goes on all the same makes the new one end.
    """
    found = ledger.open_runs(services.db, plans_kept=PLANS_KEPT)
    runs = sql.get(services.db, [each.id for each in found])
    now = services.clock.now().timestamp()
    for each in found:
        services.due_index.set({due_entry(each.id): now + CHECK_SECONDS})
        if each.resumes:
            _move(each, RunState.RUNNING, RunState.PAUSED, RunReason.PAUSE_OVER, services)
        if each.forgotten:
            _move(each, RunState.CANCELLED, RunState.PLANNED, RunReason.NEVER_STARTED, services)
        if each.advances:
            _wake(each, services)
        if runs[each.id].expanded > 0:
            start(runs[each.id], services)
    return len(found)


def _move(run: ledger.OpenRun, to: RunState, of: RunState, reason: RunReason, services: Services) -> None:
    sql.move(services.db, run.id, to, of=[of], actor="relay", reason=reason)


def _wake(run: ledger.OpenRun, services: Services) -> None:
    with suppress(QueueError):  # its entry stands: the next minute tries again
        services.queue.notify(events=[run.id])
