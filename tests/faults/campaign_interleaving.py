"""What goes on about runs in one seed: people start, pause, resume and cancel them, while others join and leave."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from uuid import UUID

from drumbeat.wakeups.queue import WakeUp
from tests.faults.campaign_stories import HUNTERS, LEE
from tests.faults.sample_deployment import DEALS, SALE
from tests.faults.sample_people import STEPS_OF_RUNS
from tests.faults.simulation import Simulation

RUN = "run"
RACES_OF_RUNS = ("pause", "cap", "chunks")  # of a turn and a pause, of two runs for the same people, of two workers
ACCOUNTS_OF_RUNS = sorted(set(STEPS_OF_RUNS.values()))
MOST_WAITS = 60  # of a person for a worker
PROCESSES_OF_RUNS: Mapping[str, tuple[str, ...]] = {
    RUN: ("worker 1", "worker 2", "relay", "person", "form", "page", "provider"),
    "pause": ("worker 1", "person"),
    "cap": ("worker 1", "worker 2"),  # each takes the turn of one of two runs, and each person may get one more mail
    "chunks": ("worker 1", "worker 2"),  # each takes the same run forward
}


class RunsAtOnce:
    """The parts of processes in themes of runs."""

    def __init__(self, theme: str, simulation: Simulation, random: Random, wait: Callable[[str, int], None]) -> None:
        self._theme, self._simulation, self._random, self._wait = theme, simulation, random, wait
        self._runs: list[UUID] = []

    def begin(self) -> None:
        """Let people sign up, and runs come as far as the theme needs."""
        simulation = self._simulation
        for one in HUNTERS[: 1 if self._theme == "cap" else self._random.randint(2, len(HUNTERS))]:
            simulation.say(one)
        simulation.settle()
        simulation.advance(1.0)
        keys = {RUN: (), "cap": ("one", "two")}.get(self._theme, ("one",))
        self._runs = [simulation.start_run(DEALS, key) for key in keys]
        if self._theme in ("pause", "cap"):
            simulation.wake(WakeUp(events=tuple(self._runs)))  # its turns wait in the queue
            self._approve()  # that the second sends the same once more

    def parts(self) -> Mapping[str, Callable[[], None]]:
        """Return what each process does, beside those of every theme."""
        of_person = {RUN: self._change_often, "pause": self._pause}.get(self._theme)
        parts: dict[str, Callable[[], None]] = {"form": self._join, "page": self._leave} if self._theme == RUN else {}
        parts |= {"person": of_person} if of_person else {}
        if self._theme in RACES_OF_RUNS:
            parts |= {f"worker {number}": partial(self._take, number) for number in (1, 2)}
        return parts

    def end(self) -> None:
        """Let what a person has stopped, paused, or not approved, go on."""
        for account in (None, *ACCOUNTS_OF_RUNS):
            self._simulation.go_on(account)
        for run in self._runs:
            if self._simulation.run_stands(run) == "paused":
                self._simulation.resume_run(run)
        self._approve()

    def _approve(self) -> None:
        for run in self._runs:
            if self._simulation.run_stands(run) == "awaiting_approval":
                self._simulation.approve_run(run)

    def _take(self, number: int) -> None:
        """A worker takes the turns of one run, or takes the one run forward."""
        run = self._runs[(number - 1) % len(self._runs)]
        turns = tuple(turn for turn in self._simulation.turns_asked() if turn.run == run)
        wake_up = WakeUp(events=(run,)) if self._theme == "chunks" else WakeUp(turns=turns)
        self._wait(f"worker {number}", self._random.randint(0, 5))
        self._simulation.wake(wake_up, f"worker {number}")

    def _pause(self) -> None:
        """A person pauses the run about when its mails are opened."""
        for _ in range(MOST_WAITS):
            if any(line.endswith("db claims.CLAIM_OF_RUN") for line in self._simulation.point.trace):
                break
            self._wait("person", 1)
        self._wait("person", self._random.randint(0, 3))
        self._simulation.pause_run(self._runs[0])

    def _change_often(self) -> None:
        """A person starts two runs and changes their mind about them, again and again."""
        random, simulation = self._random, self._simulation
        for campaign in random.sample((DEALS, SALE), 2):
            self._runs.append(simulation.start_run(campaign, plan=random.random() < 0.2))
            for _ in range(random.randint(1, 3)):
                self._wait("person", random.randint(0, 20))
                act = random.choice(
                    (
                        simulation.pause_run,
                        simulation.pause_run,
                        simulation.resume_run,
                        simulation.start_planned,
                        simulation.approve_run,
                        simulation.cancel_run if random.random() < 0.5 else simulation.resume_run,
                        self._stop_or_go_on,
                    )
                )
                act(random.choice(self._runs))

    def _stop_or_go_on(self, _: UUID) -> None:
        """A person stops everything, or an account of runs, or lets it go on."""
        act = self._random.choice((self._simulation.stop, self._simulation.go_on))
        act(self._random.choice((None, *ACCOUNTS_OF_RUNS)))

    def _join(self) -> None:
        self._wait("form", self._random.randint(0, 30))
        self._simulation.say(LEE, "form")

    def _leave(self) -> None:
        """People who got an offer leave by its link."""
        for one in HUNTERS[: self._random.randint(0, 2)]:
            self._wait("page", self._random.randint(0, 30))
            mail = one.effects()["offer"]
            if one in [said for said, _ in self._simulation.receipts]:
                self._simulation.withdraw(mail)
