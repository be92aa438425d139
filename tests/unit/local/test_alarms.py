"""The local clock's part for campaigns: fires as EventBridge Scheduler does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drumbeat.calendar import Calendar
from drumbeat.local.alarms import PATIENCE, Alarm, AlarmClock
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone

START = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)
INPUT = '{"campaign": "c", "scheduled": "<aws.scheduler.scheduled-time>"}'


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def elapsed(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Function(Handler):
    """A function that fails as often as it is told."""

    def __init__(self) -> None:
        super().__init__(Path("campaign.sock"))
        self.failures: list[Exception] = []
        self.seen: list[str] = []

    def invoke(self, event: Any) -> object:
        if self.failures:
            raise self.failures.pop()
        self.seen.append(event["scheduled"])
        return {}


def alarm(expression: str) -> list[Alarm]:
    return [Alarm("campaign-c", Calendar(expression, "America/New_York", "skip"), INPUT)]


def test_each_instant_is_fired_once_with_its_own_time() -> None:
    hands, function = Hands(), Function()
    clock = AlarmClock(function, hands)

    for _ in range(8):
        hands.sleep(20)
        clock.look(alarm("cron(* * * * ? *)"))

    assert function.seen == ["2026-03-08T07:00:00Z", "2026-03-08T07:01:00Z"]


@pytest.mark.point(58)
def test_a_time_that_does_not_exist_is_not_fired_as_on_aws() -> None:
    hands, function = Hands(), Function()
    clock = AlarmClock(function, hands)

    hands.sleep(7200)
    clock.look(alarm("cron(30 2 * * ? *)"))

    assert function.seen == []


@pytest.mark.point(57)
def test_what_fails_is_fired_again_but_not_for_ever() -> None:
    hands, function = Hands(), Function()
    clock = AlarmClock(function, hands)
    function.failures = [HandlerGone("killed"), HandlerFailed({"errorType": "OperationalError"})]

    hands.sleep(61)
    for _ in range(3):
        clock.look(alarm("cron(0 * * * ? *)"))
    delivered = list(function.seen)
    function.failures = [HandlerGone("killed") for _ in range(5)]
    hands.sleep(3600)
    clock.look(alarm("cron(0 * * * ? *)"))
    hands.sleep(PATIENCE.total_seconds())
    clock.look(alarm("cron(0 * * * ? *)"))
    function.failures = []
    clock.look(alarm("cron(0 * * * ? *)"))

    assert delivered == function.seen == ["2026-03-08T07:00:00Z"]
