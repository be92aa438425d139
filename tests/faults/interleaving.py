"""One seed, one run: workers, relay, ingest and people at once, with crashes, provider faults and lost messages."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from drumbeat.operations.decisions import Decision
from drumbeat.wakeups.queue import WakeUp
from tests.faults.campaign_interleaving import PROCESSES_OF_RUNS, RACES_OF_RUNS, RUN, RunsAtOnce
from tests.faults.consent import EVERY_LIST
from tests.faults.environment import Environment
from tests.faults.fault_points import NoFaults, SomeFaults
from tests.faults.invariants import MOST_CONFIRMATIONS
from tests.faults.oracle import check_promises
from tests.faults.queues import QueueFaults
from tests.faults.runs import Simulate
from tests.faults.sample_deployment import Lead
from tests.faults.sample_people import ASKED_OF, Saying, asked_twice, bargain_hunter, passed_on, sign_up
from tests.faults.scheduler import Scheduler
from tests.faults.simulation import Simulation
from tests.faults.stories import PARCEL, warm_up

PROVIDERS = ("mailgun", "resend", "hubspot", "http")
PROVIDER_FAULTS = (
    "accept_then_500",
    "accept_then_cut",
    "accept_then_hang",
    "refuse_then_500",
    "refuse_then_cut",
    "refuse_then_hang",
    "429",
    "cut_body",
    "truncated_json",
    "html_200",
    "slow_body",
)
TIME_STEPS_SECONDS = (0.2, 1.0, 5.0, 20.0, 47.0, 60.0, 130.0)
THEMES = ("mixed", "duplicates", "mixed", "consent", "mixed", "duplicates", "people", "rush", RUN, RUN)
RACES = ("rush", "asked", *RACES_OF_RUNS)  # themes of a few steps, where order is all that matters
OF_LISTS = ("people", RUN, *RACES)  # themes in which people sign up for lists
WITHOUT_FAULTS = ("consent", *RACES)
PROCESSES_BY_THEME = {
    "mixed": ("ingest", "worker 1", "worker 2", "relay", "person", "provider"),
    "duplicates": ("worker 1", "worker 2", "relay", "provider"),  # every message comes twice
    "consent": ("worker 1", "worker 2", "person"),  # one person has come often, and changes their mind
    "people": ("form", "page", "worker 1", "worker 2", "relay", "person"),
    "rush": ("worker 1", "worker 2", "page"),  # one person, signed up many times, withdraws while workers open mails
    "asked": ("worker 1", "worker 2"),  # each opens one of two mails that ask a person, who may get one more
    **PROCESSES_OF_RUNS,
}
HISTORY = """
    SELECT string_agg(concat_ws(' ', effect_id, seq, from_status, to_status, fence, reason, actor, at), E'\n'
                      ORDER BY effect_id, seq) AS history
      FROM journal
"""
MAIL = "SELECT FROM effects WHERE id = %s"


class Interleaving:
    """A run that its seed decides completely: its theme, its faults, and which process runs at every turn."""

    def __init__(
        self,
        environment: Environment,
        simulate: Simulate,
        seed: int,
        *,
        kind: type[Simulation] = Simulation,
        theme: str | None = None,
    ) -> None:
        self._random = random = Random(seed)
        self._theme = theme or THEMES[seed % len(THEMES)]
        if self._theme in OF_LISTS and not kind.lists:
            self._theme = "consent"
        scheduler = Scheduler(Random(seed + 1), environment.control, self._between_turns)
        scheduler.stay_probability = random.choice((0.3, 0.6, 0.85))
        scheduler.split_probability = 1.0 if self._theme in WITHOUT_FAULTS else random.choice((0.0, 0.3, 1.0))
        self._run_interleaved = scheduler.run
        self.simulation = simulate(seed, schedule=scheduler, kind=kind)
        self._begin()
        self._leads = [Lead(name) for name in ("ada", "bob", "cyd")[: random.randint(1, 3)]]
        self._often = [Lead(name) for name in ("Ada", "aDa", "adA", "ADA")] if self._theme == "consent" else []
        if random.random() < 0.5:
            self._leads.append(PARCEL)
        self._signed_up: list[Saying] = []
        self._runs = RunsAtOnce(self._theme, self.simulation, random, self._wait)

    def _begin(self) -> None:
        warm_up(self.simulation)

    def _check(self) -> None:
        check_promises(self.simulation)

    def run(self) -> str:
        """Run to the end, check every promise, and return the digest of everything that happened."""
        random, simulation = self._random, self.simulation
        for lead in (self._leads[0], *self._often):
            simulation.ingest(lead)
        simulation.point.forget()
        if self._theme in PROCESSES_OF_RUNS:
            self._runs.begin()
        elif self._theme in RACES:
            self._sign_up_before(asked=1 if self._theme == "rush" else MOST_CONFIRMATIONS - 1)
        if self._theme not in WITHOUT_FAULTS:
            simulation.point.faults = SomeFaults(Random(random.random()), random.choice((0.0, 0.01, 0.03, 0.06)))
            self._add_faults()
        self._run_interleaved(self._parts())
        self._end_faults()
        self._runs.end()
        simulation.settle(within=20 * 86_400.0)
        self._runs.end()
        simulation.settle(within=20 * 86_400.0)
        self._check()
        self._decide()
        return self.digest()

    def digest(self) -> str:
        """Return the digest of the run: which process did what in which order, and the results."""
        simulation = self.simulation
        (row,) = simulation.environment.owner.run(HISTORY)
        performed = [f"{action.provider} {action.account} {action.key}" for action in simulation.vendors.performed()]
        return hashlib.sha256(
            "\n".join([*simulation.point.trace, str(row["history"]), *performed]).encode()
        ).hexdigest()

    # ------------------------------------------------------------ faults of servers, providers and clocks

    def _add_faults(self) -> None:
        """Set the faults of queue, providers and clocks that the seed chooses."""
        random, simulation = self._random, self.simulation
        share = random.choice((0.0, 0.1, 0.3))
        doubled = 1.0 if self._theme == "duplicates" else random.choice((0.0, 0.3))
        simulation.queues.faults = QueueFaults(lost=share, doubled=doubled, late=share, failed=share)
        for _ in range(random.randint(0, 3)):
            simulation.vendors.inject(
                random.choice(PROVIDER_FAULTS),
                provider=random.choice(PROVIDERS),
                rate=random.choice((0.3, 1.0)),
                seed=random.randint(0, 99),
                times=random.randint(1, 3),
            )
        if random.random() < 0.5:
            simulation.vendors.inject("lookup_lag", provider="mailgun", seconds=random.choice((30, 300, 1700)))
        if random.random() < 0.2:
            simulation.skews |= {
                "worker 1": random.choice((-600.0, 20.0, 600.0)),
                "ingest": random.choice((-30.0, 30.0)),
            }

    def _between_turns(self) -> None:
        """Change the environment between two turns, as the seed decides."""
        random, simulation = self._random, self.simulation
        draw = random.random()
        if draw < 0.12:
            simulation.advance(random.choice(TIME_STEPS_SECONDS))
        elif self._theme in WITHOUT_FAULTS:
            return
        elif draw < 0.1225:
            simulation.point.note("the keys of Redis have other names")
            simulation.rename_keys("relay")
        elif draw < 0.125:
            simulation.point.note("Redis lost everything")
            simulation.environment.redis.flushdb()
        elif draw < 0.135:
            simulation.outages.redis = not simulation.outages.redis
        elif draw < 0.145:
            simulation.outages.ledger = not simulation.outages.ledger
        elif draw < 0.15:
            simulation.redis_clock.skew = random.choice((-90.0, 0.0, 90.0))  # another node took over
        elif draw < 0.16:
            simulation.outages.wishes = not simulation.outages.wishes

    def _end_faults(self) -> None:
        simulation = self.simulation
        simulation.point.faults = NoFaults()
        simulation.outages.ledger = simulation.outages.redis = simulation.outages.wishes = False
        simulation.queues.faults = QueueFaults()
        simulation.vendors.end_faults()
        simulation.restart()

    # ------------------------------------------------------------ the processes

    def _parts(self) -> Mapping[str, Callable[[], None]]:
        parts: dict[str, Callable[[], None]] = {
            "ingest": self._ingest,
            "worker 1": lambda: self._worker("worker 1"),
            "worker 2": lambda: self._worker("worker 2"),
            "relay": self._relay,
            "provider": self._provider,
            "person": self._change_consent_often if self._theme == "consent" else self._person,
            "form": self._sign_up,
            "page": self._press,
        }
        if woken := {"asked": self._ask, "consent": self._mail_often}.get(self._theme):
            parts |= {f"worker {number}": partial(woken, number) for number in (1, 2)}
        parts |= self._runs.parts()
        return {name: part for name, part in parts.items() if name in PROCESSES_BY_THEME[self._theme]}

    def _ingest(self) -> None:
        for lead in self._leads[1:]:
            self.simulation.ingest(lead)

    def _worker(self, who: str) -> None:
        for _ in range(self._random.randint(4, 10)):
            self.simulation.work(who)
            self._wait(who, 2)

    def _relay(self) -> None:
        for _ in range(3):
            self._wait("relay", 8)
            self.simulation.sweep()

    def _provider(self) -> None:
        """Report some of what the providers have done, twice, possibly the same again."""
        random, simulation = self._random, self.simulation
        for _ in range(2):
            self._wait("provider", random.randint(5, 25))
            feedback = simulation.vendors.feedback()
            simulation.report(*random.sample(feedback, random.randint(0, len(feedback))))

    def _person(self) -> None:
        """A person does one thing at some time."""
        random, simulation = self._random, self.simulation
        self._wait("person", random.randint(0, 25))
        draw = random.random()
        if draw < 0.5:
            simulation.suppress(random.choice(self._leads))
        elif draw < 0.65:
            simulation.apply(domain="mg.example.org")
        elif draw < 0.75:
            simulation.apply(subject="Welcome, again")
        elif draw < 0.85:
            simulation.apply(more=True)
        else:
            simulation.decide(random.choice([*Decision]))

    def _change_consent_often(self) -> None:
        """A person unsubscribes and subscribes again, many times."""
        for number in range(12):
            self.simulation.suppress(self._leads[0], lifted=bool(number % 2))

    def _mail_often(self, number: int) -> None:
        """A worker is woken for each of a person's events alone."""
        for lead in self._often[number % 2 :: 2]:
            self._wait(f"worker {number}", self._random.randint(0, 5))
            self.simulation.wake(WakeUp(events=(lead.event,)), f"worker {number}")

    def _sign_up(self) -> None:
        """One address is signed up again and again, and programs speak for it, too; another is no part of that."""
        random, simulation = self._random, self.simulation
        for number in range(random.randint(3, 6)):
            self._signed_up.append(sign_up("ada", f"sign-up-{number}"))
            simulation.say(self._signed_up[-1], "form")
            if random.random() < 0.3:
                simulation.say(passed_on("ada", f"crm-{number}", door=random.choice(("api", "import"))), "form")
            if random.random() < 0.3:
                self._signed_up.append(asked_twice("ada", f"desk-{number}"))
                simulation.say(self._signed_up[-1], "form")
        simulation.say(bargain_hunter("hal"), "form")

    def _sign_up_before(self, *, asked: int) -> None:
        """One person has signed up and been asked so often, and is about to be asked again."""
        self._signed_up = [sign_up("ada", f"sign-up-{number}") for number in range(5)]
        for one in self._signed_up[:asked]:
            self.simulation.say(one)
        self.simulation.settle()
        for one in self._signed_up[asked:]:
            self.simulation.say(one)

    def _ask(self, number: int) -> None:
        """A worker is woken for one of the sign-ups alone."""
        self.simulation.wake(WakeUp(events=(self._signed_up[-number].event,)), f"worker {number}")

    def _press(self) -> None:
        """A person presses the buttons of mails, and changes their mind each time."""
        random, simulation = self._random, self.simulation
        for number in range(random.randint(6, 12)):
            self._wait("page", random.randint(0, 6))
            if not self._signed_up:
                continue
            leaves = number % 2
            about = self._signed_up[0] if leaves else random.choice(self._signed_up)
            asked = [mail for step, mail in about.effects().items() if step in ASKED_OF.values()]
            mail, of = random.choice(asked), random.choice((None, None, EVERY_LIST))
            if not simulation.environment.owner.run(MAIL, (mail,)):
                continue  # its link is in no mail before it is planned
            if leaves:
                simulation.withdraw(mail, of=of)
            else:
                simulation.confirm(mail)

    def _wait(self, who: str, turns: int) -> None:
        for _ in range(turns):
            self.simulation.schedule.turn(who)

    def _decide(self) -> None:
        """Decide about what has ended or is held, as a person would; that, too, ends as promised."""
        self.simulation.decide(self._random.choice([*Decision]))
        self.simulation.settle(within=20 * 86_400.0)
        self._check()
