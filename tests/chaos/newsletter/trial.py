"""One trial of a newsletter: sent while worker, relay, Postgres and Valkey are killed in turn; then the verdict."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from uuid import UUID

from drumbeat.local.frames import Json
from tests.chaos import oracle, report
from tests.chaos.environment import Environment
from tests.chaos.faults import Faults
from tests.chaos.inboxes import Inboxes
from tests.chaos.newsletter import orders as bought
from tests.chaos.newsletter import people
from tests.chaos.newsletter.asking import ask
from tests.chaos.newsletter.conductor import BEFORE, LETTER, PAUSES_AT, RIVALS, Conductor, begin_run, run_id
from tests.chaos.newsletter.leavers import Leavers
from tests.chaos.newsletter.ledger import RunsLedger
from tests.chaos.newsletter.oracle import RunOracle, last_opened, openings, state_at
from tests.chaos.newsletter.orders import Orders
from tests.chaos.newsletter.samples import Watch
from tests.chaos.report import fact
from tests.chaos.verification import verify
from tests.chaos.workload import Action

CAMPAIGN = Path(__file__).with_name("campaign.yaml")
KILLED: tuple[tuple[str, Callable[[Faults], None]], ...] = (
    ("worker", lambda faults: faults.kill_worker()),
    ("relay", lambda faults: faults.kill("relay")),
    ("postgres", lambda faults: faults.lose_postgres(signal.SIGKILL)),
    ("valkey", lambda faults: faults.kill("valkey")),
)
EARLY_KILLS = (0.3, 1.5, 3.0, 5.0)  # seconds after it is asked for: while its people and effects are recorded
KILLED_BY = 0.8  # of its mails: until then the others are spread
UNREPORTED: tuple[Mapping[str, Json], ...] = tuple(
    {"lie": "feedback_never", "provider": each, "rate": 1.0} for each in ("resend", "mailgun")
)
SHORT_SECONDS = 60.0
LONG_SECONDS = 420.0  # until all is at its end
LOOK_SECONDS = 0.02
ENDED = ("finished", "cancelled", "missed")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many people there are, how often something is killed, and how many seconds lie between."""

    people: int
    kills: int
    every: float
    latency: int  # milliseconds that the providers take for a call
    seed: int
    keep: bool = False


def run(plan: Plan) -> int:
    """Carry out one trial; returns 0 when no promise was broken. Otherwise everything is kept for inspection."""
    began = time.monotonic()
    fact("seed", plan.seed)
    with Environment(campaign=CAMPAIGN) as environment:
        fact("the stack answers after", f"{time.monotonic() - began:.0f} s, in {environment.folder}")
        violations = Trial(environment, plan).carry_out()
        environment.keep = plan.keep or bool(violations)
        for kind, found in oracle.grouped(violations).items():
            fact(f"BROKEN: {kind}", len(found))
            for violation in found[: report.MAX_SHOWN_VIOLATIONS]:
                fact("", violation)
    fact("the whole took", f"{time.monotonic() - began:.0f} s")
    if environment.keep:
        fact("ledger, record and logs", f"kept in {environment.folder}; again: --seed {plan.seed}")
    return 1 if violations else 0


class Trial:
    """The people of a trial, and what is done to them and to the stack."""

    def __init__(self, environment: Environment, plan: Plan) -> None:
        self._environment = environment
        self._plan = plan
        self._random = Random(plan.seed)
        self._early, self._others = people.readers(plan.people)
        self._members = people.members(plan.people)
        self._inboxes = Inboxes(environment.record)
        self._faults = Faults(environment, self._random)
        self._kills: list[tuple[str, float]] = []  # and when, in seconds of the epoch

    def carry_out(self) -> list[str]:
        """Send an edition before, then the letter while everything is killed; return the broken promises."""
        began = time.monotonic()
        before = self._prepare()
        fact("people are there after", f"{time.monotonic() - began:.0f} s")
        orders = Orders(self._environment)
        orders.start()
        letter = run_id(LETTER)
        watch = Watch(self._environment, letter)
        watch.start()
        conductor = Conductor(self._environment, watch)
        conductor.start()
        mails = [mail for mail in self._inboxes.mails() if mail.list == people.LETTER]
        leavers = Leavers(self._environment, mails, self._plan.kills * self._plan.every, self._random)
        leavers.start()

        self._break(conductor, watch)
        self._end_faults()
        orders.end()
        leavers.end()
        runs = [letter, *conductor.rivals]
        complete = self._wait(runs, LONG_SECONDS)
        watch.end()
        fact("the letter took", f"{time.monotonic() - began:.0f} s")
        violations = [*conductor.refused, *leavers.left.refused, *orders.refused, *watch.samples.violations]
        violations += [] if complete else ["not complete: a run did not come to its end"]
        violations += self._judge(before, letter, conductor, leavers, orders, watch)
        return violations + verify(self._environment)

    # ------------------------------------------------------------ before

    def _prepare(self) -> UUID:
        slow: Mapping[str, Json] = {"lie": "latency", "ms": self._plan.latency}
        for lie in (slow, *UNREPORTED):
            self._environment.command("lies", lie)
        people.put_in(self._environment, {address: {} for address in self._others}, people.LETTER)
        people.bring_in(self._environment, self._early, people.LETTER, "early")
        people.bring_in(self._environment, self._members, people.CLUB, "member")
        until = time.monotonic() + SHORT_SECONDS
        while self._environment.call("GET", "/v1/status")["totals"]["unplanned"]:
            assert time.monotonic() < until, "imported people are not leads yet"
            time.sleep(LOOK_SECONDS)
        before = begin_run(self._environment, BEFORE)
        assert self._wait([before], SHORT_SECONDS), "the edition before did not come to its end"
        return before

    # ------------------------------------------------------------ meanwhile

    def _break(self, conductor: Conductor, watch: Watch) -> None:
        """Kill one after another, until that is done and the conductor is, too."""
        victims = cycle(KILLED)
        began = last = time.monotonic()
        while (self._kills_left or conductor.busy) and time.monotonic() < began + LONG_SECONDS:
            if self._kills_left and self._is_time(time.monotonic() - began, time.monotonic() - last, watch):
                name, kill = next(victims)
                kill(self._faults)
                self._kills.append((name, time.time()))
                last = time.monotonic()
            self._faults.happen()
            time.sleep(LOOK_SECONDS)

    @property
    def _kills_left(self) -> bool:
        return len(self._kills) < self._plan.kills

    def _is_time(self, since_beginning: float, since_last: float, watch: Watch) -> bool:
        """Say whether the next kill is due: the first by the clock, the others as mails are sent."""
        done = len(self._kills)
        if done < len(EARLY_KILLS):
            return since_beginning >= EARLY_KILLS[done]
        share = (done - len(EARLY_KILLS)) / max(self._plan.kills - len(EARLY_KILLS), 1) * KILLED_BY
        return since_last >= self._plan.every and watch.samples.done >= share

    def _end_faults(self) -> None:
        self._faults.end_all()
        for lie in UNREPORTED:
            self._environment.command("lies", lie)

    def _wait(self, runs: list[UUID], seconds: float) -> bool:
        """Wait until runs have ended, and no mail of theirs is under way."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(TimeoutError):
                stories = [ask(self._environment, "GET", f"/v1/runs/{run}").body for run in runs]
                if all(story["state"] in ENDED and not _moves(story) for story in stories):
                    return True
            time.sleep(0.5)
        return False

    # ------------------------------------------------------------ the verdict

    def _never_happened(self, conductor: Conductor, letter: UUID, ledger: RunsLedger) -> list[str]:
        states = Counter(state_at(ledger, letter, at) for _, at in self._kills)
        killed = Counter(name for name, _ in self._kills)
        fact("killed", ", ".join(f"{number} × {name}" for name, number in sorted(killed.items())))
        fact("while the letter was", ", ".join(f"{number} × {state}" for state, number in sorted(states.items())))
        done = {
            "two pauses": len(conductor.pauses) == len(PAUSES_AT),
            "two campaigns for the same people": len(conductor.rivals) == len(RIVALS),
            "all kills before it had finished": not states["finished"] and len(self._kills) == self._plan.kills,
        }
        return [f"never happened: {name}" for name, happened in done.items() if not happened]

    def _judge(
        self, before: UUID, letter: UUID, conductor: Conductor, leavers: Leavers, orders: Orders, watch: Watch
    ) -> list[str]:
        ledger = RunsLedger.read(self._environment.ledger_urls[0])
        missed = self._never_happened(conductor, letter, ledger)
        got = Counter(mail.id for mail in self._inboxes.mails())
        early, others, members = (
            set(people.keys(self._environment, some)) for some in (self._early, self._others, self._members)
        )
        wanted = {before: early, letter: early | others, **dict.fromkeys(conductor.rivals, members)}
        verdict = RunOracle(ledger, got, wanted).check()
        names = {before: BEFORE, letter: LETTER, **dict.fromkeys(conductor.rivals, "for the same people")}
        for (run, end), number in sorted(verdict.ends.items(), key=lambda item: (names[item[0][0]], item[0][1])):
            fact(names[run], f"{number} {end}")
        for pause in conductor.pauses:
            last = last_opened(ledger.attempts, letter, pause.acknowledged, pause.resumed)
            fact("pause: the last attempt opened", f"{last:+.3f} s from its answer" if last is not None else "none")
        seen = ", ".join(f"{number} {state}" for state, number in sorted(watch.samples.states.items()))
        fact("looks at the letter", f"{seen}; {watch.samples.unanswered} without an answer")
        left = ", ".join(f"{len(at)} by {way}" for way, at in leavers.left.at.items())
        fact("left", f"{left}; {verdict.stopped} mails stopped by it")
        done = oracle.actions(self._environment.record)
        fact("orders waited", bought.shown(bought.waits(orders.acknowledged, done)))
        lost = [f"lost: {email}" for email in orders.acknowledged if Action("gifts", email) not in done]
        twice = openings(ledger, conductor.rivals)
        opened_twice = [f"mailed twice under a cap of one: {number} mails" for number in twice.values() if number > 1]
        not_mailed = len(members) - len(twice)
        fact("under a cap of one", f"{len(twice)} of {len(members)} people were mailed, {len(opened_twice)} twice")
        missing = [f"not mailed by either: {not_mailed} people whom two campaigns wanted"] if not_mailed else []
        return [*missed, *verdict.violations, *lost, *opened_twice, *missing]


def _moves(story: dict[str, list[dict[str, int]]]) -> bool:
    return any(step["waiting"] or step["inFlight"] or step["notExpanded"] for step in story["totals"])
