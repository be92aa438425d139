"""Schedule expressions: what is understood, what is refused and with which advice, and which days are meant."""

from datetime import date, timedelta

import pytest

from drumbeat.calendar import Calendar, parse
from drumbeat.calendar.cron import Cron


def days(expression: str, first: str, last: str) -> list[str]:
    """Return the dates on which a schedule fires."""
    found = Calendar(expression, "UTC").on(date.fromisoformat(first), date.fromisoformat(last))
    return [f"{each.wall:%m-%d}" for each in found]


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 9 ? * MON *)",
        "cron(59 1 * * ? *)",
        "cron(0/15 8-18 ? JAN,JUL MON-FRI 2026-2030)",
        "cron(0 12 L * ? *)",
        "cron(0 12 15W * ? *)",
        "cron(0 12 ? * 6#3 *)",
        "rate(1 day)",
        "rate(5 minutes)",
        "at(2030-01-31T09:00:00)",
    ],
)
def test_schedules(expression: str) -> None:
    parse(expression)


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("every monday", "a schedule is"),
        ("cron(0 9 * * MON)", "six fields, not 5"),
        ("cron(0 9 * * MON *)", r"must be \?"),
        ("cron(0 9 ? * ? *)", r"must be \?"),
        ("cron(0 9 * * * *)", r"must be \?"),
        ("cron(60 9 ? * MON *)", "60 is no minute"),
        ("cron(? 9 ? * MON *)", r"\? is no minute"),
        ("cron(0 24 ? * MON *)", "24 is no hour"),
        ("cron(0 9 0 * ? *)", "0 is no day of month"),
        ("cron(0 9 32W * ? *)", "32W is no day of month"),
        ("cron(0 9 W * ? *)", "W is no day of month"),
        ("cron(0 9 ? * MUN *)", "MUN is no day of week"),
        ("cron(0 9 ? * 0 *)", "0 is no day of week"),
        ("cron(0 9 ? * 6#6 *)", "6#6 is no day of week"),
        ("cron(0 9 ? * 2/2 *)", "list the days"),
        ("cron(0 9 ? * FRI-MON *)", "a range rises: write FRI-SAT,SUN-MON"),
        ("cron(0 22-2 * * ? *)", "a range rises: write 22-23,0-2"),
        ("cron(0 9 ? * THUR *)", "from 1 to 7, or from SUN to SAT"),
        ("cron(0 9 ? 13 MON *)", "13 is no month"),
        ("cron(0 9 ? * MON 2200)", "2200 is no year"),
        ("cron(0/0 9 ? * MON *)", "0/0 is no minute"),
        ("cron(/5 9 ? * MON *)", "/5 is no minute"),
        ("cron(1,,2 9 ? * MON *)", "1,,2 is no minute"),
        ("cron(٣ 9 ? * MON *)", "is no minute"),
        ("cron(0 9 30 2 ? *)", "a day that never comes"),
        ("cron(0 9 29 2 ? 2027)", "a day that never comes"),
        ("rate(1 days)", r"write rate\(1 day\)"),
        ("rate(5 minute)", r"write rate\(5 minutes\)"),
        ("rate(0 days)", r"rate\(\) holds"),
        ("rate(1 week)", r"rate\(\) holds"),
        ("at(2030-02-31T09:00:00)", r"at\(\) holds"),
        ("at(2030-01-31T09:00:00Z)", r"at\(\) holds"),
        ("at(2030-01-31)", r"at\(\) holds"),
        ("at(9999-12-31T23:59:59)", "a year from 1970 to 2199"),
        ("at(0001-01-01T00:00:00)", "a year from 1970 to 2199"),
    ],
)
def test_what_is_no_schedule_is_refused_with_what_to_write(expression: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse(expression)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("1,15 * ? *", ["02-01", "02-15", "03-01", "03-15"]),
        ("28-30 * ? *", ["02-28", "03-28", "03-29", "03-30"]),
        ("1/10 MAR ? *", ["03-01", "03-11", "03-21", "03-31"]),
        ("31 * ? *", ["03-31"]),
        ("L * ? *", ["02-28", "03-31"]),
        ("LW * ? *", ["02-27", "03-31"]),
        ("1W * ? *", ["02-02", "03-02"]),  # both firsts are Sundays
        ("28W * ? *", ["02-27", "03-27"]),  # both 28ths are Saturdays, and February's is its last
        ("15W * ? *", ["02-16", "03-16"]),
        ("31W * ? *", ["03-31"]),
        ("? * MON *", ["02-02", "02-09", "02-16", "02-23", "03-02", "03-09", "03-16", "03-23", "03-30"]),
        ("? FEB 1,sat *", ["02-01", "02-07", "02-08", "02-14", "02-15", "02-21", "02-22", "02-28"]),
        ("? feb TUE-THU *", [f"02-{d:02}" for d in (3, 4, 5, 10, 11, 12, 17, 18, 19, 24, 25, 26)]),
        ("? * L *", ["02-07", "02-14", "02-21", "02-28", "03-07", "03-14", "03-21", "03-28"]),
        ("? * 6L *", ["02-27", "03-27"]),
        ("? * FRIL *", ["02-27", "03-27"]),
        ("? * 2#1 *", ["02-02", "03-02"]),
        ("? * MON#5 *", ["03-30"]),
        ("1 */2 ? *", ["03-01"]),
        ("1 * ? 2027", []),
        ("1 2 ? 2024/2", ["02-01"]),
    ],
)
def test_days_of_february_and_march_2026(fields: str, expected: list[str]) -> None:
    assert days(f"cron(0 9 {fields})", "2026-02-01", "2026-03-31") == expected


def test_a_day_that_comes_every_four_years() -> None:
    found = Calendar("cron(0 9 29 2 ? *)", "UTC").on(date(2026, 1, 1), date(2036, 12, 31))

    assert [each.wall.year for each in found] == [2028, 2032, 2036]


@pytest.mark.parametrize(
    ("fields", "hours", "minutes"),
    [
        ("0/15 8", [8], [0, 15, 30, 45]),
        ("5/20 */8", [0, 8, 16], [5, 25, 45]),
        ("10-30/10 9-17/4", [9, 13, 17], [10, 20, 30]),
        ("0,30,7 22-23", [22, 23], [0, 7, 30]),
    ],
)
def test_times_of_a_day(fields: str, hours: list[int], minutes: list[int]) -> None:
    cron = parse(f"cron({fields} * * ? *)")

    assert isinstance(cron, Cron)
    assert (list(cron.hours), list(cron.minutes)) == (hours, minutes)


def test_a_rate_counts_from_a_fixed_instant() -> None:
    first, second = list(Calendar("rate(90 minutes)", "Asia/Kathmandu").on(date(2026, 3, 1), date(2026, 3, 1)))[:2]

    assert first.at is not None and second.at is not None
    assert first.at.timestamp() % 5400 == 0
    assert second.at - first.at == timedelta(minutes=90)
