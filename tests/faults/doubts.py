"""Histories in which an outcome stays in doubt for long, and how each must end."""

from collections.abc import Mapping

from drumbeat.wakeups.queue import WakeUp
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.in_the_way import not_sent, replied
from tests.faults.queues import EFFECTS, REPORTS
from tests.faults.reports import Told
from tests.faults.scenarios import Scenario, _first_try, _status, pause_at
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.stories import ADA, BOB, HOUR, PARCEL, POST

HELD = "SELECT FROM journal WHERE to_status = 'held'"


class NoConnection:
    """A provider cannot be reached, as often as it is tried."""

    def __init__(self, provider: str) -> None:
        self._name = f"http connect {provider}"

    def fault_at(self, site: Site, *, twice: bool) -> Fault | None:
        return Fault.ERROR_BEFORE if site.name == self._name else None


def _expired_between_two_repeats(simulation: Simulation) -> None:
    """Two answers are lost, twenty hours apart; the key lives for a day from the first."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.advance(20 * HOUR)
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    simulation.sweep()
    simulation.drain()
    simulation.advance(5 * HOUR)
    simulation.settle()


def _expired_before_its_repeat(simulation: Simulation) -> None:
    """An answer is lost; it is decided to repeat the request, and no worker runs until the key has expired."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    while _status(simulation, ADA.effects()["news"]) == "unknown":
        simulation.advance(1.0)
        simulation.work()
    simulation.advance(25 * HOUR)
    simulation.settle()


def _unreachable_afterwards(simulation: Simulation) -> None:
    """An answer is lost, and the provider is never reached again."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.point.faults = NoConnection("resend")
    simulation.settle(within=2 * 24 * HOUR)
    simulation.point.faults = NoFaults()


def _asleep_before_the_call(simulation: Simulation) -> None:
    """A worker sleeps before it connects, until its mail was looked for, was proven absent and was sent again."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        for _ in range(45):
            simulation.advance(MINUTE)
            simulation.sweep()
            simulation.drain("worker 2")

    pause_at(simulation, Site("worker", "http connect mailgun", 1), meanwhile)
    simulation.settle()


def _opening_unanswered(simulation: Simulation) -> None:
    """The attempts are committed, and the answer to their commit is lost: no call was made yet, and each is."""
    simulation.ingest(ADA)
    simulation.point.forget()
    simulation.point.faults = OneFault(Site("worker", "db attempts.OPEN", 1), Fault.ERROR_AFTER)
    simulation.work()
    simulation.settle()


def _dropped(simulation: Simulation) -> None:
    """The mail provider drops a mail and answers with an error."""
    simulation.vendors.inject("refuse_then_500", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _late_repeat(simulation: Simulation) -> None:
    """Answers are lost; it is decided to repeat the request, and no worker runs until it would be too old to begin."""
    simulation.vendors.inject("accept_then_cut", provider="hubspot", times=1)
    _first_try(simulation)
    while _status(simulation, ADA.effects()["crm"]) == "unknown":
        simulation.advance(1.0)
        simulation.work()
    simulation.advance(8 * 24 * HOUR)
    simulation.settle()


def _subscribed_again(simulation: Simulation) -> None:
    """A mail is cancelled because its person has unsubscribed; they subscribe again before the next is due."""
    simulation.ingest(ADA)
    pause_at(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress(ADA))
    simulation.suppress(ADA, lifted=True)
    simulation.settle()


def _message_lost(simulation: Simulation) -> None:
    """One request is made; its answer is lost, and so is the message for its repeat: its due entry is left."""
    simulation.vendors.inject("accept_then_cut", provider="http", times=1)
    simulation.ingest(POST)
    simulation.drain()
    simulation.queues.queues[EFFECTS].clear()
    simulation.settle(prompt=True)


def _denied_for_a_while(simulation: Simulation) -> None:
    """Every key is refused for an hour, and people sign up meanwhile; then the keys are repaired."""
    simulation.vendors.in_the_way = replied(401)
    for lead in (ADA, BOB):
        simulation.ingest(lead)
        for _ in range(30):
            simulation.advance(MINUTE)
            simulation.sweep()
            simulation.drain()
    simulation.vendors.in_the_way = None
    simulation.settle()


def _away_for_a_week(simulation: Simulation) -> None:
    """No provider can be reached for more than a week."""
    simulation.vendors.in_the_way = not_sent("connection refused")
    simulation.ingest(ADA)
    simulation.drain()
    for _ in range(8 * 24):
        simulation.advance(HOUR)
        simulation.sweep()
        simulation.drain()
    simulation.vendors.in_the_way = None
    simulation.settle(within=24 * HOUR)


def _reported_as_time_ends(simulation: Simulation) -> None:
    """A mail's answer is lost; it bounces so late that its effect is claimed before a worker has read the report."""
    (parcel,) = PARCEL.effects().values()
    _answer_lost(simulation)
    simulation.advance(HOUR)
    simulation.report(Told("ses", parcel, word="bounced", at=simulation.clock.timestamp()))
    simulation.wake(WakeUp(effects=(parcel,)))
    assert _status(simulation, parcel) == "accepted"
    simulation.settle()


def _delivered_while_asleep(simulation: Simulation) -> None:
    """A mail's answer is lost; it is delivered once the database sleeps, and the report waits when its time ends."""
    _report_late(simulation)
    for _ in range(10):
        simulation.advance(MINUTE)
        simulation.sweep()
        simulation.drain()
    assert not simulation.environment.owner.run(HELD)
    simulation.settle()


def _delivered_without_a_relay(simulation: Simulation) -> None:
    """The same, while neither relay nor messages come; then a worker is faster than the relay that wakes it."""
    _report_late(simulation)
    simulation.queues.queues[EFFECTS].clear()
    simulation.advance(HOUR)
    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = woken = OneFault(Site("relay", "sqs SendMessage effects", 1), Fault.HANG_AFTER)
    simulation.meanwhile = simulation.drain
    simulation.sweep()
    assert woken.happened
    simulation.point.faults = NoFaults()
    assert not simulation.environment.owner.run(HELD)
    simulation.settle()


def _report_late(simulation: Simulation) -> None:
    """Have a mail whose answer was lost, and its delivery reported so late that the report waits."""
    _answer_lost(simulation)
    simulation.advance(9 * MINUTE)
    simulation.report(*simulation.vendors.feedback())
    assert simulation.queues.queues[REPORTS]


def _answer_lost(simulation: Simulation) -> None:
    """Have a mail that its provider accepted, and of which only its reports can tell."""
    simulation.vendors.inject("accept_then_cut", provider="ses", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()


DOUBTS: Mapping[str, Scenario] = {
    "a key expires between two repeats": Scenario(_expired_between_two_repeats, {"news": "held"}),
    "a key expires before its repeat": Scenario(_expired_before_its_repeat, {"news": "held"}),
    "a provider is away after an answer was lost": Scenario(_unreachable_afterwards, {"news": "held"}),
    "a worker sleeps before its call": Scenario(_asleep_before_the_call, {}),
    "the answer to an opening is lost": Scenario(_opening_unanswered, {}),
    "a mail is dropped": Scenario(_dropped, {}),
    "a repeat comes a week late": Scenario(_late_repeat, {"crm": "held", "nudge": "cancelled"}),
    "the message for a repeat is lost": Scenario(_message_lost, {}, POST),
    "every key is refused for a while": Scenario(_denied_for_a_while, {}),
    "no provider can be reached for a week": Scenario(_away_for_a_week, dict.fromkeys(ADA.effects(), "cancelled")),
    "a bounce is reported as the time for reports ends": Scenario(_reported_as_time_ends, {}, PARCEL),
    "a delivery's report waits as the time for reports ends": Scenario(_delivered_while_asleep, {}, PARCEL),
    "a delivery's report waits until the relay is back": Scenario(_delivered_without_a_relay, {}, PARCEL),
    "a person subscribes again": Scenario(
        _subscribed_again, {"hello": "cancelled", "news": "cancelled", "nudge": "cancelled"}
    ),
}
