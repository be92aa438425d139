"""The clock that stands in for EventBridge Scheduler."""

import threading
from pathlib import Path
from typing import override

import pytest

from drumbeat.local.frames import Handler, HandlerFailed, HandlerGone
from drumbeat.local.schedules import event_of, tick
from drumbeat.local.template import Schedule

EVERY_MINUTE = Schedule("EveryMinute", "relay", 60, None)


class Counting(Handler):
    """A handler that fails in every way before it works, and then ends the test."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__(Path("relay.sock"))
        self.stopping = stopping
        self.looks = 0
        self.turns = 0

    def connect(self) -> None:
        self.looks += 1
        if self.looks == 1:
            raise HandlerGone("not up yet")

    def invoke(self, event: object) -> object:
        self.turns += 1
        if self.turns == 1:
            raise HandlerFailed({"errorType": "X", "errorMessage": "y"})
        if self.turns == 2:
            raise HandlerGone("killed")
        self.stopping.set()
        return {}


def test_a_turn_that_fails_is_followed_by_the_next() -> None:
    stopping = threading.Event()
    handler = Counting(stopping)

    tick(EVERY_MINUTE, handler, 0.001, stopping)

    assert handler.turns == 3


class Minutes(threading.Event):
    """Time that passes while it is waited for, until two pauses were made."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    @override
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += timeout
        self.pauses.append(timeout)
        if len(self.pauses) == 2:
            self.set()
        return self.is_set()


class Slow(Handler):
    """A handler that takes most of its minute."""

    def __init__(self, minutes: Minutes) -> None:
        super().__init__(Path("relay.sock"))
        self._minutes = minutes

    @override
    def connect(self) -> None:
        pass

    @override
    def invoke(self, event: object) -> object:
        self._minutes.now += 47.0
        return {}


def test_a_turn_that_takes_long_does_not_put_off_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = Minutes()
    monkeypatch.setattr("drumbeat.local.schedules.time", minutes)

    tick(EVERY_MINUTE, Slow(minutes), 60.0, minutes)

    assert minutes.pauses == [13.0, 13.0]


def test_an_event_is_the_schedules_input_or_what_scheduler_sends() -> None:
    assert event_of(Schedule("s", "f", 1, '{"kind": "digest"}')) == {"kind": "digest"}
    assert event_of(EVERY_MINUTE)["source"] == "aws.scheduler"
