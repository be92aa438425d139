"""A run looked at each second while everything is killed: at each look it adds up, for each of its steps."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from drumbeat.local.frames import Json
from tests.chaos.environment import Environment
from tests.chaos.newsletter.asking import once

EVERY_SECONDS = 1.0
PARTS = ("notExpanded", "waiting", "inFlight", "held", "accepted", "refused")
REASONS = ("leftOut", "cancelled")


@dataclass
class Samples:
    """What was seen. `states` are counted, and of those looks that were not answered how many there were."""

    states: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    violations: list[str] = field(default_factory=list)
    newest: Json = None

    def take(self, run: Json) -> None:
        """Look at a run."""
        self.states[run["state"]] += 1
        self.newest = run
        self.violations += unaccounted(run)

    @property
    def state(self) -> str:
        """The newest state; empty before the first look."""
        return str(self.newest["state"]) if self.newest else ""

    @property
    def done(self) -> float:
        """Which part of its mails is at its end."""
        totals = self.newest["totals"] if self.newest else []
        people = sum(step["matched"] for step in totals)
        ended = sum(
            step["accepted"] + step["refused"] + step["held"] + sum(step["cancelled"].values()) for step in totals
        )
        left_out = sum(sum(step["leftOut"].values()) for step in totals)
        return (ended + left_out) / people if people else 0.0


def unaccounted(run: Json) -> Iterator[str]:
    """Yield each step of a run whose people are not each in exactly one place."""
    for step in run["totals"]:
        parts = {name: step[name] for name in PARTS} | {name: sum(step[name].values()) for name in REASONS}
        if step["matched"] != sum(parts.values()):
            yield f"it does not add up: step {step['step']} of a run that is {run['state']}: {step['matched']}, {parts}"


class Watch:
    """Looks at one run until it is ended, by a thread of its own."""

    def __init__(self, environment: Environment, run: UUID) -> None:
        self.samples = Samples()
        self._environment = environment
        self._path = f"/v1/runs/{run}"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Look a last time."""
        self._ending.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            self._look()
            self._ending.wait(max(0.0, began + EVERY_SECONDS - time.monotonic()))

    def _look(self) -> None:
        with suppress(OSError, ValueError):
            answered = once(self._environment, "GET", self._path)
            if answered.status == 200:
                self.samples.take(answered.body)
                return
        self.samples.unanswered += 1
