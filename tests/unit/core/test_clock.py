"""Instants as whole microseconds, as the ledger keeps them in entries and cursors name them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.core.clock import from_microseconds, microseconds


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_to_the_microsecond(moment: datetime) -> None:
    """By floats it would not."""
    assert from_microseconds(microseconds(moment)) == moment


def test_they_count_from_1970_whatever_the_offset() -> None:
    east = timezone(timedelta(hours=2))

    assert microseconds(datetime(1970, 1, 1, 2, 0, 1, 5, tzinfo=east)) == 1_000_005
    assert from_microseconds(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def test_what_lies_beyond_the_calendar_is_an_error() -> None:
    with pytest.raises(OverflowError):
        from_microseconds(10**30)
