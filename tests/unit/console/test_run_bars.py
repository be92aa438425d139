"""The bar of a run: its parts are as wide as their people, side by side, and add up."""

from datetime import UTC, datetime, timedelta

import pytest

from drumbeat.console.run_bars import WIDTH, bar
from drumbeat.console.runs import LONGEST_CHART, hours_of
from drumbeat.console.texts import clock_of
from drumbeat.views.hours import HourCount
from drumbeat.views.run_totals import StepTotals

TOTALS = StepTotals(
    step="mail",
    matched=100,
    left_out={"suppressed": 3, "no_consent": 7},
    not_expanded=5,
    waiting=10,
    in_flight=8,
    unknown=3,
    held=2,
    accepted=50,
    refused=4,
    refused_for={"refused_by_provider": 4},
    cancelled={"expired": 11},
)
NINE = datetime(2026, 11, 30, 9, tzinfo=UTC)


def test_all_parts_add_up_to_the_audience_and_to_the_whole_width() -> None:
    made = bar(TOTALS)

    assert sum(part.people for part in made.parts) == made.matched == 100
    assert sum(part.width for part in made.parts) == pytest.approx(WIDTH)
    assert {part.place: part.people for part in made.parts} == {
        "accepted": 50,
        "refused": 4,
        "cancelled": 11,
        "held": 2,
        "unknown": 3,
        "flying": 5,
        "waiting": 10,
        "ahead": 5,
        "out": 10,
    }


def test_each_part_begins_where_the_one_before_it_ends() -> None:
    at = 0.0
    for part in bar(TOTALS).parts:
        assert part.x == pytest.approx(at)
        at += part.width


def test_why_people_got_none_is_said_the_most_of_each_kind_first() -> None:
    whys = [(why.place, why.code, why.people, why.left_out) for why in bar(TOTALS).whys]

    assert whys == [
        ("refused", "refused_by_provider", 4, False),
        ("cancelled", "expired", 11, False),
        ("out", "no_consent", 7, True),
        ("out", "suppressed", 3, True),
    ]


def test_a_run_for_no_one_has_a_bar_without_parts() -> None:
    assert {part.width for part in bar(StepTotals(step="mail", matched=0)).parts} == {0}


def counted(hours: int, account: str = "mail", accepted: int = 1) -> HourCount:
    return HourCount(NINE + timedelta(hours=hours), account, True, accepted, 0, 0, 0, 0, accepted)


def test_hours_add_up_their_accounts_and_those_without_anything_are_there_too() -> None:
    hours = hours_of([counted(0), counted(0, "post", 2), counted(3)])

    assert [(hour["hour"], hour["accepted"]) for hour in hours] == [
        (NINE, 3),
        (NINE + timedelta(hours=1), 0),
        (NINE + timedelta(hours=2), 0),
        (NINE + timedelta(hours=3), 1),
    ]


def test_of_a_run_of_weeks_only_the_hours_are_there_in_which_anything_ended() -> None:
    weeks = int(LONGEST_CHART / timedelta(hours=1)) + 1

    assert [hour["accepted"] for hour in hours_of([counted(0), counted(weeks)])] == [1, 1]
    assert hours_of([]) == []


@pytest.mark.parametrize(
    ("text", "zone", "says"),
    [
        ("2026-11-30T09:05:00Z", "Europe/Berlin", "Mon 30 Nov 10:05 Europe/Berlin"),
        ("2026-11-30T16:00:00Z", "Asia/Tokyo", "Tue 1 Dec 01:00 Asia/Tokyo"),
        ("2026-11-30T09:05:00Z", "Nowhere/Land", ""),
        (None, "UTC", ""),
    ],
)
def test_an_instant_is_told_by_the_clock_of_a_zone(text: str | None, zone: str, says: str) -> None:
    assert clock_of(text, zone) == says
