"""EventBridge Scheduler's part for campaigns: fires the schedules that `drumbeat apply` made.

Like AWS it skips a local time that does not exist, drops what it could not deliver, and fires nothing for the time in
which it did not run: the relay corrects that, here as there.
"""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from drumbeat.calendar import EPOCH, Calendar, OnGap
from drumbeat.campaigns.schedules import PREFIX, SCHEDULED_TIME
from drumbeat.core.clock import Clock
from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

TICK_SECONDS = 0.5  # between two readings of the clock
SCHEDULES_SECONDS = 2.0  # between two readings of the schedules
RETRY_FIRING_FOR = timedelta(minutes=10)  # while the function fails

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class CampaignSchedule:
    """One schedule: when it fires, and with which event."""

    name: str
    calendar: Calendar
    input: str

    def event(self, at: datetime) -> Any:  # noqa: ANN401 - any JSON
        """Return the event of one firing."""
        return json.loads(self.input.replace(SCHEDULED_TIME, f"{at:%Y-%m-%dT%H:%M:%SZ}"))


@dataclass(frozen=True)
class Due:
    """A firing that was not delivered yet."""

    schedule: CampaignSchedule
    at: datetime


class CampaignSchedules:
    """The schedules of a group, read from the Scheduler API; one that did not change is not read twice."""

    def __init__(self, client: "EventBridgeSchedulerClient", group: str) -> None:
        self._client = client
        self._group = group
        self._read: dict[tuple[str, datetime], CampaignSchedule] = {}

    def all(self) -> list[CampaignSchedule]:
        """Return the present ones. Raises botocore's errors."""
        listed = self._client.list_schedules(GroupName=self._group, NamePrefix=PREFIX, MaxResults=100)["Schedules"]
        self._read = {
            key: self._read.get(key) or self._schedule(key[0])
            for key in ((each["Name"], each["LastModificationDate"]) for each in listed)
        }
        return list(self._read.values())

    def _schedule(self, name: str) -> CampaignSchedule:
        schedule = self._client.get_schedule(GroupName=self._group, Name=name)
        expression, timezone = schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]
        calendar = Calendar(expression, timezone, OnGap.SKIP, start=schedule.get("StartDate", EPOCH))
        return CampaignSchedule(name, calendar, schedule["Target"]["Input"])


class CampaignTimer:
    """Fires schedules at their time, whenever `tick` is called."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock
        self._seen = clock.now()
        self._due: list[Due] = []

    def tick(self, schedules: list[CampaignSchedule]) -> None:
        """Fire what became due since the last call, and again what failed."""
        now = self._clock.now()
        self._due += [
            Due(schedule, at) for schedule in schedules for at in _instants(schedule, self._seen + _TICK, now)
        ]
        self._seen = now
        self._due = [due for due in self._due if not self._delivered(due) and now - due.at < RETRY_FIRING_FOR]
        self._handler.close()  # the process serves one caller at a time

    def _delivered(self, due: Due) -> bool:
        try:
            self._handler.invoke(due.schedule.event(due.at))
        except (HandlerGone, HandlerFailed) as error:
            print(f"{due.schedule.name}: {error}; it is fired again", file=sys.stderr, flush=True)
            return False
        return True


def run(schedules: CampaignSchedules, timer: CampaignTimer, stopping: threading.Event) -> None:
    """Fire until stopped. While the API does not answer, the schedules stay as they were read last."""
    from botocore.exceptions import BotoCoreError, ClientError

    known: list[CampaignSchedule] = []
    ticks = 0
    while not stopping.is_set():
        if ticks % round(SCHEDULES_SECONDS / TICK_SECONDS) == 0:
            try:
                known = schedules.all()
            except (BotoCoreError, ClientError) as error:
                print(f"the schedules cannot be read ({error}); they stay as they were", file=sys.stderr, flush=True)
        timer.tick(known)
        ticks += 1
        stopping.wait(TICK_SECONDS)


def _instants(schedule: CampaignSchedule, first: datetime, last: datetime) -> Iterator[datetime]:
    for occurrence in schedule.calendar.between(first, last):
        assert occurrence.at is not None
        yield occurrence.at.astimezone(UTC)
