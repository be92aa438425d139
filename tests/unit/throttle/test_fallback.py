"""The limiter of last resort, on a clock that the test moves."""

import pytest

from drumbeat.core.configuration import Limit
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.throttle.fallback import LONGEST_WAIT_SECONDS, FallbackLimiter, interval_of


class Elapsed:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ([Limit(10, 1, 10)], 0.4),  # a quarter of the rate
        ([Limit(30, 60, 30)], 5.0),  # one in five seconds at the least
        ([Limit(2, 60, 2)], 30.0),  # but never faster than the account's own rate
        ([Limit(10, 1, 10), Limit(24, 86400, None)], 3600.0),  # the slowest limit counts
        ([], 0.1),
    ],
)
@pytest.mark.point(31)
def test_the_share_of_a_process(limits: list[Limit], seconds: float) -> None:
    assert interval_of(limits) == pytest.approx(seconds)


def test_nothing_is_saved_up(elapsed: Elapsed) -> None:
    fallback = FallbackLimiter(elapsed)
    elapsed.seconds += 1000

    waits = fallback.take("mail", [Limit(10, 1, 10)], 3)

    assert waits == pytest.approx([0, 0.4, 0.8])


def test_accounts_do_not_share(elapsed: Elapsed) -> None:
    fallback = FallbackLimiter(elapsed)

    assert fallback.take("mail", [], 1) == fallback.take("crm", [], 1) == [0.0]


def test_many_calls_that_wait_are_spread_and_come_back_in_time(elapsed: Elapsed) -> None:
    waits = FallbackLimiter(elapsed).take("mail", [Limit(30, 60, 30)], 100)

    assert waits[:3] == pytest.approx([0, 5, 10])
    assert max(waits) <= LONGEST_WAIT_SECONDS + 5


def test_a_pause_is_over_when_its_time_has_passed(elapsed: Elapsed) -> None:
    fallback = FallbackLimiter(elapsed)
    fallback.pause("mail", 60, Reason(ReasonCode.PAUSED, "429"))
    fallback.pause("mail", 5, Reason(ReasonCode.PAUSED, "shorter"))

    assert fallback.paused("mail") == Reason(ReasonCode.PAUSED, "429")
    assert fallback.take("mail", [], 1) == pytest.approx([60])
    elapsed.seconds += 60
    assert fallback.paused("mail") is None
    assert fallback.take("mail", [], 1) == [0]


def test_a_person_ends_a_pause(elapsed: Elapsed) -> None:
    fallback = FallbackLimiter(elapsed)
    fallback.pause("mail", 60, Reason(ReasonCode.CREDENTIALS_REFUSED, "401"))

    fallback.resume("mail")

    assert fallback.take("mail", [], 1) == [0]
