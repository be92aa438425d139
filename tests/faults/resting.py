"""A deployment whose database suspends itself when it is idle, and all that it takes of its servers, on simulated time.

Nothing fails here: what is asked is how long the database is awake, and for what.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, override

from drumbeat.configuration.document import compile_document
from drumbeat.infrastructure.settings import Settings
from tests.faults.clock import LateClock
from tests.faults.environment import Environment
from tests.faults.fault_points import FaultPoint, NoFaults, Operation, Schedule
from tests.faults.processes import SLEEPS_AFTER_SECONDS
from tests.faults.queues import EFFECTS
from tests.faults.simulation import MINUTE, Simulation

KEYS_AGE_SECONDS = 5.0  # at a time; each time reads every key

DOCUMENT = """
version: 1
accounts:
  mail:
    provider: mailgun
    settings: {domain: mg.example.com, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:SIMULATED"}
    limits: ["10/s burst 20"]
  crm: {provider: hubspot, secrets: {token: "env:SIMULATED"}, limits: ["10/s"]}
  office:
    provider: http
    settings: {base_url: "http://sandbox/http/safe", repeat: safe}
    secrets: {signing_key: "env:SIMULATED"}
sources:
  mail-reports:
    webhook: standard_webhooks
    secrets: ["env:SIMULATED_WEBHOOK"]
    type: FEEDBACK
    speaks_for: mail
flows:
  welcome:
    on: LEAD_CAPTURE
    when: "source == 'shop'"
    steps:
      - id: contact
        account: crm
        action: upsert_contact
        with: {email: "{{ payload.email }}", properties: {firstname: "{{ payload.name }}"}}
      - id: hello
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", subject: Welcome, text: "Hello {{ payload.name }}"}
      - id: tell-office
        account: office
        action: call
        after: hello
        with: {method: POST, path: /leads, body: "{{ payload.email }}"}
  post:
    on: CONTENT_PUBLISH
    steps:
      - {id: announce, account: office, action: call, with: {method: PUT, path: /posts, body: "{{ payload.name }}"}}
  letter:
    on: CAMPAIGN_TRIGGER
    when: "source == 'shop'"
    steps:
      - id: letter
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", subject: "The Monday note", text: "News for {{ payload.name }}"}
"""


@dataclass(slots=True)
class Awake:
    """One time in which the database was awake: from its first statement to five minutes after its last."""

    first: float
    last: float

    @property
    def seconds(self) -> float:
        return self.last - self.first + SLEEPS_AFTER_SECONDS


class Meter(FaultPoint):
    """Counts what every process asks of every server, and notes when the database is awake."""

    def __init__(self, schedule: Schedule, clock: LateClock) -> None:
        super().__init__(schedule, NoFaults(), clock.advance)
        self._clock = clock
        self.commands: Counter[tuple[str, str]] = Counter()  # by process and operation
        self.awake: list[Awake] = []

    @override
    def note(self, text: str) -> None:
        raise AssertionError(text)  # a process died

    @override
    def pass_through[T](self, who: str, die: Callable[[], None], operation: Operation[T]) -> T:
        self.commands[who, operation.name] += operation.commands
        if operation.name.startswith("db "):
            self._clock.set_ledger()
            self._statement(self._clock.gone)
        return operation.act()

    def total(self, server: str, *but: tuple[str, str]) -> int:
        """Return how much was asked of a server (`db`, `redis`, `sqs`), some operations of processes aside."""
        return sum(
            number
            for (who, name), number in self.commands.items()
            if name.startswith(f"{server} ") and (who, name) not in but
        )

    def _statement(self, now: float) -> None:
        if not self.awake or now > self.awake[-1].last + SLEEPS_AFTER_SECONDS:
            self.awake.append(Awake(now, now))
        self.awake[-1].last = now


class Resting(Simulation):
    """A deployment with an agenda: what happens outside, minute by minute the relay, and a worker for each message."""

    clocks = LateClock
    point: Meter

    def __init__(self, environment: Environment, seed: int = 0, *, waits: bool = True) -> None:
        """`waits`: reports may wait while the database sleeps."""
        self._waits = waits
        self._unaged = 0.0
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._added = 0
        self.invocations: Counter[str] = Counter()
        super().__init__(environment, seed)
        assert isinstance(self.clock, LateClock)
        self.point = Meter(self.schedule, self.clock)
        self.invariants.observe = lambda observed: None  # type: ignore[method-assign]

    @override
    def compiled(self, **changes: Any) -> dict[str, Any]:
        return dict(compile_document(DOCUMENT, {}))

    @override
    def _settings(self) -> Settings:
        made = super()._settings()
        return made if self._waits else replace(made, feedback_queue_url="")

    @override
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self._unaged += seconds
        if self._unaged >= KEYS_AGE_SECONDS:
            self.environment.age_keys(self._unaged)
            self._unaged = 0.0

    def at(self, when: float, act: Callable[[], object]) -> None:
        """Let something happen that many seconds after the epoch."""
        self._added += 1
        heapq.heappush(self._agenda, (float(round(when)), self._added, act))

    def run(self, until: float) -> None:
        """Let everything happen up to a moment."""
        while (moment := self._moment()) <= until:
            self.advance(max(moment - self.clock.gone, 0.0))
            while self._agenda and self._agenda[0][0] <= self.clock.gone:
                heapq.heappop(self._agenda)[2]()
            if self.clock.gone % MINUTE == 0:
                self.sweep()
                self.invocations["relay"] += 1
            while self.work():
                self.invocations["worker"] += 1
            self.worked()

    def worked(self) -> None:
        """Called when workers have nothing to do at the moment."""

    def _moment(self) -> float:
        moments = [MINUTE * (self.clock.gone // MINUTE + 1)]
        if self._agenda:
            moments.append(self._agenda[0][0])
        if (message := self.queues.next_visible(EFFECTS)) is not None:
            moments.append(message)
        return min(moments)
