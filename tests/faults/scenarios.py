"""Longer histories in which problems of providers, operators and time combine, and how each must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drumbeat.wakeups.queue import WakeUp
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.queues import EFFECTS
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.stories import ADA, BOB, HOUR, POST, warm_up

DAY = 24 * HOUR
AGE = "SELECT extract(epoch FROM drumbeat_now() - opened_at)::float8 AS age FROM attempts WHERE effect_id = %s"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A history, and the statuses of Ada's effects at its end; a step that is not named is accepted."""

    play: Callable[[Simulation], None]
    ends: Mapping[str, str]


def _expired(simulation: Simulation) -> None:
    """An answer is lost, and no worker runs for longer than the provider keeps keys."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.advance(25 * HOUR)
    simulation.settle()


def _repeated(simulation: Simulation) -> None:
    """Answers are lost again and again: an error, silence, half a body, a page instead of JSON."""
    for fault in ("accept_then_500", "accept_then_hang", "cut_body", "html_200"):
        simulation.vendors.inject(fault, provider="resend", times=1)
        simulation.vendors.inject(fault, provider="http", account="safe", times=1)
        simulation.vendors.inject(fault, provider="hubspot", times=1)
    simulation.vendors.inject("accept_then_500", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _lagging(simulation: Simulation) -> None:
    """An answer is lost, and the provider's search lags behind by ten minutes."""
    simulation.vendors.inject("lookup_lag", provider="mailgun", seconds=600)
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _stale(simulation: Simulation) -> None:
    """An answer is lost, and no worker runs for longer than the provider keeps its log; then there is a new control."""
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.advance(4 * DAY)
    simulation.ingest(BOB)
    simulation.settle()


def _log_expires_during_search(simulation: Simulation) -> None:
    """An answer is lost, no search succeeds for three days, and the log expires during the last one."""
    simulation.vendors.inject("lookup_retention", provider="mailgun", seconds=3 * DAY)
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.vendors.inject("lookup_500", provider="mailgun")
    simulation.advance(3 * DAY - HOUR)
    simulation.ingest(BOB)  # a control that is young enough
    simulation.drain()
    simulation.vendors.end_faults()
    simulation.vendors.inject("lookup_retention", provider="mailgun", seconds=3 * DAY)
    (row,) = simulation.environment.owner.run(AGE, (ADA.effects()["hello"],))
    simulation.advance(3 * DAY - 10.0 - row["age"])
    _pause(simulation, Site("worker", "http send mailgun search", 1), lambda: simulation.advance(15.0))
    simulation.settle()


def _blind_search(simulation: Simulation) -> None:
    """An answer is lost, and the provider's search finds nothing at all, not even a mail that is certainly there."""
    simulation.vendors.inject("lookup_retention", provider="mailgun", seconds=0)
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _moving(simulation: Simulation) -> None:
    """An answer is lost, and a person wants to give the account another login."""
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.apply(domain="mg.example.org")
    simulation.settle()


def _moved(simulation: Simulation) -> None:
    """An answer is lost, and the account got another login at the same time; mail is sent under it."""
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.configure(domain="mg.example.org")
    simulation.ingest(BOB)
    simulation.settle()


def _moved_between_tries(simulation: Simulation) -> None:
    """A rate limit postponed a mail, and its account gets another login before the next try."""
    simulation.vendors.inject("429", provider="mailgun", times=1, seconds=20)
    _first_try(simulation)
    simulation.apply(domain="mg.example.org")
    simulation.settle()


def _rewritten(simulation: Simulation) -> None:
    """A rate limit postponed mails, and their text changes before the next try."""
    for provider in ("mailgun", "resend"):
        simulation.vendors.inject("429", provider=provider, times=1, seconds=20)
    _first_try(simulation)
    simulation.apply(subject="Welcome, again")
    simulation.settle()


def _planned_twice(simulation: Simulation) -> None:
    """Two workers plan the same event by two versions at the same time; the later record has one more step."""
    simulation.apply(more=True)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.apply()
        for message in simulation.queues.queues[EFFECTS]:
            message.visible_at = simulation.clock.gone  # the same wake-up once more
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db plans.RECORD", 1), meanwhile)
    simulation.settle()


def _woken_twice(simulation: Simulation) -> None:
    """A wake-up comes for effects that are in flight, and a relay looks at everything."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.environment.redis.flushdb()
        simulation.sweep()
        wake_up = WakeUp(effects=tuple(ADA.effects().values()))
        sent = {"QueueUrl": EFFECTS, "MessageBody": wake_up.dumps()}
        simulation.queues.call(simulation.clock.gone, "SendMessage", sent)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "http send mailgun", 1), meanwhile)
    simulation.settle()


def _unsubscribed_just_in_time(simulation: Simulation) -> None:
    """A person unsubscribes when the worker has claimed the mails and not opened them yet."""
    simulation.ingest(ADA)
    _pause(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress(ADA))
    simulation.settle()


def _overtaken(simulation: Simulation) -> None:
    """A worker is frozen between claim and opening for so long that another claims its effects."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.advance(100.0)
        simulation.sweep()
        # The other has claimed them, and dies at the same place.
        simulation.point.faults = OneFault(Site("worker", "db attempts.OPEN", 2), Fault.CRASH_BEFORE)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db attempts.OPEN", 1), meanwhile)
    simulation.settle()


def _recorded_late(simulation: Simulation) -> None:
    """A worker is frozen with unrecorded answers until another worker has its effects."""
    simulation.vendors.inject("429", provider="*", times=10, seconds=20)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.vendors.end_faults()
        simulation.advance(100.0)
        simulation.sweep()
        simulation.point.faults = OneFault(Site("worker", "http send resend", 2), Fault.CRASH_AFTER)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _recovered_meanwhile(simulation: Simulation) -> None:
    """A worker is frozen with unrecorded failures, and records them after the relay has recovered its effects."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("refuse_then_500", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.advance(100.0)
        simulation.sweep()

    _pause(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _planner_lost(simulation: Simulation) -> None:
    """A second wake-up for an event is processed while its planner works, and the planner dies."""
    simulation.ingest(POST)

    def meanwhile() -> None:
        wake_up = WakeUp(events=(POST.event,))
        sent = {"QueueUrl": EFFECTS, "MessageBody": wake_up.dumps()}
        simulation.queues.call(simulation.clock.gone, "SendMessage", sent)
        simulation.drain("worker 2")
        simulation.point.faults = OneFault(Site("worker", "http send safe", 1), Fault.CRASH_BEFORE)

    _pause(simulation, Site("worker", "http connect safe", 1), meanwhile)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)


def _too_late(simulation: Simulation) -> None:
    """Messages come eight days late: these mails are too old to be sent."""
    simulation.ingest(ADA)
    simulation.advance(8 * DAY)
    simulation.settle()


SCENARIOS: Mapping[str, Scenario] = {
    "a key expires": Scenario(_expired, {"news": "held"}),
    "answers are lost again and again": Scenario(_repeated, {}),
    "the search lags": Scenario(_lagging, {}),
    "the log is gone": Scenario(_stale, {"hello": "held"}),
    "the log goes while it is searched": Scenario(_log_expires_during_search, {"hello": "held"}),
    "the search is blind": Scenario(_blind_search, {"hello": "held"}),
    "a login is about to change": Scenario(_moving, {}),
    "a login has changed": Scenario(_moved, {"hello": "held"}),
    "a login changes between two tries": Scenario(_moved_between_tries, {"hello": "held"}),
    "a text changes between two tries": Scenario(_rewritten, {}),
    "an event is planned twice at once": Scenario(_planned_twice, {}),
    "a wake-up comes for effects in flight": Scenario(_woken_twice, {}),
    "a person unsubscribes just in time": Scenario(
        _unsubscribed_just_in_time, {"hello": "cancelled", "news": "cancelled", "nudge": "cancelled"}
    ),
    "a worker is overtaken before it opens": Scenario(_overtaken, {}),
    "a worker is overtaken before it closes": Scenario(_recorded_late, {"ping": "held"}),
    "the relay comes before an answer": Scenario(_recovered_meanwhile, {"ping": "held"}),
    "a second wake-up is processed too early": Scenario(_planner_lost, {}),
    "all is over a week late": Scenario(
        _too_late, dict.fromkeys(("crm", "hello", "news", "hook", "ping", "nudge"), "cancelled")
    ),
}


def play_scenario(name: str, simulation: Simulation) -> None:
    """Run a scenario after a warm-up; raises AssertionError when Ada's effects have other statuses."""
    play(SCENARIOS[name], simulation)


def play(scenario: Scenario, simulation: Simulation) -> None:
    """As `play_scenario`, of a scenario that has no name."""
    warm_up(simulation)
    scenario.play(simulation)
    ended = {step: _status(simulation, effect) for step, effect in ADA.effects().items()}
    expected = dict.fromkeys(ended, "accepted") | dict(scenario.ends)
    expected |= {"nudge": "waiting"} if expected["hello"] == "held" else {}
    assert ended == expected


def _status(simulation: Simulation, effect: object) -> str:
    rows = simulation.environment.owner.run("SELECT status FROM effects WHERE id = %s", (effect,))
    return str(rows[0]["status"]) if rows else "missing"


def _first_try(simulation: Simulation) -> None:
    """Try Ada's effects once, and no more."""
    simulation.ingest(ADA)
    simulation.work()


def _pause(simulation: Simulation, site: Site, meanwhile: Callable[[], None]) -> None:
    """Freeze a worker at one place while something else happens."""
    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = OneFault(site, Fault.HANG_BEFORE)
    simulation.meanwhile = meanwhile
    simulation.work()
    simulation.point.faults = NoFaults()
    simulation.advance(MINUTE)
