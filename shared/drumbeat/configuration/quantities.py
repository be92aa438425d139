"""Durations, rates, times of day and other quantities, as the configuration writes them."""

import re

from drumbeat.core.campaigns import Cap, QuietHours
from drumbeat.core.steps import Limit

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_DURATION_SECONDS = 3650 * SECONDS["d"]
MOST_CALLS = 1_000_000_000
LONGEST_CAP_SECONDS = 31 * SECONDS["d"]  # what is older is not looked at when a mail is about to leave

DURATION = r"^[0-9]{1,9}(s|m|h|d)$"
LIMIT = r"^[0-9]{1,10}/(s|m|h|d)( burst [0-9]{1,10})?$"
PACE = r"^[0-9]{1,10}/(s|m|h|d)$"
QUIET_HOURS = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
CAP = r"^[0-9]{1,4}/[0-9]{1,4}(h|d)$"


def duration(text: str) -> float:
    """Return the seconds of `30s`, `5m`, `12h` or `3d`; a day is 86,400 s. Raises ValueError."""
    if not re.fullmatch(DURATION, text):
        raise ValueError("a duration is a whole number and s, m, h or d, such as 30s, 5m, 12h or 3d")
    seconds = int(text[:-1]) * SECONDS[text[-1]]
    if seconds > LONGEST_DURATION_SECONDS:
        raise ValueError("a duration is at most 3650d")
    return float(seconds)


def limit(text: str) -> Limit:
    """Return the limit that `10/s`, `10/s burst 20` or `50000/d` states. Raises ValueError."""
    if not re.fullmatch(LIMIT, text):
        raise ValueError('a limit is N/s, N/m, N/h or N/d, with "burst M" for s and m: "10/s burst 20" or "50000/d"')
    rate, _, burst = text.partition(" burst ")
    count, _, unit = rate.partition("/")
    if not 1 <= int(count) <= MOST_CALLS or (burst and not 1 <= int(burst) <= MOST_CALLS):
        raise ValueError("the numbers of a limit go from 1 to 1000000000; to stop an account, leave out its steps")
    if unit in "sm":
        return Limit(int(count), SECONDS[unit], int(burst or count))
    if burst:
        raise ValueError(f'limits per h and d are fixed windows and have no burst; write "{rate}"')
    return Limit(int(count), SECONDS[unit], None)


def pace(text: str) -> Limit:
    """Return the rate that `5000/h` states. Raises ValueError."""
    if not re.fullmatch(PACE, text):
        raise ValueError('a pace is N/s, N/m, N/h or N/d, and has no burst: "5000/h"')
    count, _, unit = text.partition("/")
    if not 1 <= int(count) <= MOST_CALLS:
        raise ValueError("the number of a pace goes from 1 to 1000000000")
    return Limit(int(count), SECONDS[unit], None)


def quiet_hours(text: str) -> QuietHours:
    """Return the hours of `21:00-08:00`. Raises ValueError."""
    if not re.fullmatch(QUIET_HOURS, text):
        raise ValueError('quiet hours are two times of day from 00:00 to 23:59: "21:00-08:00"')
    begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in text.split("-"))
    if begin == end:
        raise ValueError("quiet hours that end when they begin leave no time for a mail; write two different times")
    return QuietHours(begin, end)


def cap(text: str) -> Cap:
    """Return the cap that `2/7d` states. Raises ValueError."""
    if not re.fullmatch(CAP, text):
        raise ValueError('a cap is a number of mails and a time in h or d: "2/7d"')
    most, _, time = text.partition("/")
    seconds = int(time[:-1]) * SECONDS[time[-1]]
    if int(most) < 1 or not 1 <= seconds <= LONGEST_CAP_SECONDS:
        raise ValueError("a cap is at least one mail, and looks back at least 1h and at most 31d")
    return Cap(int(most), seconds)
