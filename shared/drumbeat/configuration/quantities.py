"""Durations and rate limits, as the configuration writes them."""

import re

from drumbeat.core.configuration import Limit

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_DURATION_SECONDS = 3650 * SECONDS["d"]
MOST_CALLS = 1_000_000_000

DURATION = r"^[0-9]{1,9}(s|m|h|d)$"
LIMIT = r"^[0-9]{1,10}/(s|m|h|d)( burst [0-9]{1,10})?$"


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
