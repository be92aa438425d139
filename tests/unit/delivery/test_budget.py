"""The sizes of a batch and the times of its calls fit each other."""

from math import ceil

from drumbeat.core.call_times import CallTimes
from drumbeat.delivery import budget
from drumbeat.providers.calls import CALLS_AT_ONCE


def test_the_time_asked_for_a_batch_suffices_when_every_call_takes_all_it_may() -> None:
    times = CallTimes()
    controls = CALLS_AT_ONCE  # of searches, one an account
    largest = max(budget.EFFECTS_CLAIMED_WHEN_PLANNED, budget.EFFECTS_PER_BATCH + controls)
    rounds = ceil(largest / CALLS_AT_ONCE)

    assert rounds * times.call_seconds < times.batch_seconds < times.lease.total_seconds()
