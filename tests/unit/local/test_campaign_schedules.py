"""The local clock's part for campaigns: fires as EventBridge Scheduler does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drumbeat.calendar import Calendar
from drumbeat.local.campaign_schedules import RETRY_FIRING_FOR, CampaignSchedule, CampaignTimer
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone

START = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)
INPUT = '{"campaign": "c", "scheduled": "<aws.scheduler.scheduled-time>"}'


class MovedClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def elapsed(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Function(Handler):
    """A function that fails as often as the test wants."""

    def __init__(self) -> None:
        super().__init__(Path("campaign.sock"))
        self.failures: list[Exception] = []
        self.seen: list[str] = []

    def invoke(self, event: Any) -> object:
        if self.failures:
            raise self.failures.pop()
        self.seen.append(event["scheduled"])
        return {}


def schedules(expression: str) -> list[CampaignSchedule]:
    return [CampaignSchedule("campaign-c", Calendar(expression, "America/New_York", "skip"), INPUT)]


def test_each_instant_is_fired_once_with_its_own_time() -> None:
    clock, function = MovedClock(), Function()
    timer = CampaignTimer(function, clock)

    for _ in range(8):
        clock.sleep(20)
        timer.tick(schedules("cron(* * * * ? *)"))

    assert function.seen == ["2026-03-08T07:00:00Z", "2026-03-08T07:01:00Z"]


@pytest.mark.point(58)
def test_a_time_that_does_not_exist_is_not_fired_as_on_aws() -> None:
    clock, function = MovedClock(), Function()
    timer = CampaignTimer(function, clock)

    clock.sleep(7200)
    timer.tick(schedules("cron(30 2 * * ? *)"))

    assert function.seen == []


@pytest.mark.point(57)
def test_what_fails_is_fired_again_but_not_for_ever() -> None:
    clock, function = MovedClock(), Function()
    timer = CampaignTimer(function, clock)
    function.failures = [HandlerGone("killed"), HandlerFailed({"errorType": "OperationalError"})]

    clock.sleep(61)
    for _ in range(3):
        timer.tick(schedules("cron(0 * * * ? *)"))
    delivered = list(function.seen)
    function.failures = [HandlerGone("killed") for _ in range(5)]
    clock.sleep(3600)
    timer.tick(schedules("cron(0 * * * ? *)"))
    clock.sleep(RETRY_FIRING_FOR.total_seconds())
    timer.tick(schedules("cron(0 * * * ? *)"))
    function.failures = []
    timer.tick(schedules("cron(0 * * * ? *)"))

    assert delivered == function.seen == ["2026-03-08T07:00:00Z"]
