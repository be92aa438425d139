from datetime import UTC, datetime

import pytest

from drumbeat.providers.retry_after import LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.point(41)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 2.5 "}, 2.5),
        ({"retry-after": "0"}, SHORTEST_WAIT_SECONDS),
        ({"retry-after": "-1"}, SHORTEST_WAIT_SECONDS),
        ({"retry-after": "1e9"}, LONGEST_WAIT_SECONDS),
        ({"retry-after": "99999999999999999999999"}, LONGEST_WAIT_SECONDS),
        ({"retry-after": str(EPOCH + 60)}, LONGEST_WAIT_SECONDS),  # RFC 9110 knows seconds only
        ({"retry-after": "inf"}, LONGEST_WAIT_SECONDS),
        ({"retry-after": "Sun, 01 Mar 2026 12:01:00 GMT"}, 60.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, SHORTEST_WAIT_SECONDS),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_WAIT_SECONDS),
        ({"retry-after": "2026-03-01T12:01:30Z"}, 90.0),
        ({"x-ratelimit-reset": str(EPOCH + 45)}, 45.0),
        ({"x-rate-limit-reset": str(EPOCH - 45)}, SHORTEST_WAIT_SECONDS),
        ({"x-ratelimit-reset": "2026-03-01T12:02:00.000Z"}, 120.0),
        ({"x-ratelimit-reset": "2026-03-01T12:02:00"}, 120.0),
        ({"ratelimit-reset": "7"}, 7.0),
        ({"x-ratelimit-reset-after": "1.25", "x-ratelimit-reset": str(EPOCH + 45)}, 1.25),
        ({"retry-after": "soon", "ratelimit-reset": "7"}, 7.0),
    ],
)
def test_every_form_in_use_becomes_seconds_within_bounds(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.point(41)
@pytest.mark.parametrize(
    "text", ["", "soon", "nan", "1 minute", "12:00", "Sun, 99 Foo 2026", "½", "\x00", "7" + "0" * 100]
)
def test_what_cannot_be_understood_is_nothing(text: str) -> None:
    assert retry_after({"retry-after": text}, NOW) is None


def test_no_header_is_nothing() -> None:
    assert retry_after({}, NOW) is None


def test_an_instant_is_measured_on_the_clock_that_wrote_it() -> None:
    headers = {"date": "Sun, 01 Mar 2026 03:00:00 GMT", "retry-after": "Sun, 01 Mar 2026 03:00:20 GMT"}

    assert retry_after(headers, NOW) == 20.0
    assert retry_after(headers) == 20.0


@pytest.mark.parametrize("text", ["Sun, 01 Mar 2026 12:01:00 GMT", "2026-03-01T12:01:00Z"])
def test_an_instant_without_any_clock_is_nothing(text: str) -> None:
    assert retry_after({"retry-after": text}) is None
    assert retry_after({"x-ratelimit-reset": str(EPOCH)}) is None
