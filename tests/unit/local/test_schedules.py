"""The clock that stands in for EventBridge Scheduler."""

import threading
from pathlib import Path

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


def test_an_event_is_the_schedules_input_or_what_scheduler_sends() -> None:
    assert event_of(Schedule("s", "f", 1, '{"kind": "digest"}')) == {"kind": "digest"}
    assert event_of(EVERY_MINUTE)["source"] == "aws.scheduler"
