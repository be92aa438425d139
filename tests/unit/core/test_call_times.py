"""A call that begins in time ends before its lease, whatever the two times are."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.call_times import CALLS_A_LEASE, MARGIN_SECONDS, CallTimes


@given(call=st.floats(0.1, 60), spare=st.floats(0.001, 600))
def test_a_call_that_begins_in_time_ends_before_its_lease(call: float, spare: float) -> None:
    times = CallTimes(call, timedelta(seconds=CALLS_A_LEASE * call + MARGIN_SECONDS + spare))

    assert times.first_byte_within_seconds > 0
    assert times.first_byte_within_seconds + call < times.lease.total_seconds()


@pytest.mark.parametrize(("call", "lease"), [(10, 34.9), (0, 45), (-1, 45), (float("nan"), 45)])
def test_times_that_do_not_fit_are_refused(call: float, lease: float) -> None:
    with pytest.raises(ValueError, match="needs a lease"):
        CallTimes(call, timedelta(seconds=lease))
