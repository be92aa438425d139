"""Instants of a schedule where clocks jump, in every zone there is."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import tzdata  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.calendar import Calendar, Occurrence, zone
from drumbeat.calendar.walltime import Kind
from drumbeat.calendar.zones import names

FIRST, LAST = date(2020, 1, 1), date(2029, 12, 31)
DAYS = (LAST - FIRST).days + 1
NIGHT = time(2, 30)
WEEK = timedelta(days=7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fired(calendar: Calendar, first: str, last: str) -> list[str]:
    found = calendar.on(date.fromisoformat(first), date.fromisoformat(last))
    return [f"{each.at:%m-%dT%H:%M}Z" for each in found if each.at is not None]


def transitions(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta]]:
    """Yield the last local time of each offset in the ten years, and the step of the clock that follows."""
    at = datetime.combine(FIRST, time(), UTC)
    step = timedelta(minutes=30)
    before = at.astimezone(zone).utcoffset()
    while at.date() <= LAST:
        if (at + WEEK).astimezone(zone).utcoffset() == before:
            at += WEEK  # no zone leaves an offset for less
            continue
        while (after := (at + step).astimezone(zone).utcoffset()) == before:
            at += step
        assert before is not None and after is not None
        yield at.astimezone(zone).replace(tzinfo=None), after - before
        at, before = at + step, after


def distinct() -> Iterator[str]:
    """Yield one name for each way in which clocks went in the ten years: most zones share theirs with others."""
    seen = set()
    for name in sorted(names()):
        one = zone(name)
        behaviour = (datetime.combine(FIRST, time(), one).utcoffset(), *transitions(one))
        if behaviour not in seen:
            seen.add(behaviour)
            yield name


def awkward_times(zone: ZoneInfo) -> set[time]:
    """Return times of day in the middle of every gap and overlap, and one that most zones have no trouble with."""
    middles = set()
    for last, step in transitions(zone):
        edge = last + timedelta(minutes=30)
        middles.add((edge + step / 2 if step > timedelta() else edge - -step / 2).time().replace(second=0))
    return middles | {NIGHT}


@pytest.mark.point(58)
@pytest.mark.timeout(300)
def test_shifted_a_daily_schedule_fires_once_each_day_and_never_early_in_every_zone() -> None:
    for name in distinct():
        for wanted in awkward_times(zone(name)):
            found = list(Calendar(f"cron({wanted.minute} {wanted.hour} * * ? *)", name).on(FIRST, LAST))

            assert len({each.wall.date() for each in found}) == len(found) == DAYS, (name, wanted)
            assert len({each.at for each in found}) == DAYS, (name, wanted)
            for each in found:
                assert each.at is not None and each.local is not None
                assert each.local.replace(tzinfo=None) >= each.wall, (name, each)
                if each.kind is Kind.NEVER:  # not a second later than it must be
                    just_before = (each.at - timedelta(seconds=1)).astimezone(zone(name))
                    assert just_before.replace(tzinfo=None) < each.wall, (name, each)
                else:
                    assert each.local.replace(tzinfo=None) == each.wall, (name, each)


@pytest.mark.point(58)
def test_skipped_it_is_the_shifted_one_without_the_days_whose_time_does_not_exist() -> None:
    for name in ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Nuuk", "Africa/Casablanca"):
        for wanted in awkward_times(zone(name)):
            expression = f"cron({wanted.minute} {wanted.hour} * * ? *)"
            shifted = list(Calendar(expression, name, "shift").on(FIRST, LAST))
            skipping = list(Calendar(expression, name, "skip").on(FIRST, LAST))

            assert [each.at for each in skipping] == [None if e.kind is Kind.NEVER else e.at for e in shifted]


@pytest.mark.point(58)
@pytest.mark.parametrize(
    ("on_gap", "expected"),
    [
        ("shift", ["03-07T07:30Z", "03-08T07:00Z", "03-09T06:30Z"]),
        ("skip", ["03-07T07:30Z", "03-09T06:30Z"]),
    ],
)
def test_the_night_on_which_new_york_has_no_half_past_two(on_gap: str, expected: list[str]) -> None:
    assert fired(Calendar("cron(30 2 * * ? *)", "America/New_York", on_gap), "2026-03-07", "2026-03-09") == expected


@pytest.mark.point(58)
def test_a_time_that_comes_twice_fires_the_first_time_and_says_so() -> None:
    [found] = Calendar("cron(30 1 * * ? *)", "America/New_York").on(date(2026, 11, 1), date(2026, 11, 1))

    assert found.at == utc("2026-11-01T05:30")
    assert found.note == "01:30 comes twice on this day: it fires the first time"


@pytest.mark.point(58)
def test_all_times_in_one_gap_fire_together_once() -> None:
    found = list(Calendar("cron(*/20 1-3 * * ? *)", "America/New_York").on(date(2026, 3, 8), date(2026, 3, 8)))

    assert [f"{each.at:%H:%M}" for each in found] == ["06:00", "06:20", "06:40", "07:00", "07:20", "07:40"]
    assert [each.note is not None for each in found] == [False, False, False, True, False, False]


@pytest.mark.point(58)
def test_a_gap_at_the_end_of_a_day_shifts_to_midnight_and_the_next_day_keeps_its_own() -> None:
    nuuk = Calendar("cron(30 23 * * ? *)", "America/Nuuk")  # 2024-03-30: 23:00 is followed by midnight

    assert fired(nuuk, "2024-03-30", "2024-03-31") == ["03-31T01:00Z", "04-01T00:30Z"]
    assert [f"{e.at:%d %H:%M}" for e in nuuk.between(utc("2024-03-31T01:00"), utc("2024-04-01T00:30"))] == [
        "31 01:00",
        "01 00:30",
    ]


@pytest.mark.point(58)
def test_a_day_that_was_left_out_of_the_calendar_has_no_firing() -> None:
    apia = Calendar("cron(30 9 * * ? *)", "Pacific/Apia")  # no 30 December in 2011

    assert fired(apia, "2011-12-29", "2011-12-31") == ["12-29T19:30Z", "12-30T19:30Z"]


@pytest.mark.point(58)
def test_a_zone_whose_rules_changed_at_a_transition() -> None:
    """There `zoneinfo` is an hour off when asked for the offset of a local time."""
    [found] = Calendar("cron(30 23 * * ? *)", "America/Nuuk").on(date(2023, 10, 28), date(2023, 10, 28))

    assert found.local is not None
    assert (found.at, found.local.isoformat()) == (utc("2023-10-29T01:30"), "2023-10-28T23:30:00-02:00")


@pytest.mark.parametrize(("on_gap", "expected"), [("shift", ["03-08T07:00Z"]), ("skip", [])])
def test_a_single_time_that_does_not_exist(on_gap: str, expected: list[str]) -> None:
    once = Calendar("at(2026-03-08T02:30:00)", "America/New_York", on_gap)

    assert fired(once, "2026-03-01", "2026-03-31") == expected
    assert once.after(utc("2026-03-08T07:00")) is None


def test_a_rate_of_a_day_is_24_hours_also_when_the_clock_jumps() -> None:
    start = utc("2026-03-07T12:00")

    found = list(Calendar("rate(1 day)", "America/New_York", start=start).between(start, utc("2026-03-09T12:00")))

    assert [f"{each.local:%H:%M}" for each in found] == ["07:00", "08:00", "08:00"]


@pytest.mark.point(58)
def test_the_pinned_time_zones_are_used_and_not_the_machines() -> None:
    assert tzdata.IANA_VERSION >= "2026f"
    assert zone("Europe/Berlin") is not ZoneInfo("Europe/Berlin")
    with pytest.raises(LookupError, match="no time zone Mars"):
        zone("Mars")


ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Nuuk", "Asia/Kathmandu", "Africa/Cairo")
EXPRESSIONS = ("cron(0/20 * * * ? *)", "cron(30 2 * * ? *)", "cron(45 23,0 ? * SUN *)", "rate(7 hours)")


@given(
    st.sampled_from(ZONES),
    st.sampled_from(EXPRESSIONS),
    st.sampled_from(["shift", "skip"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),
    st.integers(0, 6 * 1440),
)
def test_every_way_of_asking_gives_the_same_instants(
    name: str, expression: str, on_gap: str, begin: datetime, minutes: int
) -> None:
    calendar = Calendar(expression, name, on_gap)
    first = begin.replace(tzinfo=UTC)
    last = first + timedelta(minutes=minutes)
    margin = timedelta(days=2)

    found = instants(calendar.between(first, last))

    by_date = instants(calendar.on((first - margin).date(), (last + margin).date()))
    assert found == [at for at in by_date if first <= at <= last]
    assert max(Counter(by_date).values(), default=1) == 1
    stepped, at = [], calendar.after(first - timedelta(microseconds=1))
    while at is not None and at.at is not None and at.at <= last:
        stepped.append(at.at)
        at = calendar.after(at.at)
    assert found == stepped


def instants(found: Iterator[Occurrence]) -> list[datetime]:
    return [each.at for each in found if each.at is not None]
