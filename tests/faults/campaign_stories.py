"""Stories about the runs of campaigns: each begins with people who have agreed to the list of offers."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from drumbeat.core.reasons import ReasonCode
from drumbeat.core.runs import RunState
from drumbeat.wakeups.queue import WakeUp
from tests.faults.corrections import configure
from tests.faults.fault_points import NoFaults
from tests.faults.outages import pass_until
from tests.faults.queues import EFFECTS
from tests.faults.sample_deployment import CLASSES, DEALS, SALE
from tests.faults.sample_people import Saying, bargain_hunter
from tests.faults.simulation import MINUTE, Simulation

HAL, IDA, JON, KIM = HUNTERS = tuple(bargain_hunter(name) for name in ("hal", "ida", "jon", "kim"))
LEE = bargain_hunter("lee")  # who comes later
A_WHILE = 4 * MINUTE
MISFIRE = "misfire: 2m"  # shorter than that

PLANNED = "SELECT FROM plans WHERE event_id = %s"
STANDS = "SELECT step, status, reason_code FROM effects WHERE event_id = %s ORDER BY id"
MAILS_OF = "SELECT id FROM effects WHERE event_id = %s AND list IS NOT NULL"
OPENED = "SELECT opened_at FROM attempts JOIN effects ON effects.id = effect_id WHERE event_id = %s"
MAIL_OF = """
    SELECT e.id, e.status
      FROM effects e JOIN effects offer ON offer.contact = e.contact
     WHERE e.event_id = %s AND offer.id = %s AND e.list IS NOT NULL
"""


def gather_hunters(simulation: Simulation) -> None:
    """Let the people sign up of whom these stories tell."""
    for one in HUNTERS:
        simulation.say(one)
    simulation.settle(prompt=True)
    simulation.advance(MINUTE)
    simulation.sweep()
    simulation.restart()


def _sold(simulation: Simulation) -> None:
    """A run reaches all of its audience at once, each by one mail, but for one who is suppressed."""
    simulation.suppress(KIM)
    run = simulation.start_run(SALE)
    simulation.settle(prompt=True)
    _ended(simulation, run, accepted=len(HUNTERS) - 1)


def _met(simulation: Simulation) -> None:
    """In the middle of a run one person leaves, one is suppressed, and one comes, who is in no plan."""
    run = simulation.start_run(DEALS)
    simulation.drain()  # as far as the limit of the account lets it
    planned = simulation.environment.owner.run(PLANNED, (run,))  # else a fault has let the plan wait
    late = [one for one in HUNTERS if _waits(simulation, run, one)]
    for one in late[:1]:
        simulation.withdraw(one.effects()["offer"])
    for one in late[1:2]:
        simulation.suppress(one)
    simulation.say(LEE)
    simulation.settle(prompt=True)
    assert not planned or not simulation.environment.owner.run(MAIL_OF, (run, LEE.effects()["offer"]))
    _is(simulation, run, RunState.FINISHED)


def _approved(simulation: Simulation) -> None:
    """A plan is looked at; one person leaves and one comes before it is started, and then it waits for approval."""
    configure(simulation, sale="approve: true")
    run = simulation.start_run(SALE, plan=True)
    simulation.settle(prompt=True)
    simulation.withdraw(HAL.effects()["offer"])
    simulation.say(LEE)
    simulation.settle(prompt=True)
    assert not simulation.environment.owner.run(STANDS, (run,))
    simulation.start_planned(run)
    simulation.settle(prompt=True)
    _is(simulation, run, RunState.AWAITING_APPROVAL)
    configure(simulation, sale="approve: true", offer="Another")
    assert not simulation.approve_run(run), "what was approved is not what would be sent"
    configure(simulation, sale="approve: true")
    simulation.approve_run(run)
    simulation.settle(prompt=True)
    assert not simulation.environment.owner.run(MAIL_OF, (run, HAL.effects()["offer"]))
    _ended(simulation, run, accepted=len(HUNTERS) - 1)


def _halted(simulation: Simulation) -> None:
    """A run is paused in the middle, by a person; nothing is sent until they let it go on."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    simulation.pause_run(run)
    sent = len(list(simulation.vendors.performed()))
    pass_until(simulation, simulation.clock.gone + A_WHILE)
    if isinstance(simulation.point.faults, NoFaults):
        assert len(list(simulation.vendors.performed())) == sent
    simulation.resume_run(run)
    simulation.settle(prompt=True)
    _is(simulation, run, RunState.FINISHED)


def _stopped(simulation: Simulation) -> None:
    """Everything is stopped in the middle of a run, then all accounts one by one; a person signs up meanwhile."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    simulation.stop(None)
    sent = len(list(simulation.vendors.performed()))
    simulation.say(LEE)
    pass_until(simulation, simulation.clock.gone + A_WHILE)
    for account in CLASSES:
        simulation.stop(account)
    simulation.go_on(None)
    pass_until(simulation, simulation.clock.gone + MINUTE)
    if isinstance(simulation.point.faults, NoFaults):
        assert len(list(simulation.vendors.performed())) == sent
    for account in CLASSES:
        simulation.go_on(account)
    simulation.settle(prompt=True)
    _is(simulation, run, RunState.FINISHED)


def _halted_for_a_while(simulation: Simulation) -> None:
    """A run of a schedule is paused until an instant, later than what comes late may be: it goes on by itself."""
    run = fire(simulation, DEALS, MISFIRE)
    simulation.drain()
    simulation.pause_run(run, until=simulation.clock.now() + timedelta(seconds=A_WHILE))
    simulation.wake(WakeUp(events=(run,)))  # a message comes again
    simulation.settle(prompt=True)
    _ended(simulation, run, accepted=2 * len(HUNTERS))


def _called_off(simulation: Simulation) -> None:
    """A run is cancelled in the middle, and another before a worker has seen it."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    simulation.cancel_run(run)
    other = simulation.start_run(SALE)
    simulation.cancel_run(other)
    simulation.settle(prompt=True)
    simulation.advance(1.0)
    simulation.drain()  # its last turn
    _is(simulation, run, RunState.CANCELLED)


def _called_back(simulation: Simulation) -> None:
    """A run is cancelled in the middle, and then sent to those who did not get it."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    simulation.cancel_run(run)
    simulation.settle(prompt=True)
    simulation.send_missing(run)
    simulation.settle(prompt=True)
    if isinstance(simulation.point.faults, NoFaults):  # else it may have finished before, or one may be there already
        _ended(simulation, run, accepted=2 * len(HUNTERS))


def _spam(simulation: Simulation) -> None:
    """Three people complain about the mail of a run that goes on: it stops."""
    run = simulation.start_run(DEALS)
    for _ in range(2):
        simulation.drain()
        simulation.advance(1.0)
    at = simulation.clock.timestamp()
    for mail in simulation.vendors.feedback():
        if mail.effect in {row["id"] for row in simulation.environment.owner.run(MAILS_OF, (run,))}:
            simulation.report(replace(mail, word="complained", at=at))
    simulation.settle(prompt=True)


def _turned(simulation: Simulation) -> None:
    """Turns of a run are doubled, lost, and lost with the words by which they are known."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    messages = simulation.queues.queues[EFFECTS]
    for sent in list(messages):
        simulation.queues.call(
            simulation.clock.gone, "SendMessage", {"QueueUrl": EFFECTS, "MessageBody": sent.body, "DelaySeconds": 1}
        )
    simulation.advance(1.0)
    simulation.drain()
    messages.clear()
    simulation.settle(prompt=True)
    _is(simulation, run, RunState.FINISHED)


def _forgotten(simulation: Simulation) -> None:
    """Redis loses everything in the middle of a run, and the queue, too."""
    run = simulation.start_run(DEALS)
    simulation.drain()
    simulation.environment.redis.flushdb()
    simulation.queues.queues[EFFECTS].clear()
    simulation.settle(prompt=True)
    _is(simulation, run, RunState.FINISHED)


def _interrupted(simulation: Simulation) -> None:
    """The ledger goes away in the middle of a run of a schedule, for longer than its mails may come late."""
    run = fire(simulation, DEALS, MISFIRE)
    simulation.drain()
    simulation.outages.ledger = True
    pass_until(simulation, simulation.clock.gone + A_WHILE)
    simulation.outages.ledger = False
    simulation.settle()
    if simulation.run_stands(run) == RunState.MISSED and not isinstance(simulation.point.faults, NoFaults):
        return  # the fault kept it from beginning before
    _is(simulation, run, RunState.FINISHED)
    reasons = {row["reason_code"] for row in simulation.environment.owner.run(STANDS, (run,))}
    assert reasons == {None, ReasonCode.MISSED} or not isinstance(simulation.point.faults, NoFaults)


def _too_late(simulation: Simulation) -> None:
    """A schedule fires while the ledger is away; when it is back, it is too late for the run to begin."""
    instant = _schedule(simulation, SALE, MISFIRE)
    simulation.outages.ledger = True
    pass_until(simulation, simulation.clock.gone + A_WHILE)
    simulation.outages.ledger = False
    while not simulation.fired(SALE):
        simulation.sweep()
        simulation.advance(1.0)
    simulation.settle()
    (run,) = _fired(simulation, SALE)
    assert simulation.fired(SALE) == [instant]
    _is(simulation, run, RunState.MISSED)
    simulation.send_missing(run)
    simulation.settle()
    _ended(simulation, run, accepted=len(HUNTERS))


def _crossed(simulation: Simulation) -> None:
    """Two runs at once would mail each person twice, and one mail in a week is the most; then one run again."""
    runs = [simulation.start_run(DEALS, key) for key in ("one", "two")]
    simulation.settle(prompt=True)
    for run in runs:
        if simulation.approve_run(run):  # it says what the one before has said
            simulation.settle(prompt=True)
        _is(simulation, run, RunState.FINISHED)
    reasons = Counter(row["reason_code"] for run in runs for row in simulation.environment.owner.run(STANDS, (run,)))
    assert reasons[ReasonCode.CAPPED] == len(HUNTERS)


def _paced(simulation: Simulation) -> None:
    """A run has a pace, which spreads it over half a minute, and quiet hours, which are over soon."""
    over = simulation.clock.now() + timedelta(minutes=2)
    configure(simulation, sale=f"pace: 10/m; quiet_hours: 00:00-{over:%H:%M}; timezone: UTC")
    run = simulation.start_run(SALE)
    simulation.settle(prompt=True)
    _ended(simulation, run, accepted=len(HUNTERS))


def _quiet(simulation: Simulation) -> None:
    """A provider asks to be called later, and that is in quiet hours: the mails leave when these are over."""
    begins = (simulation.clock.now() + timedelta(minutes=2)).replace(second=0)
    ends = begins + timedelta(minutes=3)
    configure(simulation, sale=f"quiet_hours: {begins:%H:%M}-{ends:%H:%M}")
    simulation.vendors.inject("429", provider="resend", times=len(HUNTERS), seconds=150)
    run = simulation.start_run(SALE)
    simulation.settle()
    _ended(simulation, run, accepted=len(HUNTERS))
    opened = [row["opened_at"] for row in simulation.environment.owner.run(OPENED, (run,))]
    assert not [at for at in opened if begins <= at < ends]
    assert [at for at in opened if at >= ends] or not isinstance(simulation.point.faults, NoFaults)


def _schedule(simulation: Simulation, campaign: str, fields: str) -> datetime:
    """Give a campaign one instant, and let it come; return that."""
    instant = (simulation.clock.now() + timedelta(minutes=2)).replace(second=0, microsecond=0)
    configure(simulation, **{campaign: f"schedule: at({instant:%Y-%m-%dT%H:%M:%S}); {fields}"})
    simulation.advance((instant - simulation.clock.now()).total_seconds() + 1.0)
    return instant


def fire(simulation: Simulation, campaign: str, fields: str) -> UUID:
    """Let a campaign fire by its schedule; return the run."""
    instant = _schedule(simulation, campaign, fields)
    simulation.fire(campaign, instant)
    simulation.drain()
    assert simulation.fired(campaign) == [instant]
    (run,) = _fired(simulation, campaign)
    return run


def _fired(simulation: Simulation, campaign: str) -> list[UUID]:
    rows = simulation.environment.owner.run(
        "SELECT id FROM events WHERE source = %s AND door = 'schedule'", (campaign,)
    )
    return [row["id"] for row in rows]


def _waits(simulation: Simulation, run: UUID, one: Saying) -> bool:
    rows = simulation.environment.owner.run(MAIL_OF, (run, one.effects()["offer"]))
    return [row["status"] for row in rows] == ["waiting"]


def _is(simulation: Simulation, run: UUID, state: RunState) -> None:
    assert simulation.run_stands(run) == state


def _ended(simulation: Simulation, run: UUID, **statuses: int) -> None:
    _is(simulation, run, RunState.FINISHED)
    assert Counter(row["status"] for row in simulation.environment.owner.run(STANDS, (run,))) == statuses


CAMPAIGN_STORIES = {
    "sold": _sold,
    "met": _met,
    "approved": _approved,
    "halted": _halted,
    "halted for a while": _halted_for_a_while,
    "stopped": _stopped,
    "called off": _called_off,
    "called back": _called_back,
    "spam": _spam,
    "turned": _turned,
    "forgotten": _forgotten,
    "interrupted": _interrupted,
    "too late": _too_late,
    "crossed": _crossed,
    "paced": _paced,
    "quiet": _quiet,
}
