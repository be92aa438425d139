"""Longer histories in which providers, operators and time conspire, and how each has to end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drumbeat.wakeups.queue import WakeUp
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.queues import EFFECTS
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.stories import ADA, BOB, HOUR, POST, calm

DAY = 24 * HOUR
AGE = "SELECT extract(epoch FROM drumbeat_now() - opened_at)::float8 AS age FROM attempts WHERE effect_id = %s"


@dataclass(frozen=True, slots=True)
class Tale:
    """A history, and where Ada's effects are at its end; what is not named is accepted."""

    play: Callable[[Simulation], None]
    ends: Mapping[str, str]


def _expired(simulation: Simulation) -> None:
    """An answer is lost, and for longer than the provider keeps keys nobody works."""
    simulation.vendors.lie("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.advance(25 * HOUR)
    simulation.settle()


def _repeated(simulation: Simulation) -> None:
    """Answers are lost over and over: an error, silence, half a body, a page instead of JSON."""
    for lie in ("accept_then_500", "accept_then_hang", "cut_body", "html_200"):
        simulation.vendors.lie(lie, provider="resend", times=1)
        simulation.vendors.lie(lie, provider="http", account="safe", times=1)
        simulation.vendors.lie(lie, provider="hubspot", times=1)
    simulation.vendors.lie("accept_then_500", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _lagging(simulation: Simulation) -> None:
    """An answer is lost, and the provider's search lags behind by ten minutes."""
    simulation.vendors.lie("lookup_lag", provider="mailgun", seconds=600)
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _stale(simulation: Simulation) -> None:
    """An answer is lost, and for longer than the provider keeps its log nobody works; then there is a new control."""
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.advance(4 * DAY)
    simulation.ingest(BOB)
    simulation.settle()


def _forgetting(simulation: Simulation) -> None:
    """An answer is lost, no search succeeds for three days, and the log goes in the middle of the last one."""
    simulation.vendors.lie("lookup_retention", provider="mailgun", seconds=3 * DAY)
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.vendors.lie("lookup_500", provider="mailgun")
    simulation.advance(3 * DAY - HOUR)
    simulation.ingest(BOB)  # a control that is young enough
    simulation.drain()
    simulation.vendors.truth()
    simulation.vendors.lie("lookup_retention", provider="mailgun", seconds=3 * DAY)
    (row,) = simulation.stage.owner.run(AGE, (ADA.effects()["hello"],))
    simulation.advance(3 * DAY - 10.0 - row["age"])
    _pause(simulation, Site("worker", "http send mailgun search", 1), lambda: simulation.advance(15.0))
    simulation.settle()


def _blinded(simulation: Simulation) -> None:
    """An answer is lost, and the provider's search finds nothing at all, not even what is surely there."""
    simulation.vendors.lie("lookup_retention", provider="mailgun", seconds=0)
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle()


def _moving(simulation: Simulation) -> None:
    """An answer is lost, and somebody wants to make the account another login."""
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.apply(domain="mg.example.org")
    simulation.settle()


def _moved(simulation: Simulation) -> None:
    """An answer is lost, and the account became another login at that very moment; mail goes out under it."""
    simulation.vendors.lie("accept_then_cut", provider="mailgun", times=1)
    _first_try(simulation)
    simulation.configure(domain="mg.example.org")
    simulation.ingest(BOB)
    simulation.settle()


def _moved_between_tries(simulation: Simulation) -> None:
    """A mail was put off by a rate limit, and its account becomes another login before the next try."""
    simulation.vendors.lie("429", provider="mailgun", times=1, seconds=20)
    _first_try(simulation)
    simulation.apply(domain="mg.example.org")
    simulation.settle()


def _rewritten(simulation: Simulation) -> None:
    """Mails were put off by a rate limit, and their words change before the next try."""
    for provider in ("mailgun", "resend"):
        simulation.vendors.lie("429", provider=provider, times=1, seconds=20)
    _first_try(simulation)
    simulation.apply(subject="Welcome, again")
    simulation.settle()


def _planned_twice(simulation: Simulation) -> None:
    """Two workers plan the same event by two versions at the same time; the later to record has a step more."""
    simulation.apply(more=True)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.apply()
        for message in simulation.queues.queues[EFFECTS]:
            message.visible_at = simulation.clock.gone  # the same doorbell once more
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db plans.RECORD", 1), meanwhile)
    simulation.settle()


def _rung_twice(simulation: Simulation) -> None:
    """Somebody rings for effects that are on their way at this very moment, and a relay looks at everything."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.stage.redis.flushdb()
        simulation.sweep()
        bell = WakeUp(effects=tuple(ADA.effects().values()))
        sent = {"QueueUrl": EFFECTS, "MessageBody": bell.dumps()}
        simulation.queues.call(simulation.clock.gone, "SendMessage", sent)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "http send mailgun", 1), meanwhile)
    simulation.settle()


def _unsubscribed_just_in_time(simulation: Simulation) -> None:
    """Somebody unsubscribes when the worker has claimed the mails and not opened them yet."""
    simulation.ingest(ADA)
    _pause(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress(ADA))
    simulation.settle()


def _overtaken(simulation: Simulation) -> None:
    """A worker is frozen between claim and opening for so long that its effects are claimed by another."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.advance(100.0)
        simulation.sweep()
        # The other has claimed them, and stops at the same place.
        simulation.point.faults = OneFault(Site("worker", "db attempts.OPEN", 2), Fault.CRASH_BEFORE)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db attempts.OPEN", 1), meanwhile)
    simulation.settle()


def _spoken_late(simulation: Simulation) -> None:
    """A worker is frozen with the answers in its hands until its effects are in somebody else's."""
    simulation.vendors.lie("429", provider="*", times=10, seconds=20)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.vendors.truth()
        simulation.advance(100.0)
        simulation.sweep()
        simulation.point.faults = OneFault(Site("worker", "http send resend", 2), Fault.CRASH_AFTER)
        simulation.drain("worker 2")

    _pause(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _recovered_meanwhile(simulation: Simulation) -> None:
    """A worker is frozen with lost answers in its hands, and speaks when the relay has given its effects up."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.lie("refuse_then_500", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.advance(100.0)
        simulation.sweep()

    _pause(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _doubted(simulation: Simulation) -> None:
    """A second doorbell for an event is answered while its planner is at work, and the planner dies."""
    simulation.ingest(POST)

    def meanwhile() -> None:
        bell = WakeUp(events=(POST.event,))
        sent = {"QueueUrl": EFFECTS, "MessageBody": bell.dumps()}
        simulation.queues.call(simulation.clock.gone, "SendMessage", sent)
        simulation.drain("worker 2")
        simulation.point.faults = OneFault(Site("worker", "http send safe", 1), Fault.CRASH_BEFORE)

    _pause(simulation, Site("worker", "http connect safe", 1), meanwhile)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)


def _weekend(simulation: Simulation) -> None:
    """Messages come eight days late: nobody wants these mails any more."""
    simulation.ingest(ADA)
    simulation.advance(8 * DAY)
    simulation.settle()


TALES: Mapping[str, Tale] = {
    "a key expires": Tale(_expired, {"news": "held"}),
    "answers are lost again and again": Tale(_repeated, {}),
    "the search lags": Tale(_lagging, {}),
    "the log is gone": Tale(_stale, {"hello": "held"}),
    "the log goes while it is searched": Tale(_forgetting, {"hello": "held"}),
    "the search is blind": Tale(_blinded, {"hello": "held"}),
    "a login is about to change": Tale(_moving, {}),
    "a login has changed": Tale(_moved, {"hello": "held"}),
    "a login changes between two tries": Tale(_moved_between_tries, {"hello": "held"}),
    "words change between two tries": Tale(_rewritten, {}),
    "an event is planned twice at once": Tale(_planned_twice, {}),
    "effects are rung for on their way": Tale(_rung_twice, {}),
    "somebody unsubscribes just in time": Tale(
        _unsubscribed_just_in_time, {"hello": "cancelled", "news": "cancelled", "nudge": "cancelled"}
    ),
    "a worker is overtaken before it opens": Tale(_overtaken, {}),
    "a worker is overtaken before it closes": Tale(_spoken_late, {"ping": "held"}),
    "the relay comes before an answer": Tale(_recovered_meanwhile, {"ping": "held"}),
    "a second doorbell is answered too early": Tale(_doubted, {}),
    "all is over a week late": Tale(
        _weekend, dict.fromkeys(("crm", "hello", "news", "hook", "ping", "nudge"), "cancelled")
    ),
}


def play(name: str, simulation: Simulation) -> None:
    """Play a tale after a calm beginning; raises AssertionError when Ada's effects end elsewhere."""
    calm(simulation)
    tale = TALES[name]
    tale.play(simulation)
    ended = {step: _status(simulation, effect) for step, effect in ADA.effects().items()}
    expected = dict.fromkeys(ended, "accepted") | dict(tale.ends)
    expected |= {"nudge": "waiting"} if expected["hello"] == "held" else {}
    assert ended == expected


def _status(simulation: Simulation, effect: object) -> str:
    rows = simulation.stage.owner.run("SELECT status FROM effects WHERE id = %s", (effect,))
    return str(rows[0]["status"]) if rows else "missing"


def _first_try(simulation: Simulation) -> None:
    """Have Ada's effects tried once, and nobody go on."""
    simulation.ingest(ADA)
    simulation.work()


def _pause(simulation: Simulation, site: Site, meanwhile: Callable[[], None]) -> None:
    """Freeze a worker at one place while something else happens."""
    simulation.point.forget()
    simulation.point.hang = 0.0
    simulation.point.faults = OneFault(site, Fault.HANG_BEFORE)
    simulation.meanwhile = meanwhile
    simulation.work()
    simulation.point.faults = NoFaults()
    simulation.advance(MINUTE)
