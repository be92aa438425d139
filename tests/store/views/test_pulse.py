"""Whether the due index shows that the relay runs."""

from datetime import UTC, datetime, timedelta

import pytest

from drumbeat.core.clock import SystemClock
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.views import pulse
from drumbeat.wakeups.due_index import DueIndex

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def due_index(lean: LeanRedis) -> DueIndex:
    return DueIndex(lean, SystemClock())


def test_a_relay_that_never_ran_has_left_no_time(due_index: DueIndex) -> None:
    assert (pulse(due_index, NOW).next_full, pulse(due_index, NOW).overdue) == (None, 0.0)


def test_work_that_is_still_to_come_is_not_overdue(due_index: DueIndex) -> None:
    later = NOW + timedelta(hours=6)
    due_index.watch(full_at=later.timestamp())
    due_index.set({"effect:1": (NOW + timedelta(seconds=30)).timestamp()})

    assert (pulse(due_index, NOW).next_full, pulse(due_index, NOW).overdue) == (later, 0.0)


def test_the_oldest_entry_that_was_not_checked_counts(due_index: DueIndex) -> None:
    due_index.watch(full_at=(NOW + timedelta(hours=6)).timestamp())
    due_index.set({"effect:1": NOW.timestamp() - 200, "effect:2": NOW.timestamp() - 20})

    assert pulse(due_index, NOW).overdue == 200


@pytest.mark.point(12)
def test_a_full_sweep_that_never_came_is_overdue_too(due_index: DueIndex) -> None:
    due_index.watch(full_at=NOW.timestamp() - 600)

    assert pulse(due_index, NOW).overdue == 600
