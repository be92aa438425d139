"""Who runs the newsletter: begins it, pauses and resumes it twice, and lets two others want the same people at once."""

import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

from drumbeat.core.ids import event_id
from tests.chaos.environment import Environment
from tests.chaos.newsletter.asking import Answered, ask
from tests.chaos.newsletter.samples import Watch

LETTER, BEFORE, RIVALS = "letter", "before", ("one", "other")
PAUSES_AT = (0.2, 0.55)  # of its mails
RIVALS_AT = 0.35
PAUSE_SECONDS = 6.0
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Pause:
    """When a pause, and its end, were answered; in seconds of the epoch."""

    acknowledged: float
    resumed: float


@dataclass
class Conductor:
    """Does it by a thread of its own, as the run that it watches goes on."""

    environment: Environment
    watch: Watch
    pauses: list[Pause] = field(default_factory=list)
    rivals: list[UUID] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._conduct, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it is not done yet."""
        return self._thread.is_alive()

    def _conduct(self) -> None:
        try:
            begin_run(self.environment, LETTER)
            for at, act in sorted([*((at, self._pause) for at in PAUSES_AT), (RIVALS_AT, self._let_rival)]):
                self._until(at)
                act()
        except TimeoutError as error:
            self.refused.append(f"not answered: {error}")

    def _until(self, done: float) -> None:
        samples = self.watch.samples
        while samples.done < done and samples.state != "finished":
            time.sleep(LOOK_SECONDS)

    def _pause(self) -> None:
        paused = self._decide("pause", "a typo")
        if paused is None:
            return
        time.sleep(PAUSE_SECONDS)
        resumed = self._decide("resume", "it is none")
        if resumed is not None:
            self.pauses.append(Pause(paused.at, resumed.at))

    def _decide(self, what: str, reason: str) -> Answered | None:
        answered = ask(self.environment, "POST", f"/v1/runs/{run_id(LETTER)}/{what}", {"reason": reason})
        if answered.status == 200:
            return answered
        self.refused.append(f"refused: {what}: {answered.status} {str(answered.body)[:200]}")
        return None

    def _let_rival(self) -> None:
        """Let two campaigns begin at the same moment."""
        together = threading.Barrier(len(RIVALS))

        def begin(name: str) -> None:
            together.wait()
            self.rivals.append(begin_run(self.environment, name))

        threads = [threading.Thread(target=begin, args=[name], daemon=True) for name in RIVALS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def run_id(name: str) -> UUID:
    """Return the id of a campaign's run that `begin_run` starts."""
    return event_id(name, f"run:{name}")


def begin_run(environment: Environment, name: str) -> UUID:
    """Start a run of a campaign, once, and return its id."""
    answered = ask(environment, "POST", f"/v1/campaigns/{name}/runs", {"idempotencyKey": name})
    assert answered.status in (200, 202), answered
    assert answered.body["runId"] == str(run_id(name))
    return run_id(name)
