import pytest

from drumbeat.flows import schedule
from drumbeat.flows.model import Limit
from drumbeat.flows.quantities import duration, limit


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("30s", 30), ("5m", 300), ("12h", 43_200), ("3d", 259_200)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "3", "3 d", "1.5h", "-1s", "3w", "1h30m", "9999d", "٣s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"3650d|30s"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10/s burst 20", Limit(10, 1, 20)),
        ("10/s", Limit(10, 1, 10)),
        ("300/m", Limit(300, 60, 300)),
        ("100/h", Limit(100, 3600, None)),
        ("50000/d", Limit(50_000, 86_400, None)),
    ],
)
def test_limits(text: str, expected: Limit) -> None:
    assert limit(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "10/w", "0/s", "10/s burst 0", "5/d burst 3", "10 / s", "1/s burst", "-1/s"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        limit(text)


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
    schedule.check(expression)


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("every monday", "a schedule is"),
        ("cron(0 9 * * MON)", "six fields, not 5"),
        ("cron(0 9 * * MON *)", r"must be \?"),
        ("cron(0 9 ? * ? *)", r"must be \?"),
        ("cron(60 9 ? * MON *)", "60 is not a minutes"),
        ("cron(0 9 ? * MUN *)", "MUN is not a day of week"),
        ("cron(0 9 ? 13 MON *)", "13 is not a month"),
        ("rate(1 days)", r"write rate\(1 day\)"),
        ("rate(5 minute)", r"write rate\(5 minutes\)"),
        ("rate(0 days)", r"rate\(\) holds"),
        ("at(2030-02-31T09:00:00)", r"at\(\) holds"),
    ],
)
def test_what_is_no_schedule_is_refused_with_what_to_write(expression: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        schedule.check(expression)
