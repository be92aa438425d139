"""Longer histories in which problems of providers, operators and time combine, and how each must end.

Long, because each scenario is a story of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from drumbeat.core.call_times import LEASE
from drumbeat.core.status import Status
from drumbeat.delivery.verdicts import MAX_CRASHES
from drumbeat.operations.decisions import Decision
from drumbeat.throttle.limiter import Ask, Granted, TokenRequest
from drumbeat.wakeups.queue import WakeUp
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.processes import WORKERS
from tests.faults.queues import EFFECTS
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.stories import ADA, BOB, HOUR, POST, warm_up

DAY = 24 * HOUR
NEWS = ADA.effects()["news"]
ADAS = WakeUp(effects=tuple(ADA.effects().values()))
GRETA = Lead("greta", domain="faß.example")  # her domain, and so her key, was another by rules 1
GRETA_THEN = replace(GRETA, semantics=1)
UNSUBSCRIBED = dict.fromkeys(("hello", "news", "nudge"), "cancelled")
AGE = "SELECT extract(epoch FROM drumbeat_now() - opened_at)::float8 AS age FROM attempts WHERE effect_id = %s"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A history, and the statuses of a lead's effects at its end; a step that is not named is accepted."""

    play: Callable[[Simulation], None]
    ends: Mapping[str, str]
    lead: Lead = ADA


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
    pause_at(simulation, Site("worker", "http send mailgun search", 1), lambda: simulation.advance(15.0))
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

    pause_at(simulation, Site("worker", "db plans.RECORD", 1), meanwhile)
    simulation.settle()


def _woken_twice(simulation: Simulation) -> None:
    """A wake-up comes for effects that are in flight, and a relay looks at everything."""
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.environment.redis.flushdb()
        simulation.sweep()
        _wake(simulation, ADAS)
        simulation.drain("worker 2")

    pause_at(simulation, Site("worker", "http send mailgun", 1), meanwhile)
    simulation.settle()


def _keys_renamed(simulation: Simulation) -> None:
    """The relay has other keys in Redis than a worker that runs on, whose every message is lost."""
    simulation.vendors.inject("429", provider="*", times=10, seconds=900)
    simulation.ingest(ADA)
    simulation.rename_keys("relay")
    simulation.sweep()
    simulation.drain()
    simulation.queues.queues[EFFECTS].clear()
    simulation.ingest(ADA)
    simulation.settle(within=HOUR)


def _unsubscribed_just_in_time(simulation: Simulation) -> None:
    """A person unsubscribes when the worker has claimed the mails and not opened them yet."""
    simulation.ingest(ADA)
    pause_at(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress(ADA))
    simulation.settle()


def _unsubscribed_under_the_key_of_then(simulation: Simulation) -> None:
    """The same, by a worker of the release before, which knows the person under the key of then only."""
    simulation.ingest(GRETA)
    pause_at(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress_as_before(GRETA))
    simulation.settle()


def _unsubscribed_from_a_plan_of_then(simulation: Simulation) -> None:
    """A person unsubscribes from mails that were planned by rules 1, and so for the key of then."""
    simulation.configure(semantics=1)
    simulation.ingest(GRETA_THEN)
    pause_at(simulation, Site("worker", "db attempts.OPEN", 1), lambda: simulation.suppress(GRETA_THEN))
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

    pause_at(simulation, Site("worker", "db attempts.OPEN", 1), meanwhile)
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

    pause_at(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _recovered_meanwhile(simulation: Simulation) -> None:
    """A worker is frozen with unrecorded failures, and records them after the relay has recovered its effects."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("refuse_then_500", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)

    def meanwhile() -> None:
        simulation.advance(100.0)
        simulation.sweep()

    pause_at(simulation, Site("worker", "db attempts.CLOSE", 1), meanwhile)
    simulation.settle()


def _planner_lost(simulation: Simulation) -> None:
    """A second wake-up for an event is processed while its planner works, and the planner dies."""
    simulation.ingest(POST)

    def meanwhile() -> None:
        _wake(simulation, WakeUp(events=(POST.event,)))
        simulation.drain("worker 2")
        simulation.point.faults = OneFault(Site("worker", "http send safe", 1), Fault.CRASH_BEFORE)

    pause_at(simulation, Site("worker", "http connect safe", 1), meanwhile)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)


def _overtaken_at_recovery(simulation: Simulation) -> None:
    """Two workers are woken for the end of a lease: one is frozen before it frees anything, the other claims it."""
    simulation.ingest(ADA)
    simulation.abandon(ADA)
    simulation.advance(LEASE.total_seconds())
    _wake(simulation, ADAS)

    def meanwhile() -> None:
        _wake(simulation, ADAS)
        simulation.point.faults = OneFault(
            Site("worker", "http send resend", 1), Fault.CRASH_AFTER
        )  # under a new lease
        simulation.drain("worker 2")

    pause_at(simulation, Site("worker", "db leases.RECOVER_NAMED", 1), meanwhile)
    simulation.settle()


def _proven_while_sent_again(simulation: Simulation) -> None:
    """An answer is lost; the proof arrives while the mail is sent again, and that is refused."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.vendors.inject("refuse_then_500", provider="resend", times=1, status=400)
    simulation.advance(2 * MINUTE)
    simulation.sweep()
    simulation.work()  # decides that it is safe to repeat
    pause_at(
        simulation,
        Site("worker", "http send resend", 1),
        lambda: simulation.report(*(each for each in simulation.vendors.feedback() if each.effect == NEWS)),
    )
    simulation.settle()


def _redriven_unproven(simulation: Simulation) -> None:
    """Answers are lost, the person unsubscribes meanwhile and comes back; then all that was cancelled is redriven."""
    simulation.vendors.inject("accept_then_cut", provider="resend", times=1)
    _first_try(simulation)
    simulation.suppress(ADA)
    simulation.settle()
    simulation.suppress(ADA, lifted=True)
    simulation.decide(Decision.REDRIVE)
    simulation.decide_all(Decision.REDRIVE, Status.CANCELLED)
    simulation.settle()


def _redriven_knowingly(simulation: Simulation) -> None:
    """As before, but the person says that it may be done twice."""
    _redriven_unproven(simulation)
    simulation.decide(Decision.REDRIVE, even_if_sent=True)
    simulation.settle()


def _redriven_with_another_text(simulation: Simulation) -> None:
    """A text uses what the event does not have; it is corrected, and the mails are redriven."""
    simulation.apply(subject="Welcome {{ payload.nickname }}")
    simulation.ingest(ADA)
    simulation.settle()
    assert _status(simulation, ADA.effects()["hello"]) == "refused"
    simulation.apply(subject="Welcome")
    simulation.decide(Decision.REDRIVE)
    simulation.settle()


def _too_late(simulation: Simulation) -> None:
    """Messages come eight days late: these mails are too old to be sent."""
    simulation.ingest(ADA)
    simulation.advance(8 * DAY)
    simulation.settle()


def _odd_ids(simulation: Simulation) -> None:
    """Every provider takes everything, and names it by what the ledger cannot or must not hold."""
    for provider in ("mailgun", "resend", "hubspot"):
        simulation.vendors.inject("odd_id", provider=provider)
    simulation.vendors.inject("long_body", provider="http")
    for lead in (ADA, BOB):
        simulation.ingest(lead)
    simulation.settle(prompt=True)
    (row,) = simulation.environment.owner.run(
        "SELECT count(*)::int AS n FROM outcomes WHERE reference LIKE '%@example.com%'"
    )
    assert row["n"] == 0


def _deadly(simulation: Simulation) -> None:
    """The call of one mail ends its worker, each time."""
    killer = ADA.effects()["news"]
    simulation.vendors.deadly.add(killer)
    simulation.ingest(ADA)
    simulation.settle(within=HOUR)
    assert simulation.vendors.deaths[killer] == MAX_CRASHES


def _campaign_ahead(simulation: Simulation) -> None:
    """A campaign holds the next four minutes of an account's rate when a person signs up."""
    limits = simulation.process("worker").configuration(1).accounts["mail"].limits
    asks = (Ask(campaign=True),) * 500
    simulation.process("worker").throttle.take([TokenRequest("mail", limits, asks)])
    simulation.ingest(ADA)
    for _ in range(4):
        simulation.drain()
        simulation.advance(1.0)
    assert _status(simulation, ADA.effects()["hello"]) == "accepted", "a transactional mail waits for a campaign"
    simulation.settle()


def _no_redis(simulation: Simulation) -> None:
    """A person signs up while Redis is away, and four workers have more than enough to send."""
    simulation.outages.redis = True
    simulation.ingest(ADA)
    limits = simulation.process("worker").configuration(1).accounts["mail"].limits
    calls = 0
    for _ in range(80):
        for number in range(WORKERS):
            throttle = simulation.process(f"worker {number}").throttle
            answers = throttle.take([TokenRequest("mail", limits, (Ask(),) * 3)])["mail"]
            calls += sum(isinstance(answer, Granted) for answer in answers)
        simulation.advance(0.25)
    assert calls <= WORKERS + 2 * 20, f"{calls} calls in 20 s, of an account of 2/s"
    simulation.outages.redis = False
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
    "keys of Redis are renamed under a worker": Scenario(_keys_renamed, {}),
    "a person unsubscribes just in time": Scenario(
        _unsubscribed_just_in_time, {"hello": "cancelled", "news": "cancelled", "nudge": "cancelled"}
    ),
    "a worker is overtaken before it opens": Scenario(_overtaken, {}),
    "a worker is overtaken before it closes": Scenario(_recorded_late, {"ping": "held"}),
    "a worker is overtaken before it frees a lease": Scenario(_overtaken_at_recovery, {}),
    "proof arrives while it is sent again": Scenario(_proven_while_sent_again, {}),
    "the relay comes before an answer": Scenario(_recovered_meanwhile, {"ping": "held"}),
    "a second wake-up is processed too early": Scenario(_planner_lost, {}),
    "ids are unusable": Scenario(_odd_ids, {}),
    "a call ends its worker each time": Scenario(_deadly, {"news": "held", "ping": "held"}),
    "what may have been sent is redriven": Scenario(_redriven_unproven, {"news": "cancelled"}),
    "what may have been sent is redriven knowingly": Scenario(_redriven_knowingly, {}),
    "a text is corrected and its mail redriven": Scenario(_redriven_with_another_text, {}),
    "a person unsubscribes under the key of then": Scenario(_unsubscribed_under_the_key_of_then, UNSUBSCRIBED, GRETA),
    "a person unsubscribes from a plan of then": Scenario(_unsubscribed_from_a_plan_of_then, UNSUBSCRIBED, GRETA_THEN),
    "a campaign holds slots far ahead": Scenario(_campaign_ahead, {}),
    "Redis is away and four workers share a limit": Scenario(_no_redis, {}),
    "all is over a week late": Scenario(
        _too_late, dict.fromkeys(("crm", "hello", "news", "hook", "ping", "nudge"), "cancelled")
    ),
}


def play_scenario(name: str, simulation: Simulation) -> None:
    """Run a scenario after a warm-up; raises AssertionError when its lead's effects have other statuses."""
    play(SCENARIOS[name], simulation)


def play(scenario: Scenario, simulation: Simulation) -> None:
    """As `play_scenario`, of a scenario that has no name."""
    warm_up(simulation)
    scenario.play(simulation)
    ended = {step: _status(simulation, effect) for step, effect in scenario.lead.effects().items()}
    expected = dict.fromkeys(ended, "accepted") | dict(scenario.ends)
    expected |= {"nudge": "waiting"} if expected.get("hello") == "held" else {}
    assert ended == expected


def _status(simulation: Simulation, effect: object) -> str:
    rows = simulation.environment.owner.run("SELECT status FROM effects WHERE id = %s", (effect,))
    return str(rows[0]["status"]) if rows else "missing"


def _first_try(simulation: Simulation) -> None:
    """Try Ada's effects once, and no more."""
    simulation.ingest(ADA)
    simulation.work()


def _wake(simulation: Simulation, wake_up: WakeUp) -> None:
    """Send a message, at once."""
    simulation.queues.call(simulation.clock.gone, "SendMessage", {"QueueUrl": EFFECTS, "MessageBody": wake_up.dumps()})


def pause_at(
    simulation: Simulation, site: Site, meanwhile: Callable[[], object], *, fault: Fault = Fault.HANG_BEFORE
) -> None:
    """Freeze a worker at one place while something else happens."""
    simulation.point.forget()
    simulation.point.hang_seconds = 0.0
    simulation.point.faults = OneFault(site, fault)
    simulation.meanwhile = meanwhile
    simulation.work()
    simulation.point.faults = NoFaults()
    simulation.advance(MINUTE)
