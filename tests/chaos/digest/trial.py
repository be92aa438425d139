"""Two Mondays on a real stack whose clock is moved from instant to instant; firings are dropped and doubled."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
from redis.exceptions import RedisError

from drumbeat.local.frames import Handler
from tests.chaos import oracle, report
from tests.chaos.digest import mondays
from tests.chaos.digest.letters import Letters
from tests.chaos.digest.mondays import DIGEST, MONDAYS, Due, due
from tests.chaos.environment import Environment
from tests.chaos.newsletter import people
from tests.chaos.newsletter.asking import ask
from tests.chaos.report import fact

CAMPAIGN = Path(__file__).with_name("campaign.yaml")
BEFORE = timedelta(minutes=10)  # the first firing of a Monday
# The clock of the scheduler stays so far behind: no firing comes but those of the trial.
BEHIND = timedelta(hours=3)
LATEST = timedelta(minutes=20)  # that workers find what is due, of the hour after which it would be missed
JUST_BEFORE = timedelta(seconds=2)
TIMES = (0, 0, 2, 3)  # how often the firings come, in some order: what is dropped the relay makes up for
PATIENCE_SECONDS = 90.0  # for the mails of one instant
AGAIN_SECONDS = 6.0
LOOK_SECONDS = 0.2
MOVE = "UPDATE clock SET shift = %s - clock_timestamp()"


def run(readers: int, seed: int) -> int:
    """Carry out one trial; returns 0 when no promise was broken. Otherwise everything is kept for inspection."""
    began = time.monotonic()
    fact("seed", seed)
    first = mondays.firings(0)[DIGEST] - BEHIND
    shift = f"{int((first - datetime.now(UTC)).total_seconds()):+d}s"
    with Environment(1.0, campaign=CAMPAIGN, options=("--clock", shift)) as environment:
        violations = Digest(environment, readers, Random(seed)).carry_out()
        environment.keep = bool(violations)
    for kind, found in oracle.grouped(violations).items():
        fact(f"BROKEN: {kind}", len(found))
        for violation in found[: report.MAX_SHOWN_VIOLATIONS]:
            fact("", violation)
    fact("the whole took", f"{time.monotonic() - began:.0f} s")
    return 1 if violations else 0


@dataclass(frozen=True, slots=True)
class Stage:
    """The clock as it was moved to one instant, and from when on, in seconds of the epoch."""

    due: Due
    clock: datetime
    began: float


class Digest:
    """The people, and a clock that visits each instant at which some of them are mailed."""

    def __init__(self, environment: Environment, readers: int, random: Random) -> None:
        self._environment = environment
        self._people = mondays.readers(readers)
        self._random = random
        self._letters = Letters(environment.record)
        self._times = random.sample(TIMES, len(TIMES))
        self._fired: list[tuple[str, datetime]] = []  # firings that come again
        self._stages: list[Stage] = []

    def carry_out(self) -> list[str]:
        """Visit each instant of both Mondays; return the broken promises."""
        people.put_in(self._environment, self._people, people.LETTER)
        for number in range(len(MONDAYS)):
            self._move(mondays.firings(number)[DIGEST] - BEFORE)
            self._apply(number)
            for instant in due(self._people, number):
                self._visit(instant, number)
        ended = time.time()
        return [*self._judge(ended), *self._runs()]

    def _visit(self, instant: Due, number: int) -> None:
        """Be at an instant, a little before it or later, until its mails have left."""
        firings = {name: self._times.pop() for name, at in mondays.firings(number).items() if at == instant.at}
        # Who looks for a dropped firing does so when its own clock says that it is due, or when Redis was lost.
        late = 0 in firings.values() or self._random.random() < 0.5
        clock = instant.at + self._random.random() * LATEST if late else instant.at - JUST_BEFORE
        began = time.time()
        self._move(clock)
        self._stages.append(Stage(instant, clock, began))
        for name, times in firings.items():
            self._fire(name, instant.at, times)
        if self._fired and self._random.random() < 0.2:
            self._fire(*self._random.choice(self._fired), 1)
        self._wait(instant)

    def _wait(self, instant: Due) -> None:
        """Wait until the mails of an instant have left.

        Who was at the end of its work as the clock was moved has noted when to go on by the clock of before: lost, too.
        """
        until, again = time.monotonic() + PATIENCE_SECONDS, time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < until and not (self._letters.have(instant.mails) and self._is_quiet()):
            if time.monotonic() > again:
                self._lose_redis()
                again = time.monotonic() + AGAIN_SECONDS
            time.sleep(LOOK_SECONDS)

    def _is_quiet(self) -> bool:
        effects = self._environment.call("GET", "/v1/status")["totals"]["effects"]
        return not any(effects.get(status) for status in ("claimed", "sending", "unknown"))

    # ------------------------------------------------------------ what is done to the stack

    def _move(self, to: datetime) -> None:
        """Move the clock by which all is due; what processes keep in Redis, by their own, is lost."""
        with psycopg.connect(self._environment.ledger_urls[0], autocommit=True) as owner:
            owner.execute(MOVE, [to])
        self._lose_redis()

    def _lose_redis(self) -> None:
        with suppress(RedisError):
            self._environment.valkey.flushall()

    def _apply(self, number: int) -> None:
        document = self._environment.campaign.read_text().replace("NUMBER", str(number))
        applied = ask(self._environment, "PUT", "/v1/config", {"document": document, "templates": {}})
        assert applied.status in (200, 201), applied

    def _fire(self, name: str, at: datetime, times: int) -> None:
        handler = Handler(self._environment.folder / "home" / "run" / "campaign.sock")
        for _ in range(times):
            handler.invoke({"campaign": name, "scheduled": f"{at:%Y-%m-%dT%H:%M:%SZ}"})
            self._fired.append((name, at))
        handler.close()

    # ------------------------------------------------------------ the verdict

    def _judge(self, ended: float) -> Iterator[str]:
        """Each mail once, after its instant and before the next one: by the sandbox's own record."""
        got = self._letters.all()
        once = Counter(letter.mail for letter in got)
        wanted = {mail for stage in self._stages for mail in stage.due.mails}
        yield from (f"never mailed: {mail}" for mail in wanted - once.keys())
        yield from (f"not wanted: {mail}" for mail in once.keys() - wanted)
        yield from (f"mailed more than once: {mail}, {number} times" for mail, number in once.items() if number > 1)
        ends = [*(stage.began for stage in self._stages[1:]), ended]
        waits: list[timedelta] = []
        for stage, end in zip(self._stages, ends, strict=True):
            for letter in (one for one in got if stage.began <= one.at < end):
                late = stage.clock + timedelta(seconds=letter.at - stage.began) - stage.due.at
                if letter.mail not in stage.due.mails:
                    yield f"at the wrong instant: {letter.mail}, at {stage.due.at:%d %B %H:%M} UTC"
                elif late < timedelta(0):
                    yield f"too early: {letter.mail}, by {-late}"
                waits.append(late)
        fact(
            "mails",
            f"{len(got)} to {len(self._people)} people at {len(self._stages)} instants of {len(MONDAYS)} Mondays",
        )
        fact("after their instant", f"at most {max(waits, default=timedelta(0))}")
        fact("firings that came", len(self._fired))

    def _runs(self) -> Iterator[str]:
        """One run of each campaign for each Monday, at its end."""
        runs = list(self._environment.listed("/v1/runs"))
        states = Counter((run["campaign"], run["state"]) for run in runs)
        fact("runs", ", ".join(f"{number} × {name} {state}" for (name, state), number in sorted(states.items())))
        if states != {(name, "finished"): len(MONDAYS) for name in mondays.firings(0)}:
            yield f"other runs than there should be: {dict(states)}"
