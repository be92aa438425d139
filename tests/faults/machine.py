"""A deployment in which anything may happen, in any order that Hypothesis generates."""

from contextlib import suppress

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.operations.decisions import MOVES, Decision
from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Queue, QueueError
from tests.faults.fault_points import Fault, NoFaults, Site
from tests.faults.interleaving import PROVIDER_FAULTS, PROVIDERS
from tests.faults.oracle import check_promises, check_promises_so_far
from tests.faults.queues import DEAD, EFFECTS
from tests.faults.runs import Simulate
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import Simulation
from tests.faults.stories import PARCEL, warm_up

LEADS = [Lead("ada"), Lead("bob"), PARCEL]


class NthOperation:
    """One fault at the nth operation from now."""

    def __init__(self, nth: int, fault: Fault) -> None:
        self._left, self._fault = nth, fault

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        self._left -= 1
        possible = twice or self._fault is not Fault.TWICE
        return self._fault if self._left == 0 and possible else None


class Deployment(RuleBasedStateMachine):
    """Each rule is something that may happen: the invariants hold after each, and every promise is kept at the end."""

    def __init__(self, simulate: Simulate) -> None:
        super().__init__()
        self._simulate = simulate

    @initialize()
    def begin(self) -> None:
        self.simulation: Simulation = self._simulate()
        self.simulation.meanwhile = self._others
        warm_up(self.simulation)

    @rule(lead=st.sampled_from(LEADS))
    def ingest(self, lead: Lead) -> None:
        self.simulation.ingest(lead)

    @rule()
    def deliver(self) -> None:
        self.simulation.work()

    @rule(nth=st.integers(1, 25), fault=st.sampled_from([*Fault]))
    def deliver_with_fault(self, nth: int, fault: Fault) -> None:
        self._begin_fault(nth, fault)
        self.simulation.work()
        self._end_fault()

    @rule(nth=st.integers(1, 15), fault=st.sampled_from([*Fault]))
    def sweep_with_fault(self, nth: int, fault: Fault) -> None:
        self._begin_fault(nth, fault)
        self.simulation.sweep()
        self._end_fault()

    @rule()
    def sweep(self) -> None:
        self.simulation.sweep()

    @rule()
    def redeliver(self) -> None:
        for message in self.simulation.queues.queues[EFFECTS]:
            message.visible_at = self.simulation.clock.gone

    @rule()
    def lose_all_messages(self) -> None:
        self.simulation.queues.queues[EFFECTS].clear()

    @rule()
    def redrive_dead_letters(self) -> None:
        process = self.simulation.process("person")
        with suppress(SqsError, QueueError):
            DeadLetters(process.sqs, DEAD, Queue(process.sqs, EFFECTS)).redrive()

    @rule()
    def lose_redis(self) -> None:
        self.simulation.environment.redis.flushdb()

    @rule(first=st.sampled_from(["relay", "worker", "ingest"]))
    def rename_keys_of_redis(self, first: str) -> None:
        self.simulation.rename_keys(first)

    @rule(seconds=st.sampled_from([1, 20, 50, 300, 1_900, 4_000, 30_000, 90_000]))
    def pass_time(self, seconds: int) -> None:
        self.simulation.advance(float(seconds))

    @rule(fault=st.sampled_from(PROVIDER_FAULTS), provider=st.sampled_from(PROVIDERS), times=st.integers(1, 3))
    def fault(self, fault: str, provider: str, times: int) -> None:
        self.simulation.vendors.inject(fault, provider=provider, times=times)

    @rule(lead=st.sampled_from(LEADS), lifted=st.booleans())
    def suppress(self, lead: Lead, lifted: bool) -> None:
        self.simulation.suppress(lead, lifted=lifted)

    @rule(decision=st.sampled_from([*Decision]), even_if_sent=st.booleans())
    def decide(self, decision: Decision, even_if_sent: bool) -> None:
        self.simulation.decide(decision, even_if_sent=even_if_sent and decision is Decision.REDRIVE)

    @rule(decision=st.sampled_from([Decision.REDRIVE, Decision.CANCEL]))
    def decide_about_all(self, decision: Decision) -> None:
        self.simulation.decide_all(decision, *MOVES[decision].takes)

    @rule()
    def report(self) -> None:
        self.simulation.report(*self.simulation.vendors.feedback())

    @rule(domain=st.sampled_from(["mg.example.com", "mg.example.org"]), more=st.booleans())
    def apply(self, domain: str, more: bool) -> None:
        self.simulation.apply(domain=domain, more=more)

    @invariant()
    def every_promise_is_kept_so_far(self) -> None:
        if hasattr(self, "simulation"):
            check_promises_so_far(self.simulation)

    def teardown(self) -> None:
        if not hasattr(self, "simulation"):
            return
        self.simulation.vendors.end_faults()
        self.simulation.settle(within=30 * 86_400.0)
        check_promises(self.simulation)

    def _begin_fault(self, nth: int, fault: Fault) -> None:
        self.simulation.point.faults = NthOperation(nth, fault)

    def _end_fault(self) -> None:
        self.simulation.point.faults = NoFaults()

    def _others(self) -> None:
        self._end_fault()
        self.simulation.sweep("relay 2")
        self.simulation.drain("worker 2")


SHORT = settings(
    max_examples=15,
    stateful_step_count=15,
    database=None,
    deadline=None,  # the processes of the pool load no conftest
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
LONG = settings(SHORT, max_examples=25, stateful_step_count=30)


def run(simulate: Simulate, number: int, length: settings) -> None:
    """Run histories that Hypothesis generates, always the same ones for one number."""

    @seed(number)
    def deployment() -> Deployment:
        return Deployment(simulate)

    run_state_machine_as_test(deployment, settings=length)  # type: ignore[arg-type]
