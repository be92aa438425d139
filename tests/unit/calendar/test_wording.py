"""A schedule in words."""

import pytest

from drumbeat.calendar.expression import parse
from drumbeat.calendar.wording import in_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("cron(0 9 ? * MON *)", "Mondays at 09:00"),
        ("cron(30 7 ? * MON,wed,FRI *)", "Mondays, Wednesdays, Fridays at 07:30"),
        ("cron(0 9,17 ? * 2-6 *)", "Monday to Friday at 09:00, 17:00"),
        ("cron(0 9 ? * 1 *)", "Sundays at 09:00"),
        ("cron(30 2 * * ? *)", "daily at 02:30"),
        ("cron(0 8 1,15 * ? *)", "the 1st, 15th of each month at 08:00"),
        ("cron(0 8 22 12 ? *)", "the 22nd of Dec at 08:00"),
        ("cron(0 8 L * ? *)", "the last day of each month at 08:00"),
        ("cron(0 8 ? JAN,JUL TUE#2 *)", "the second Tuesday of Jan, Jul at 08:00"),
        ("cron(0 8 ? * 6L *)", "the last Friday of each month at 08:00"),
        ("cron(*/15 * * * ? *)", "every 15 minutes"),
        ("cron(5 * * * ? *)", "every hour at :05"),
        ("cron(0 9 1 1 ? 2030)", "the 1st of Jan at 09:00, in 2030"),
        ("cron(0 9 ? 12 MON *)", "Mondays in Dec at 09:00"),
        ("rate(1 day)", "every day"),
        ("rate(5 minutes)", "every 5 minutes"),
        ("at(2030-01-31T09:00:00)", "once, 2030-01-31 at 09:00"),
        ("cron(0-30 9 ? * MON *)", None),
        ("cron(0 9 ? * MON-WED *)", None),
        ("cron(0 9 15W * ? *)", None),
        ("cron(0 9 ? 1-3 MON *)", None),
    ],
)
def test_a_schedule_is_said_in_words_where_there_are_any(expression: str, words: str | None) -> None:
    parse(expression)

    assert in_words(expression) == words
