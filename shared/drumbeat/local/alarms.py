"""The clock's part for campaigns: what EventBridge Scheduler does with the schedules that `drumbeat apply` made.

Like AWS it skips a local time that does not exist, forgets what it could not deliver, and fires nothing for the time in
which it did not run: what follows from that is the product's to mend, here as there.
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

LOOK = 0.5  # seconds between looks at the clock
READ = 2.0  # seconds between looks at the schedules
PATIENCE = timedelta(minutes=10)  # how long a firing is tried again while the function fails

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Alarm:
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

    alarm: Alarm
    at: datetime


class Alarms:
    """The schedules of a group, read from the Scheduler API; what did not change is not read twice."""

    def __init__(self, client: "EventBridgeSchedulerClient", group: str) -> None:
        self._client = client
        self._group = group
        self._read: dict[tuple[str, datetime], Alarm] = {}

    def all(self) -> list[Alarm]:
        """Return them as they are now. Raises botocore's errors."""
        listed = self._client.list_schedules(GroupName=self._group, NamePrefix=PREFIX, MaxResults=100)["Schedules"]
        self._read = {
            key: self._read.get(key) or self._alarm(key[0])
            for key in ((each["Name"], each["LastModificationDate"]) for each in listed)
        }
        return list(self._read.values())

    def _alarm(self, name: str) -> Alarm:
        schedule = self._client.get_schedule(GroupName=self._group, Name=name)
        expression, timezone = schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]
        calendar = Calendar(expression, timezone, OnGap.SKIP, start=schedule.get("StartDate", EPOCH))
        return Alarm(name, calendar, schedule["Target"]["Input"])


class AlarmClock:
    """Fires alarms at their time, as far as it is looked at."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock
        self._seen = clock.now()
        self._due: list[Due] = []

    def look(self, alarms: list[Alarm]) -> None:
        """Fire what came due since the last look, and again what failed."""
        now = self._clock.now()
        self._due += [Due(alarm, at) for alarm in alarms for at in _instants(alarm, self._seen + _TICK, now)]
        self._seen = now
        self._due = [due for due in self._due if not self._delivered(due) and now - due.at < PATIENCE]
        self._handler.close()  # the process serves one caller at a time

    def _delivered(self, due: Due) -> bool:
        try:
            self._handler.invoke(due.alarm.event(due.at))
        except (HandlerGone, HandlerFailed) as error:
            print(f"{due.alarm.name}: {error}; it is fired again", file=sys.stderr, flush=True)
            return False
        return True


def run(alarms: Alarms, clock: AlarmClock, stopping: threading.Event) -> None:
    """Look until told to stop. While the API is away, the schedules stay as they were read last."""
    from botocore.exceptions import BotoCoreError, ClientError

    known: list[Alarm] = []
    looks = 0
    while not stopping.is_set():
        if looks % round(READ / LOOK) == 0:
            try:
                known = alarms.all()
            except (BotoCoreError, ClientError) as error:
                print(f"the schedules cannot be read ({error}); they stay as they were", file=sys.stderr, flush=True)
        clock.look(known)
        looks += 1
        stopping.wait(LOOK)


def _instants(alarm: Alarm, first: datetime, last: datetime) -> Iterator[datetime]:
    for occurrence in alarm.calendar.between(first, last):
        assert occurrence.at is not None
        yield occurrence.at.astimezone(UTC)
