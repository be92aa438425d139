"""The sizes and times of a batch fit each other."""

from math import ceil

from drumbeat.delivery import budget
from drumbeat.providers.calls import CALL_BUDGET_SECONDS, CALLS_AT_ONCE


def test_the_time_asked_for_a_batch_suffices_when_every_call_takes_all_it_may() -> None:
    controls = CALLS_AT_ONCE  # of searches, one an account
    largest = max(budget.EFFECTS_CLAIMED_WHEN_PLANNED, budget.EFFECTS_PER_BATCH + controls)
    rounds = ceil(largest / CALLS_AT_ONCE)

    assert rounds * CALL_BUDGET_SECONDS < budget.BATCH_SECONDS < budget.LEASE.total_seconds()


def test_a_call_that_begins_in_time_ends_before_its_lease() -> None:
    assert budget.FIRST_BYTE_WITHIN_SECONDS > 0
    assert budget.LEASE.total_seconds() > budget.FIRST_BYTE_WITHIN_SECONDS + CALL_BUDGET_SECONDS
