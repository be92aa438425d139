"""Histories of runs that a person starts or stops at the worst moment, or one of whose mails ends its worker."""

from collections.abc import Mapping
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.address import contact_key
from drumbeat.core.runs import RunState
from drumbeat.delivery.verdicts import MAX_CRASHES
from tests.faults.campaign_stories import HAL, HUNTERS, gather_hunters
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.outages import pass_until
from tests.faults.queues import EFFECTS
from tests.faults.sample_deployment import SALE
from tests.faults.scenarios import Scenario, pause_at
from tests.faults.simulation import MINUTE, Simulation

BEGINS = Site("person", "db runs.MOVE", 1)
OPENS, GATHERS = Site("worker", "db attempts.OPEN_OF_RUN", 1), Site("worker", "db gathering.gather", 1)
LOST = "SELECT (SELECT count(*) FROM unplanned) AS listed, (SELECT count(*) FROM plans WHERE event_id = %s) AS plans"


def _expand(simulation: Simulation) -> UUID:
    """Let a run come as far as its first turn, which waits in the queue."""
    gather_hunters(simulation)
    run = simulation.start_run(SALE)
    simulation.work()
    return run


def _paused_just_in_time(simulation: Simulation) -> None:
    """A person pauses a run when a worker has claimed its mails and not opened them: none leaves until it goes on."""
    run = _expand(simulation)
    before = len(list(simulation.vendors.performed()))
    pause_at(simulation, OPENS, lambda: simulation.pause_run(run))
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    assert len(list(simulation.vendors.performed())) == before
    simulation.resume_run(run)
    simulation.settle(prompt=True)
    assert len(list(simulation.vendors.performed())) == before + len(HUNTERS)


def _stopped_just_in_time(simulation: Simulation) -> None:
    """Everything is stopped when a worker has claimed mails and not opened them: none leaves until it goes on."""
    run = _expand(simulation)
    before = len(list(simulation.vendors.performed()))
    pause_at(simulation, OPENS, lambda: simulation.stop(None))
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    assert len(list(simulation.vendors.performed())) == before
    assert simulation.environment.owner.run("SELECT FROM journal WHERE reason_code = 'stopped'")
    simulation.go_on(None)
    simulation.settle(prompt=True)
    assert len(list(simulation.vendors.performed())) == before + len(HUNTERS)
    assert simulation.run_stands(run) == RunState.FINISHED


def _cancelled_just_in_time(simulation: Simulation) -> None:
    """The same, and the run is cancelled: no mail leaves at all."""
    run = _expand(simulation)
    before = len(list(simulation.vendors.performed()))
    pause_at(simulation, OPENS, lambda: simulation.cancel_run(run))
    simulation.settle(prompt=True)
    assert len(list(simulation.vendors.performed())) == before


def _cancelled_unplanned(simulation: Simulation) -> None:
    """A worker dies before it has recorded a run's people, and the run is cancelled: no one looks for its plan."""
    gather_hunters(simulation)
    run = simulation.start_run(SALE)
    simulation.point.forget()
    simulation.point.faults = OneFault(GATHERS, Fault.CRASH_BEFORE)
    simulation.work()
    simulation.point.faults = NoFaults()
    simulation.cancel_run(run)
    pass_until(simulation, simulation.clock.gone + 30 * MINUTE)
    (left,) = simulation.environment.owner.run(LOST, (run,))
    assert (left["listed"], left["plans"]) == (0, 0)
    assert not simulation.queues.queues[EFFECTS], "workers are notified of it still"
    assert simulation.run_stands(run) == RunState.CANCELLED


def _deadly(simulation: Simulation) -> None:
    """The mail of one person ends its worker, each time: the others have theirs, and the run finishes."""
    run = _expand(simulation)
    contact = contact_key(simulation.process("worker").contact_secret, HAL.email)
    killer = ids.effect_id(run, f"campaign:{SALE}", SALE, contact.hex())
    simulation.vendors.deadly.add(killer)
    simulation.settle()
    assert simulation.vendors.deaths[killer] == MAX_CRASHES
    assert simulation.run_stands(run) == RunState.FINISHED


def _alike(simulation: Simulation) -> None:
    """Two people start plans that say the same: the second one's is decided while the first one's is about to begin."""
    gather_hunters(simulation)
    runs = [simulation.start_run(SALE, key, plan=True) for key in ("one", "other")]
    simulation.settle()
    before = len(list(simulation.vendors.performed()))
    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = OneFault(BEGINS, Fault.HANG_BEFORE)
    simulation.meanwhile = lambda: simulation.start_planned(runs[1], who="person 2")
    simulation.start_planned(runs[0])
    simulation.point.faults = NoFaults()
    simulation.settle()
    assert [simulation.run_stands(run) for run in runs] == [RunState.AWAITING_APPROVAL, RunState.FINISHED]
    assert len(list(simulation.vendors.performed())) == before + len(HUNTERS)


CAMPAIGN_SCENARIOS: Mapping[str, Scenario] = {
    "a run is paused just in time": Scenario(_paused_just_in_time, {}, HAL),
    "everything is stopped just in time": Scenario(_stopped_just_in_time, {}, HAL),
    "a run is cancelled just in time": Scenario(_cancelled_just_in_time, {}, HAL),
    "a run is cancelled before its people are recorded": Scenario(_cancelled_unplanned, {}, HAL),
    "two runs that say the same are started at once": Scenario(_alike, {}, HAL),
    "a mail of a run ends its worker each time": Scenario(_deadly, {}, HAL),
}
