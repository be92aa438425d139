"""How long a provider asks us to wait: one parser for every form that is in use."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

SHORTEST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 6 * 3600.0
LONGEST_VALUE = 100  # characters of a header that are read

# In order of trust. Discord's counts seconds; the others give an instant, or seconds (RateLimit header drafts).
RETRY_AFTER = "retry-after"
HEADERS = (RETRY_AFTER, "x-ratelimit-reset-after", "x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
# A number above this is an instant, in seconds since 1970: no provider asks for a wait of thirty years.
_EPOCH = 1_000_000_000.0


def retry_after(
    headers: Mapping[str, str], now: datetime | None = None, *, names: Sequence[str] = HEADERS
) -> float | None:
    """Return the seconds to wait, between 1 s and 6 h, or None when the reply says nothing that can be understood.

    `names` are the headers that count: only where a reply says that there were too many requests, all of them do.

    Takes whole and decimal seconds, HTTP dates, ISO times and Unix times, absurd ones included. Instants are measured
    from the reply's own `Date`, so that no two clocks are compared; `now` serves where it has none.
    """
    start = _instant(headers.get("date", "")) or now
    for name in names:
        value = headers.get(name, "")[: LONGEST_VALUE + 1].strip()
        seconds = _seconds(value, start, delta_only=name == RETRY_AFTER)
        if seconds is not None:
            return min(max(seconds, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
    return None


def _seconds(text: str, start: datetime | None, *, delta_only: bool) -> float | None:
    """Return the seconds that the text stands for; `delta_only`: a number is never an instant (RFC 9110)."""
    if len(text) > LONGEST_VALUE:
        return None
    with suppress(ValueError):
        number = float(text)
        if math.isnan(number):
            return None
        if number < _EPOCH or delta_only:
            return number
        return None if start is None else number - start.timestamp()
    instant = _instant(text)
    return None if instant is None or start is None else (instant - start).total_seconds()


def _instant(text: str) -> datetime | None:
    """Read an HTTP date or an ISO time; one without a zone is in UTC. Nothing that is longer is either."""
    if len(text) > LONGEST_VALUE:
        return None
    from email.utils import parsedate_to_datetime  # only replies that throttle us pay for this import

    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, TypeError, OverflowError):
            instant = parse(text)
            return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return None
