"""A run's pace: never more than it says, by whatever clock, and no longer wait than that."""

from uuid import UUID, uuid4

import pytest

from drumbeat.core.steps import Limit
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.throttle.run_pace import SKEW_SECONDS, RunPace
from tests.store.throttle.requests import HandClock

TEN_A_MINUTE = Limit(10, 60, None)
HUNDRED_A_SECOND = Limit(100, 1, None)


@pytest.fixture
def run() -> UUID:
    return uuid4()


def take(paces: list[RunPace], run: UUID, pace: Limit, clock: HandClock, seconds: int) -> int:
    """Let workers in turn take what is allowed, each second; return how many mails that was."""
    taken = 0
    for second in range(seconds):
        mine = paces[second % len(paces)]
        if allowed := mine.allowed(run, pace):
            mine.taken(run, pace, allowed)
            taken += allowed
        clock.sleep(1.0)
    return taken


@pytest.mark.parametrize(("pace", "most"), [(TEN_A_MINUTE, 101), (HUNDRED_A_SECOND, 60_100)])
def test_no_more_are_taken_than_the_pace_says_and_hardly_fewer(
    lean: LeanRedis, run: UUID, pace: Limit, most: int
) -> None:
    clock = HandClock()
    taken = take([RunPace(lean, clock), RunPace(lean, clock)], run, pace, clock, 600)

    assert most - 0.02 * most <= taken <= most


def test_a_clock_that_is_set_back_by_hours_holds_a_run_up_for_no_longer_than_its_pace(
    lean: LeanRedis, run: UUID
) -> None:
    clock = HandClock()
    pace = RunPace(lean, clock)
    pace.taken(run, TEN_A_MINUTE, 1)

    clock.sleep(-7_200.0)

    assert pace.wait(run, TEN_A_MINUTE) == 0.0
    assert pace.allowed(run, TEN_A_MINUTE) == 1


def test_workers_whose_clocks_differ_take_no_more_together(lean: LeanRedis, run: UUID) -> None:
    clock, late = HandClock(), HandClock()
    late.sleep(-SKEW_SECONDS / 2)
    here, there = RunPace(lean, clock), RunPace(lean, late)
    here.taken(run, TEN_A_MINUTE, here.allowed(run, TEN_A_MINUTE))

    assert there.allowed(run, TEN_A_MINUTE) == 0
