"""Histories in which a run may come to rest with something left to do: while Redis is away, or in a race."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

from drumbeat.core.runs import RunState
from drumbeat.operations.decisions import Decision, decide
from drumbeat.operations.stops import resume
from drumbeat.runs import control
from drumbeat.wakeups.queue import WakeUp
from tests.faults.campaign_stories import HAL, fire, gather_hunters
from tests.faults.corrections import configure
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.outages import pass_until
from tests.faults.queues import EFFECTS
from tests.faults.sample_deployment import DEALS, SALE
from tests.faults.scenarios import Scenario, pause_at
from tests.faults.simulation import MINUTE, Simulation

OPENS, LOOKS = Site("worker", "db attempts.OPEN_OF_RUN", 1), Site("worker", "db work.NEXT", 1)
HELD_BY_THE_DEAD = "SELECT id FROM effects WHERE lease_until < drumbeat_now()"
MISSED = "SELECT id FROM effects WHERE event_id = %s AND reason_code = 'missed'"
WAITING = "SELECT id, seq FROM effects WHERE event_id = %s AND status = 'waiting' ORDER BY due_at DESC LIMIT 1"
PAUSE = """
    INSERT INTO account_states (account, failed, pauses, paused_until)
    SELECT account, '{}', 1, drumbeat_now() + %s FROM unnest(%s::text[]) AS account
"""
ACCOUNTS = {DEALS: ["mail", "crm"], SALE: ["news"]}


# ---------------------------------------------------------------- what they begin with, and how they end


def _at_rest(simulation: Simulation, campaign: str = DEALS) -> UUID:
    """A run that is paused, with nothing of it in the queue or in the due index."""
    gather_hunters(simulation)
    run = simulation.start_run(campaign)
    simulation.drain() if campaign == DEALS else simulation.work()
    simulation.pause_run(run)
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    return run


@contextmanager
def _without_redis(simulation: Simulation) -> Iterator[None]:
    simulation.outages.redis = True
    yield
    simulation.outages.redis = False


@contextmanager
def _no_time() -> Iterator[None]:
    """Requests take no steps of a run, as with one that is too large: a worker takes them."""
    before, control.AT_ONCE_SECONDS = control.AT_ONCE_SECONDS, 0.0
    try:
        yield
    finally:
        control.AT_ONCE_SECONDS = before


def _finishes(simulation: Simulation, run: UUID) -> None:
    """It goes on by itself, and nothing waits long."""
    simulation.settle(prompt=True)
    assert simulation.run_stands(run) == RunState.FINISHED


def _quiet_for(minutes: int, simulation: Simulation) -> str:
    over = simulation.clock.now() + timedelta(minutes=minutes)
    return f"quiet_hours: 00:00-{over:%H:%M}; timezone: UTC"


# ---------------------------------------------------------------- Redis is away


def _dead_unseen(simulation: Simulation, *, paused: bool = False) -> None:
    """A worker dies while Redis is away, which takes no entry: its message, come back, finds what it held."""
    gather_hunters(simulation)
    with _without_redis(simulation):
        run = simulation.start_run(SALE)
        simulation.work()
        simulation.point.forget()
        simulation.point.faults = OneFault(OPENS, Fault.CRASH_AFTER)
        simulation.work()
    simulation.point.faults = NoFaults()
    if paused:
        simulation.pause_run(run)
    pass_until(simulation, simulation.clock.gone + 12 * MINUTE)
    assert not simulation.environment.owner.run(HELD_BY_THE_DEAD)
    if paused:
        simulation.resume_run(run)
    _finishes(simulation, run)


def _paused_until(simulation: Simulation) -> None:
    """A run is paused until an instant, in the second in which Redis does not answer."""
    run = _at_rest(simulation)
    simulation.resume_run(run)
    with _without_redis(simulation):
        simulation.pause_run(run, until=simulation.clock.now() + timedelta(minutes=20))
    _finishes(simulation, run)


def _far_off(simulation: Simulation) -> None:
    """A run is approved whose first mail is due in an hour."""
    gather_hunters(simulation)
    configure(simulation, sale=f"approve: true; {_quiet_for(60, simulation)}")
    run = simulation.start_run(SALE)
    simulation.settle(prompt=True)
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    with _without_redis(simulation):
        simulation.approve_run(run)
        simulation.drain()
    _finishes(simulation, run)


def _resumed_in_expansion(simulation: Simulation) -> None:
    """A worker goes on with a run's expansion, of which there was some before."""
    gather_hunters(simulation)
    run = simulation.start_run(SALE)
    pause_at(simulation, Site("worker", "db expansion.expand", 2), lambda: simulation.pause_run(run))
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    with _without_redis(simulation), _no_time():
        simulation.resume_run(run)
        simulation.drain()
    _finishes(simulation, run)


def _missing(simulation: Simulation) -> None:
    """A worker sends to those who did not get it."""
    run = _at_rest(simulation)
    simulation.cancel_run(run)
    pass_until(simulation, simulation.clock.gone + 5 * MINUTE)
    with _without_redis(simulation), _no_time():
        simulation.send_missing(run)
        simulation.drain()
    _finishes(simulation, run)


def _unkept_word(simulation: Simulation) -> None:
    """A run is resumed, and one worker has not noticed yet that Redis is back."""
    run = _at_rest(simulation)
    with _without_redis(simulation):
        simulation.resume_run(run)
        simulation.drain()
    simulation.advance(1.0)
    simulation.point.forget()
    simulation.point.faults = OneFault(Site("worker", "redis ZADD", 1), Fault.ERROR_BEFORE)
    simulation.drain()
    simulation.point.faults = NoFaults()
    _finishes(simulation, run)


def _refused_word(simulation: Simulation) -> None:
    """Redis refuses to write, as in a failover or when it is full, while a person resumes a run."""
    run = _at_rest(simulation)
    simulation.environment.redis.config_set("min-replicas-to-write", 1)
    try:
        simulation.resume_run(run)
        simulation.drain()
    finally:
        simulation.environment.redis.config_set("min-replicas-to-write", 0)
    _finishes(simulation, run)


def _resumed_account(simulation: Simulation) -> None:
    """A person ends the pause of an account for which a run sleeps."""
    run = _at_rest(simulation)
    _pause_accounts(simulation, DEALS, timedelta(hours=3))
    simulation.resume_run(run)
    simulation.advance(1.0)
    simulation.drain()
    with _without_redis(simulation):
        _resume_accounts(simulation, DEALS)
    _finishes(simulation, run)


def _slept_through(simulation: Simulation) -> None:
    """A run sleeps until its people's hour, and Redis is away then for three hours."""
    gather_hunters(simulation)
    configure(simulation, sale=_quiet_for(60, simulation))
    run = simulation.start_run(SALE)
    simulation.drain()
    pass_until(simulation, simulation.clock.gone + 50 * MINUTE)
    with _without_redis(simulation):
        pass_until(simulation, simulation.clock.gone + 180 * MINUTE)
        assert not simulation.overdue()
    _finishes(simulation, run)


def _not_missed(simulation: Simulation) -> None:
    """The same with a schedule, and for longer than its mails may be late: they are not."""
    gather_hunters(simulation)
    run = fire(simulation, SALE, f"{_quiet_for(60, simulation)}; misfire: 30m")
    pass_until(simulation, simulation.clock.gone + 45 * MINUTE)
    with _without_redis(simulation):
        pass_until(simulation, simulation.clock.gone + 60 * MINUTE)
    _finishes(simulation, run)
    assert not simulation.environment.owner.run(MISSED, (run,))


# ---------------------------------------------------------------- races


def _resumed_under_a_turn(simulation: Simulation) -> None:
    """A person resumes a run while a turn that has seen it paused is about to end."""
    run = _at_rest(simulation)
    simulation.resume_run(run)
    simulation.pause_run(run)
    simulation.advance(1.0)
    pause_at(simulation, LOOKS, lambda: simulation.resume_run(run))
    _finishes(simulation, run)


def _account_under_a_turn(simulation: Simulation) -> None:
    """A person ends an account's pause while a turn that has seen it paused is about to sleep until its end."""
    run = _at_rest(simulation)
    _pause_accounts(simulation, DEALS, timedelta(hours=3))
    simulation.resume_run(run)
    simulation.advance(1.0)
    pause_at(simulation, LOOKS, lambda: _resume_accounts(simulation, DEALS), fault=Fault.HANG_AFTER)
    _finishes(simulation, run)


def _paused_again(simulation: Simulation) -> None:
    """A run is resumed, and paused until an instant by another person before the first has the answer."""
    run = _at_rest(simulation)
    until = simulation.clock.now() + timedelta(minutes=20)
    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = OneFault(Site("person", "redis EVAL", 1), Fault.HANG_BEFORE)
    simulation.meanwhile = lambda: simulation.pause_run(run, until=until, who="person 2")
    simulation.resume_run(run)
    simulation.point.faults = NoFaults()
    assert simulation.run_stands(run) == RunState.PAUSED
    _finishes(simulation, run)


def _unknown_in_a_pause(simulation: Simulation) -> None:
    """A run is paused while its second turn has a call open, whose answer is an error: that is looked into."""
    run = _at_rest(simulation, SALE)
    simulation.resume_run(run)
    turns = simulation.turns_asked()
    simulation.queues.queues[EFFECTS].clear()
    simulation.advance(5.0)
    simulation.vendors.inject("accept_then_500", provider="resend", times=1)

    def meanwhile() -> None:
        simulation.pause_run(run)
        simulation.wake(WakeUp(turns=(turns[0], turns[2])), "worker 2")

    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = OneFault(Site("worker", "http send resend", 1), Fault.HANG_BEFORE)
    simulation.meanwhile = meanwhile
    simulation.wake(WakeUp(turns=(turns[1],)))
    simulation.point.faults = NoFaults()
    simulation.settle(prompt=True)
    assert simulation.run_stands(run) == RunState.PAUSED
    simulation.resume_run(run)
    _finishes(simulation, run)


def _redriven_late(simulation: Simulation) -> None:
    """A person cancels a mail of a scheduled run, and hours after its end sends it all the same."""
    gather_hunters(simulation)
    run = fire(simulation, SALE, "pace: 1/m; misfire: 2m")
    one = simulation.environment.owner.run(WAITING, (run,))[0]
    _decide(simulation, one["id"], Decision.CANCEL)
    _finishes(simulation, run)
    pass_until(simulation, simulation.clock.gone + 180 * MINUTE)
    _pause_accounts(simulation, SALE, timedelta(minutes=3))
    _decide(simulation, one["id"], Decision.REDRIVE)
    simulation.settle()
    assert not simulation.environment.owner.run(MISSED, (run,))


def _pause_accounts(simulation: Simulation, campaign: str, duration: timedelta) -> None:
    simulation.environment.owner.run(PAUSE, (duration, ACCOUNTS[campaign]))


def _resume_accounts(simulation: Simulation, campaign: str) -> None:
    with simulation.living("person") as process:
        for account in ACCOUNTS[campaign]:
            resume(account, reason=None, actor="person:ada", services=process)


def _decide(simulation: Simulation, effect: UUID, decision: Decision) -> None:
    with simulation.living("person") as process:
        found = simulation.environment.owner.run("SELECT seq FROM effects WHERE id = %s", (effect,))[0]
        decide(effect, decision, reason="it was asked for", version=found["seq"], actor="person:ada", services=process)


_HISTORIES: Mapping[str, Callable[[Simulation], None]] = {
    "a worker dies in a turn that has no entry": _dead_unseen,
    "a worker dies in a turn that has no entry, and the run is paused": partial(_dead_unseen, paused=True),
    "a run is paused for a while, without Redis": _paused_until,
    "a run is approved for later, without Redis": _far_off,
    "a run is resumed while it is expanded, without Redis": _resumed_in_expansion,
    "a run is sent to those who miss it, without Redis": _missing,
    "a run is resumed without Redis, which comes back": _unkept_word,
    "a run is resumed while Redis refuses to write": _refused_word,
    "an account is resumed without Redis": _resumed_account,
    "a run sleeps until an hour at which Redis is away": _slept_through,
    "a scheduled run sleeps until an hour at which Redis is away": _not_missed,
    "a run is resumed while a turn ends": _resumed_under_a_turn,
    "an account is resumed while a turn falls asleep": _account_under_a_turn,
    "a run is paused for a while as it is resumed": _paused_again,
    "an outcome is unknown in a run that was paused": _unknown_in_a_pause,
    "a mail of a scheduled run is sent again long after": _redriven_late,
}
WAKING_SCENARIOS = {name: Scenario(play, {}, HAL) for name, play in _HISTORIES.items()}
