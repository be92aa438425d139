"""What is closed in a zone, beside what a clock on the wall shows, in every zone there is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drumbeat.calendar import zone
from drumbeat.calendar.open_hours import OpenHours, next_allowed
from drumbeat.calendar.zones import names
from drumbeat.configuration.quantities import quiet_hours
from drumbeat.core.campaigns import Campaign, QuietHours

ZONES = st.sampled_from(sorted(names()))
MINUTES = st.integers(0, 24 * 60 - 1)
QUIET = st.none() | st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]).map(lambda p: QuietHours(*p))
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))
NIGHT = quiet_hours("21:00-08:00")


def campaign(quiet: QuietHours | None, *, business_days: bool = False) -> Campaign:
    return Campaign("c", None, "UTC", "shift", quiet_hours=quiet, business_days=business_days)


def is_closed(at: datetime, name: str, quiet: QuietHours | None, *, business_days: bool) -> bool:
    """Read it off the wall."""
    wall = at.astimezone(zone(name))
    minute = wall.hour * 60 + wall.minute
    if business_days and wall.weekday() >= 5:
        return True
    if quiet is None:
        return False
    begin, end = quiet
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(ZONES, QUIET, st.booleans(), INSTANTS, st.integers(0, 10 * 1440))
@example("America/New_York", QuietHours(0, 90), False, utc("2026-11-01T04:00"), 600)  # 1:30 comes twice
@example("America/New_York", QuietHours(90, 150), False, utc("2026-03-08T05:00"), 600)  # 2:30 never comes
@example("Australia/Lord_Howe", QuietHours(100, 110), True, utc("2026-04-04T12:00"), 600)  # half an hour back
def test_closed_is_what_the_wall_says(
    name: str, quiet: QuietHours | None, weekdays: bool, at: datetime, minutes: int
) -> None:
    last = at + timedelta(minutes=minutes)

    found = OpenHours(zone(name), quiet, weekdays).closed(at, last)

    assert list(found) == sorted(found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    edges = {edge + step for pair in found for edge in pair for step in (timedelta(), timedelta(microseconds=-1))}
    for each in {at, last, *(each for each in edges if at <= each <= last)}:
        inside = any(since <= each < until for since, until in found)
        assert inside is is_closed(each, name, quiet, business_days=weekdays), each


@given(ZONES, QUIET, st.booleans(), INSTANTS)
def test_the_next_allowed_instant_is_open_and_no_earlier_and_its_own_next(
    name: str, quiet: QuietHours | None, weekdays: bool, at: datetime
) -> None:
    given_ = campaign(quiet, business_days=weekdays)

    found = next_allowed(given_, name, at)

    assert found >= at
    assert not is_closed(found, name, quiet, business_days=weekdays)
    assert next_allowed(given_, name, found) == found
    if not is_closed(at, name, quiet, business_days=weekdays):
        assert found == at


@given(ZONES, QUIET, st.booleans(), st.timedeltas(timedelta(), timedelta(hours=23)), INSTANTS)
def test_what_is_not_closed_waits_for_nothing(
    name: str, quiet: QuietHours | None, weekdays: bool, monday: timedelta, at: datetime
) -> None:
    hours = OpenHours(zone(name), quiet, weekdays, monday)

    waits = [until for since, until in hours.closed(at, at) if since <= at < until]

    assert hours.next(at) == (waits[0] if waits else at)


@given(ZONES, MINUTES, INSTANTS)
def test_without_business_days_it_is_the_first_open_minute(name: str, end: int, at: datetime) -> None:
    quiet = QuietHours((end - 240) % 1440, end)

    found = next_allowed(campaign(quiet), name, at)

    minute = at
    while minute < found:
        assert is_closed(minute, name, quiet, business_days=False)
        minute += timedelta(minutes=7)


@pytest.mark.parametrize(
    ("at", "quiet", "expected"),
    [
        ("2026-06-05T07:00", None, "2026-06-05T07:00"),  # Friday
        ("2026-06-06T07:00", None, "2026-06-08T07:00"),  # Saturday: the same time on Monday
        ("2026-06-07T01:15", None, "2026-06-08T01:15"),
        ("2026-06-05T20:00", NIGHT, "2026-06-08T06:00"),  # Friday, 22:00: Saturday, 8:00; so Monday, 8:00
        ("2026-06-06T20:00", NIGHT, "2026-06-08T06:00"),
        ("2026-06-06T12:00", NIGHT, "2026-06-08T12:00"),
        ("2026-06-07T20:00", NIGHT, "2026-06-08T06:00"),
        ("2026-06-08T20:00", NIGHT, "2026-06-09T06:00"),
    ],
)
def test_weekends_in_berlin(at: str, quiet: QuietHours | None, expected: str) -> None:
    assert next_allowed(campaign(quiet, business_days=True), "Europe/Berlin", utc(at)) == utc(expected)


def test_the_night_on_which_the_clock_goes_forward_ends_at_its_time_on_the_wall() -> None:
    assert next_allowed(campaign(NIGHT), "America/New_York", utc("2026-03-08T06:00")) == utc("2026-03-08T12:00")
    assert next_allowed(campaign(NIGHT), "America/New_York", utc("2026-03-07T06:00")) == utc("2026-03-07T13:00")


def test_a_quiet_time_that_comes_twice_is_quiet_twice() -> None:
    until_half_past_one = campaign(quiet_hours("23:00-01:30"))

    assert next_allowed(until_half_past_one, "America/New_York", utc("2026-11-01T05:15")) == utc("2026-11-01T05:30")
    assert next_allowed(until_half_past_one, "America/New_York", utc("2026-11-01T06:15")) == utc("2026-11-01T06:30")


def test_the_only_open_minute_may_not_exist_for_a_day() -> None:
    but_a_minute = campaign(quiet_hours("02:31-02:30"))

    assert next_allowed(but_a_minute, "America/New_York", utc("2026-03-07T08:00")) == utc("2026-03-09T06:30")
