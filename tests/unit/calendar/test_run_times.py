"""When a run reaches people, in every zone there is: at their local time, outside what is closed, at the pace."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.calendar import zone
from drumbeat.calendar.run_times import LONGEST_RUN, NO_LOCAL_TIME, TooSlow, ZoneTimes, due, moment, run_times
from drumbeat.calendar.zones import names
from drumbeat.core.campaigns import Campaign, QuietHours
from drumbeat.core.steps import Limit
from tests.conftest import VECTORS
from tests.unit.calendar.test_open_hours import MINUTES, NIGHT, QUIET, ZONES, is_closed, utc

DIGEST = Campaign("digest", "cron(0 9 ? * MON *)", "recipient", "shift", fallback_timezone="Europe/Berlin")
NINE = datetime(2026, 3, 30, 9)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
WALLS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0))
KEYS = st.binary(min_size=4, max_size=32)
SECOND = timedelta(seconds=1)


def times(
    people: Mapping[str, int], when: datetime = NINE, *, not_before: datetime = LONG_AGO, **changes: object
) -> dict[str, ZoneTimes]:
    found = run_times(replace(DIGEST, **changes), people, when, not_before=not_before)  # type: ignore[arg-type]
    assert len(found) == len(people) == len({each.zone for each in found})
    return {each.zone: each for each in found}


def key(fraction: float) -> bytes:
    return int(fraction * 2**32).to_bytes(4) + b"the rest of it is not looked at"


def shown(each: ZoneTimes, name: str | None = None) -> str:
    return f"{each.start.astimezone(zone(name or each.zone)):%Y-%m-%d %H:%M}"


# ---------------------------------------------------------------- local times


def test_every_zone_has_it_once_at_its_own_local_time() -> None:
    found = times(dict.fromkeys(names(), 1))

    assert found.keys() == names()
    assert {shown(each) for each in found.values()} == {"2026-03-30 09:00"}
    starts = [each.start for each in found.values()]
    assert starts == sorted(starts)
    assert (starts[0], starts[-1]) == (utc("2026-03-29T19:00"), utc("2026-03-30T21:00"))  # UTC+14, UTC-12


@given(ZONES, WALLS)
def test_what_the_wall_shows_is_the_time_itself_or_the_first_after_a_gap(name: str, wall: datetime) -> None:
    (found,) = times({name: 1}, wall).values()

    shows = found.start.astimezone(zone(name)).replace(tzinfo=None)
    before = (found.start - SECOND).astimezone(zone(name)).replace(tzinfo=None)
    assert shows >= wall > before
    (skipping,) = times({name: 1}, wall, on_gap="skip").values()
    assert skipping.start == found.start
    assert skipping.left_out == (None if shows == wall else NO_LOCAL_TIME)


@given(ZONES, WALLS)
def test_no_zone_reaches_a_local_time_before_the_campaign_fires(name: str, wall: datetime) -> None:
    (fired,) = times({DIGEST.firing_zone: 1}, wall).values()
    (found,) = times({name: 1}, wall).values()

    assert found.start >= fired.start
    assert moment(DIGEST, fired.start, fired.start) == wall


def test_the_published_nights_on_which_clocks_change() -> None:
    file = VECTORS / "dst.json"
    if not file.exists():
        pytest.skip(f"{VECTORS}/dst.json is not there; DRUMBEAT_VECTORS names its folder")
    checked = 0
    for case in json.loads(file.read_text())["cases"]:
        if case["schedule"]["kind"] == "rate":
            continue
        minute, hour = map(int, case["schedule"]["cron"].removeprefix("cron(").split()[:2])
        expected = {datetime.fromisoformat(each).astimezone(UTC) for each in case["expected_utc"]}
        for day in case["local_dates"]:
            wall = datetime.fromisoformat(day).replace(hour=hour, minute=minute)
            (found,) = times({case["zone"]: 1}, wall, on_gap="skip").values()
            assert (found.start in expected) is (found.left_out is None), (case["zone"], day)
            checked += 1
    assert checked > 100


def test_a_day_that_was_left_out_of_the_calendar_leaves_its_people_out() -> None:
    (found,) = times({"Pacific/Apia": 1}, datetime(2011, 12, 30, 9)).values()

    assert found.left_out == NO_LOCAL_TIME


def test_a_zone_that_is_missing_or_unknown_has_the_fallback() -> None:
    found = times({"": 5, "Mars/Olympus": 2, "Europe/Berlin": 1})

    assert {each.start for each in found.values()} == {utc("2026-03-30T07:00")}


def test_one_instant_is_the_same_for_everyone() -> None:
    at = utc("2026-03-30T12:34")

    assert {each.start for each in times(dict.fromkeys(names(), 1), at).values()} == {at}


@pytest.mark.parametrize(
    ("campaign", "scheduled", "expected"),
    [
        (DIGEST, utc("2026-03-29T19:00"), NINE),
        (DIGEST, None, utc("2026-03-30T12:00")),
        (replace(DIGEST, timezone="Europe/Berlin"), utc("2026-03-30T07:00"), utc("2026-03-30T07:00")),
    ],
)
def test_a_firing_is_for_a_local_time_or_an_instant(
    campaign: Campaign, scheduled: datetime | None, expected: datetime
) -> None:
    assert moment(campaign, scheduled, utc("2026-03-30T12:00")) == expected


def test_what_begins_late_is_due_at_once_and_remembers_when_it_should_have_been() -> None:
    late = utc("2026-03-30T10:00")

    found = times({"Europe/Berlin": 1, "America/Lima": 1}, not_before=late)

    assert (found["Europe/Berlin"].start, found["Europe/Berlin"].at) == (late, utc("2026-03-30T07:00"))
    assert found["America/Lima"].start == found["America/Lima"].at == utc("2026-03-30T14:00")


def test_of_zones_that_begin_late_together_the_one_whose_time_came_first_is_first() -> None:
    found = times(
        {"Europe/Berlin": 60, "Pacific/Auckland": 60, "Asia/Tokyo": 60},
        not_before=utc("2026-03-30T08:00"),
        pace=Limit(1, 60, None),
    )

    assert list(found) == ["Pacific/Auckland", "Asia/Tokyo", "Europe/Berlin"]


# ---------------------------------------------------------------- closed times


def test_what_falls_into_quiet_hours_has_their_end_in_each_zone() -> None:
    found = times({"Europe/Berlin": 1, "America/Lima": 1, "Asia/Tokyo": 1}, utc("2026-06-01T16:00"), quiet_hours=NIGHT)

    assert {name: shown(each) for name, each in found.items()} == {
        "Europe/Berlin": "2026-06-01 18:00",
        "America/Lima": "2026-06-01 11:00",
        "Asia/Tokyo": "2026-06-02 08:00",  # it was 1:00
    }
    assert found["Asia/Tokyo"].at == found["Asia/Tokyo"].start


def test_a_weekend_is_monday_at_the_same_time() -> None:
    found = times({"Europe/Berlin": 1, "Pacific/Honolulu": 1}, datetime(2026, 3, 28, 9), business_days=True)

    assert {shown(each) for each in found.values()} == {"2026-03-30 09:00"}


def test_a_run_that_begins_late_at_night_waits_for_the_morning() -> None:
    found = times({"Europe/Berlin": 1}, not_before=utc("2026-03-30T22:00"), quiet_hours=NIGHT)

    assert shown(found["Europe/Berlin"]) == "2026-03-31 08:00"


@given(ZONES, WALLS, QUIET, st.booleans(), st.none() | st.integers(1, 5000), st.integers(1, 20_000), st.lists(KEYS))
def test_no_one_is_mailed_in_a_closed_time_or_early_and_later_keys_are_no_earlier(
    name: str,
    wall: datetime,
    quiet: QuietHours | None,
    weekdays: bool,
    rate: int | None,
    people: int,
    keys: list[bytes],
) -> None:
    pace = Limit(rate * 1000, 3600, None) if rate else None
    (found,) = times({name: people}, wall, quiet_hours=quiet, business_days=weekdays, pace=pace).values()

    at = [due(found, each) for each in sorted(keys)]

    assert found.at <= found.start
    for each in at:
        assert each >= found.start
        assert not is_closed(each, name, quiet, business_days=weekdays)
    assert at == sorted(at)


@given(WALLS, st.sampled_from([NIGHT, None]), st.integers(0, 23 * 60))
def test_without_a_pace_all_of_a_zone_have_it_together(wall: datetime, quiet: QuietHours | None, minutes: int) -> None:
    for each in times(dict.fromkeys(sorted(names())[::37], 1000), wall, quiet_hours=quiet).values():
        assert (each.span, each.closed) == (0, ())
        assert due(each, key(minutes / 1440)) == each.start


# ---------------------------------------------------------------- pace


def test_zones_queue_in_the_order_of_their_instants() -> None:
    found = times({"Europe/Berlin": 500, "Europe/London": 1000, "America/Lima": 10}, pace=Limit(250, 3600, None))

    assert list(found) == ["Europe/Berlin", "Europe/London", "America/Lima"]
    assert [f"{each.start:%d %H:%M}" for each in found.values()] == ["30 07:00", "30 09:00", "30 14:00"]
    assert [each.span for each in found.values()] == [2 * 3600 * 10**6, 4 * 3600 * 10**6, 144 * 10**6]


def test_a_queue_that_reaches_into_the_night_goes_on_in_the_morning() -> None:
    found = times({"Europe/Berlin": 1400}, pace=Limit(100, 3600, None), quiet_hours=NIGHT)["Europe/Berlin"]

    assert found.closed == ((utc("2026-03-30T19:00"), utc("2026-03-31T06:00")),)
    assert due(found, key(0.5)) == utc("2026-03-30T14:00")
    assert due(found, key(13 / 14)) == utc("2026-03-31T06:00")


def test_what_comes_to_a_weekend_by_its_pace_goes_on_on_monday_at_the_time_of_the_campaign() -> None:
    found = times({"Europe/Berlin": 2000}, datetime(2026, 6, 5, 9), pace=Limit(100, 3600, None), business_days=True)

    assert [f"{due(found['Europe/Berlin'], key(each)):%a %H:%M}" for each in (0, 0.5, 0.75)] == [
        "Fri 07:00",
        "Fri 17:00",
        "Mon 07:00",
    ]


@given(
    st.dictionaries(ZONES, st.integers(1, 3000), min_size=1, max_size=12), WALLS, st.integers(200, 5000), QUIET, MINUTES
)
def test_the_pace_holds_in_every_hour_but_right_behind_a_closed_time(
    people: dict[str, int], wall: datetime, rate: int, quiet: QuietHours | None, offset: int
) -> None:
    found = list(times(people, wall, quiet_hours=quiet, pace=Limit(rate, 3600, None)).values())
    ends = {until for each in found for _, until in each.closed}

    instants = sorted(
        at
        for each in found
        for place in range(people[each.zone])
        if (at := due(each, (place * 2**32 // people[each.zone]).to_bytes(4))) not in ends
    )

    for first, beyond in pairwise(instants[:: rate + len(found) + 1]):
        assert beyond - first >= timedelta(hours=1) - SECOND
    assert all(later.start >= earlier.start for earlier, later in pairwise(found))


def test_a_zone_of_no_one_and_one_that_is_left_out_take_no_time() -> None:
    found = times(
        {"America/New_York": 1000, "Europe/Berlin": 0, "America/Lima": 100},
        datetime(2026, 3, 8, 2, 30),
        on_gap="skip",
        pace=Limit(1, 60, None),
    )

    assert {name: (each.span > 0, each.left_out) for name, each in found.items()} == {
        "Europe/Berlin": (False, None),
        "America/New_York": (False, NO_LOCAL_TIME),
        "America/Lima": (True, None),
    }
    assert shown(found["America/Lima"]) == "2026-03-08 02:30"


def test_a_pace_at_which_it_would_never_end_is_refused() -> None:
    with pytest.raises(TooSlow, match="the run would take 68 days, and 60 are the most"):
        times({"Europe/Berlin": 1000, "Europe/London": 1000}, pace=Limit(29, 86_400, None))

    assert (
        times({"Europe/Berlin": 60 * 29}, pace=Limit(29, 86_400, None))["Europe/Berlin"].span
        == LONGEST_RUN // SECOND * 10**6
    )


# ---------------------------------------------------------------- the formula that a database has as well


@given(KEYS, st.integers(0, LONGEST_RUN // timedelta(microseconds=1)))
def test_where_a_person_stands_is_a_fraction_of_the_span_rounded_down_without_floats(given_: bytes, span: int) -> None:
    times = ZoneTimes("UTC", LONG_AGO, span, (), None, LONG_AGO)
    first_four = int.from_bytes(given_[:4])

    offset = (due(times, given_) - LONG_AGO) // timedelta(microseconds=1)

    assert offset * 2**32 <= first_four * span < (offset + 1) * 2**32
    assert 0 <= offset < max(span, 1)
