"""Runs that go on by themselves: their steps, and the turns of theirs that were lost."""

from drumbeat.core.runs import RunReason, RunState
from drumbeat.relay import sql as ledger
from drumbeat.runs import sql
from drumbeat.runs.advance import CHECK_SECONDS, due_entry
from drumbeat.runs.turns import start
from drumbeat.services import Services
from drumbeat.wakeups.due_index import Due
from drumbeat.wakeups.queue import QueueError


def go_on(services: Services, due: Due, *, full: bool) -> int:
    """Wake a worker for each run that has steps to take, and start turns that are not expected; return of how many runs.

    Harmless to repeat: a step is taken once, and a turn that goes on all the same makes the new one end.
    """
    found = ledger.open_runs(services.db, due.ids("run"), full=full)
    runs = sql.get(services.db, [each.id for each in found])
    now = services.clock.now().timestamp()
    for each in found:
        if each.resumes_at is not None:
            services.due_index.set({due_entry(each.id): each.resumes_at.timestamp()})
            continue
        services.due_index.set({due_entry(each.id): now + CHECK_SECONDS})
        if each.resumes:
            sql.move(
                services.db, each.id, RunState.RUNNING, of=[RunState.PAUSED], actor="relay", reason=RunReason.PAUSE_OVER
            )
        if each.advances:
            _wake(each, services)
        if runs[each.id].expanded > 0 or each.resumes:
            start(runs[each.id], services)
    return len(found)


def _wake(run: ledger.OpenRun, services: Services) -> None:
    try:
        services.queue.notify(events=[run.id])
    except QueueError:
        pass  # its entry stands: the next minute tries again
