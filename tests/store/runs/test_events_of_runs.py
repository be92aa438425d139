"""The event of a run in lists of events: its status is that of the run, whose effects are not counted for it."""

from collections.abc import Callable
from uuid import UUID

import pytest

from drumbeat import views
from drumbeat.ledger.database import Database
from tests.store.audit.staged_runs import (
    awaiting,
    cancelled,
    expanding,
    finished,
    paused,
    planned,
    populated,
    running,
)
from tests.store.runs.stage import Stage

STATUSES: tuple[tuple[Callable[[Stage], UUID], str], ...] = (
    (planned, "planned"),
    (awaiting, "planned"),
    (expanding, "in_progress"),
    (running, "in_progress"),
    (paused, "in_progress"),
    (finished, "done"),
    (cancelled, "done"),
)


@pytest.mark.parametrize(("make", "status"), STATUSES)
def test_the_event_of_a_run_has_the_status_of_the_run(
    stage: Stage, owner: Database, monkeypatch: pytest.MonkeyPatch, make: Callable[[Stage], UUID], status: str
) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    populated(stage, owner)

    run = make(stage)

    (item,) = views.events(stage.db, views.EventFilter(status=status)).items
    assert (item.event_id, item.status) == (run, status)
    assert item.effects == 9
