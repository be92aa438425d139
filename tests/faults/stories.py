"""Short histories that together pass every operation there is: the rows of the matrix."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from drumbeat.core.call_times import LEASE
from drumbeat.core.status import Status
from drumbeat.ledger.account_states import FAILURES_THAT_PAUSE, FIRST_PAUSE_SECONDS
from drumbeat.operations.decisions import Decision
from drumbeat.people.imports import Mode
from tests.faults.campaign_stories import CAMPAIGN_STORIES, gather_hunters
from tests.faults.corrections import configure, correct
from tests.faults.fault_points import NoFaults
from tests.faults.in_the_way import forbidden, unreachable
from tests.faults.peoples_stories import PEOPLES_STORIES
from tests.faults.reports import Told
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.webhooks import Webhook

ADA, BOB, EVE, MALLORY = Lead("ada"), Lead("bob"), Lead("eve"), Lead("mallory", "CONTENT_PUBLISH")
POST = Lead("post", "CONTENT_PUBLISH")
PARCEL = Lead("parcel", "CAMPAIGN_TRIGGER")
ORDER, FORM, LATE_FORM = Webhook("order"), Webhook("form", "forms"), Webhook("late-form", "forms")
STOLEN = Webhook("stolen", "forms")
BATCH, LATE_BATCH = Webhook("batch", "batches", ("kim", "lee", "max")), Webhook("late", "batches", ("ned", "oda"))
ALONE = Webhook("alone", "batches", ("pia", "rob"))
HOUR = 3600.0
PERSONS_TRIES = 3  # one more than a single fault can spoil

type Story = Callable[[Simulation], None]


def warm_up(simulation: Simulation) -> None:
    """Begin with a working deployment: the due index is watched, and an older mail can be the control of a search."""
    simulation.sweep()
    simulation.ingest(EVE)
    simulation.settle()
    simulation.advance(HOUR)
    simulation.sweep()
    simulation.restart()


def _lead(simulation: Simulation) -> None:
    """A person signs up; the client sends the event twice."""
    simulation.ingest(ADA)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)


def _post(simulation: Simulation) -> None:
    """Content is published: one effect that no other waits for."""
    simulation.ingest(POST)
    simulation.settle(prompt=True)


def _cut(simulation: Simulation) -> None:
    """Every provider accepts the request, and the answer is lost."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("accept_then_cut", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.decide(Decision.ACCEPTED)
    simulation.settle(prompt=True)


def _swallowed(simulation: Simulation) -> None:
    """Every provider drops the request and answers with an error; a person sends again what cannot be proven."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("refuse_then_500", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.decide(Decision.RESEND)
    simulation.settle(prompt=True)


def _undelivered(simulation: Simulation) -> None:
    """The courier drops a parcel and accepts the next, both answers are lost; each time a person decides."""
    for fault in ("refuse_then_cut", "accept_then_cut"):
        simulation.vendors.inject(fault, provider="ses", times=1)
    simulation.ingest(PARCEL)
    simulation.settle(prompt=True)
    simulation.decide(Decision.RESEND)
    simulation.settle(prompt=True)
    simulation.decide(Decision.ACCEPTED)
    simulation.settle(prompt=True)


def _reported(simulation: Simulation) -> None:
    """Courier and mail provider accept their requests, the answers are lost; feedback comes later."""
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.drain()
    simulation.vendors.inject("accept_then_cut", provider="ses", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()
    simulation.report(*simulation.vendors.feedback())
    simulation.settle(prompt=True)


def _bounced(simulation: Simulation) -> None:
    """A mail bounces before the next one to its person is due, another person complains and leaves; told twice."""
    simulation.ingest(ADA)
    simulation.ingest(BOB)
    simulation.drain()
    hello, bobs = ADA.effects()["hello"], BOB.effects()["hello"]
    at = simulation.clock.timestamp()
    told = [Told("mailgun", hello, word="bounced", at=at)]
    told += [Told("mailgun", bobs, word=word, at=at) for word in ("soft", "complained", "left")]
    for one in (*told, *told):
        _report_if_sent(simulation, one)
    simulation.settle(prompt=True)


def _unheard(simulation: Simulation) -> None:
    """A bounce waits in the buffer while a later release is in force: what records it knows no sources."""
    simulation.ingest(ADA)
    simulation.drain()
    simulation.outages.ledger = True
    bounced = Told("mailgun", ADA.effects()["hello"], word="bounced", at=simulation.clock.timestamp())
    _report_if_sent(simulation, bounced)
    simulation.outages.ledger = False
    simulation.configure_for_a_later_release()
    simulation.environment.redis.flushdb()  # nor does Redis
    simulation.restart()
    simulation.sweep()
    simulation.drain()
    simulation.configure()
    simulation.settle()


def _report_if_sent(simulation: Simulation, told: Told) -> None:
    """Be a provider that reports on what it did: a fault may have kept a mail from it until now."""
    if told.effect in {done.effect for done in simulation.vendors.feedback()}:
        simulation.report(told)


def _asleep(simulation: Simulation) -> None:
    """Mails are delivered and opened while the database sleeps; their reports wait, at most for an hour."""
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.advance(2 * HOUR)
    simulation.sweep()
    delivered = simulation.vendors.feedback()
    at = simulation.clock.timestamp()
    simulation.report(*delivered, *(replace(one, word="opened", at=at) for one in delivered))
    simulation.advance(50 * MINUTE)
    for _ in range(10):
        simulation.advance(MINUTE)
        simulation.sweep()
        simulation.drain()
    simulation.settle(prompt=True)


def _erased(simulation: Simulation) -> None:
    """A person is erased between two mails, another before the first, while copies of their sign-ups wait."""
    simulation.ingest(ADA)
    simulation.drain()
    simulation.outages.ledger = True
    simulation.ingest(BOB)
    simulation.ingest(Lead("ada", remark="once more"))
    simulation.outages.ledger = False
    simulation.erase(ADA)
    simulation.erase(BOB)
    simulation.report(*simulation.vendors.feedback())
    simulation.settle(prompt=True)


def _throttled(simulation: Simulation) -> None:
    """Every provider answers that it was called too often."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("429", provider=provider, times=2, seconds=20)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)


def _unsubscribed(simulation: Simulation) -> None:
    """One person unsubscribes between two mails, another before the first."""
    simulation.suppress(BOB)
    simulation.ingest(ADA)
    simulation.ingest(BOB)
    simulation.drain()
    simulation.suppress(ADA)
    simulation.settle(prompt=True)


def _files(simulation: Simulation) -> None:
    """A file of people who must get no mail is imported, one of whom is being mailed, and a file of withdrawals."""
    simulation.ingest(ADA)
    simulation.drain()
    simulation.import_people(Mode.SUPPRESS, ADA, BOB)
    simulation.import_people(Mode.WITHDRAWN, BOB, EVE)
    simulation.ingest(BOB)
    simulation.settle(prompt=True)
    rows = simulation.environment.owner.run("""
        SELECT suppressed_at IS NOT NULL AS suppressed, consent_state(consents, 'any') AS state, count(*) AS people
          FROM contacts GROUP BY 1, 2 ORDER BY 1, 2
    """)
    held = {(row["suppressed"], row["state"]): row["people"] for row in rows}
    assert held == {(False, "withdrawn"): 1, (True, "none"): 1, (True, "withdrawn"): 1}


def _outage(simulation: Simulation) -> None:
    """The ledger is unreachable when a person signs up."""
    simulation.outages.ledger = True
    simulation.ingest(ADA)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)


def _batch(simulation: Simulation) -> None:
    """One request with two events, one of them a repeat; then another while the ledger is unreachable."""
    simulation.ingest_all(EVE, ADA)
    simulation.outages.ledger = True
    simulation.ingest_all(ADA, BOB)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)


def _revoked(simulation: Simulation) -> None:
    """The ledger is unreachable when two people sign up by a key that is then revoked; a person decides about each."""
    simulation.outages.ledger = True
    simulation.ingest_all(ADA, BOB)
    simulation.revoke_caller()
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    if simulation.parks:
        (row,) = simulation.environment.owner.run("SELECT count(*) AS events FROM parked WHERE decision IS NULL")
        assert row["events"] == len({ADA, BOB})
    simulation.discard_parked(BOB)
    simulation.release_parked(ADA)
    simulation.settle(prompt=True)


def _webhook(simulation: Simulation) -> None:
    """Two senders deliver what has happened, each twice; and once more while the ledger is unreachable."""
    for sent in (ORDER, FORM, ORDER, FORM):
        simulation.deliver_webhook(sent)
    simulation.outages.ledger = True
    for sent in (ORDER, FORM, LATE_FORM):
        simulation.deliver_webhook(sent)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)


def _split(simulation: Simulation) -> None:
    """A sender delivers what happened to several people at once, twice; and again while the ledger is unreachable."""
    configure(simulation, split=True)
    for sent in (BATCH, BATCH, ALONE):
        simulation.deliver_webhook(sent)
    simulation.drain()
    simulation.outages.ledger = True
    for sent in (BATCH, LATE_BATCH):
        simulation.deliver_webhook(sent)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    simulation.advance(31 * 24 * HOUR)
    simulation.sweep()  # which deletes the bytes of the deliveries


def _conflict(simulation: Simulation) -> None:
    """While the ledger is unreachable, another body arrives under a used key: both are kept."""
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.outages.ledger = True
    simulation.ingest(Lead("ada", remark="once more, with feeling"))
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    (row,) = simulation.environment.owner.run("SELECT count(*) AS bodies FROM conflicts")
    assert row["bodies"] == 1


def _delivered(simulation: Simulation) -> None:
    """A webhook is delivered that a former release has in the buffer, and by an attacker under other ids."""
    simulation.outages.ledger = True
    simulation.deliver_as_formerly(FORM)
    simulation.outages.ledger = False
    simulation.deliver_webhook(FORM)
    simulation.deliver_webhook(STOLEN)
    simulation.deliver_webhook(STOLEN, id="d-2")
    simulation.deliver_webhook(STOLEN, id="d-3")
    simulation.settle(prompt=True)


def _upgraded(simulation: Simulation) -> None:
    """A webhook was recorded under the key of former releases; it is delivered again, also while the ledger is away."""
    simulation.deliver_as_formerly(FORM)
    simulation.deliver_webhook(FORM)
    simulation.outages.ledger = True
    simulation.deliver_webhook(FORM)
    simulation.deliver_webhook(STOLEN)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)


def _replanned(simulation: Simulation) -> None:
    """A flow cannot be planned; a corrected configuration is applied, and the flow is planned again."""
    correct(simulation, lambda: simulation.ingest(ADA), broken=True)


def _abandoned(simulation: Simulation) -> None:
    """A worker dies with effects in its hands; the relay sees their leases, and a worker is woken for their end."""
    simulation.ingest(ADA)
    simulation.abandon(ADA)
    simulation.advance(10.0)
    simulation.sweep()
    simulation.advance(LEASE.total_seconds() - 10.0)
    simulation.drain()
    simulation.settle(prompt=isinstance(simulation.point.faults, NoFaults))  # the death is a fault already


def _edited(simulation: Simulation) -> None:
    """A campaign is removed between an instant and its firing, which comes late and twice."""
    simulation.advance(1.0)  # the clock may stand at an instant
    configure(simulation, digest="rate(10 minutes)")
    simulation.advance(600.0 - simulation.clock.timestamp() % 600.0 + 30.0)
    instant = simulation.clock.now() - timedelta(seconds=30)
    configure(simulation)
    simulation.fire("digest", instant)
    simulation.fire("digest", instant)
    simulation.ingest(POST)  # only now: no relay has run in these minutes
    simulation.settle(prompt=True)
    simulation.advance(2 * MINUTE)
    simulation.sweep()
    assert simulation.fired("digest") == [instant]


def _removed(simulation: Simulation) -> None:
    """A campaign is removed before its next instant; a firing that was under way still comes."""
    simulation.advance(1.0)  # the clock may stand at an instant
    configure(simulation, digest="rate(10 minutes)")
    simulation.advance(1.0)
    configure(simulation)
    simulation.advance(600.0 - simulation.clock.timestamp() % 600.0 + 30.0)
    (row,) = simulation.environment.owner.run("SELECT max(applied_at) AS removed FROM configs")
    simulation.fire("digest", simulation.clock.now())
    simulation.ingest(POST)  # only now: no relay has run in these minutes
    simulation.settle(prompt=True)
    assert all(instant < row["removed"] for instant in simulation.fired("digest"))


def _crowd(simulation: Simulation) -> None:
    """More events arrive at once than one batch takes, and an account's limit is low."""
    for number in range(9):
        simulation.ingest(Lead(f"guest{number}"))
    simulation.settle(prompt=True)


def _redriven(simulation: Simulation) -> None:
    """Every provider refuses what a person asked for; once they take it, it is sent again, and what came after it."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject(
            "refuse_then_500", provider=provider, times=2 if provider == "http" else 1, status=400
        )
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    _decide(simulation, Decision.REDRIVE, "hello")
    _decide(simulation, Decision.REDRIVE, "nudge")  # while the mail before it is under way
    simulation.settle(prompt=True)
    _decide_all(simulation, Decision.REDRIVE, Status.REFUSED)
    simulation.settle(prompt=True)
    _redrive_what_a_fault_delayed(simulation)


def _redriven_early(simulation: Simulation) -> None:
    """A mail is refused and redriven at once, while the one that comes after it has not ended, and is refused again."""
    simulation.vendors.inject("refuse_then_500", provider="mailgun", times=1, status=400)
    simulation.ingest(ADA)
    simulation.drain()
    simulation.vendors.inject("429", provider="mailgun", times=1, seconds=1_200)
    _decide(simulation, Decision.REDRIVE, "hello")
    simulation.settle(prompt=True)
    _redrive_what_a_fault_delayed(simulation)


def _recalled(simulation: Simulation) -> None:
    """A person cancels mails that wait for a rate limit, and thinks again: the first is sent, then what follows."""
    simulation.vendors.inject("429", provider="mailgun", times=1, seconds=20)
    simulation.ingest(ADA)
    simulation.drain()
    _decide(simulation, Decision.CANCEL, "hello")
    simulation.settle(prompt=True)
    _decide_all(simulation, Decision.REDRIVE, Status.CANCELLED)
    simulation.settle(prompt=True)


def _decide(simulation: Simulation, decision: Decision, step: str) -> None:
    """Be a person who decides about a step, again after a fault; what has gone another way needs no decision."""
    for _ in range(PERSONS_TRIES):
        if simulation.decidable(decision, step):
            simulation.decide(decision, step)
            simulation.advance(1.0)


def _decide_all(simulation: Simulation, decision: Decision, *statuses: Status) -> None:
    """Be a person who decides about all that have one of some statuses, again after a fault."""
    for _ in range(PERSONS_TRIES):
        if simulation.decidable(decision):
            simulation.decide_all(decision, *statuses)
            simulation.advance(1.0)


def _redrive_what_a_fault_delayed(simulation: Simulation) -> None:
    """Be a person who goes on until nothing is refused: after a fault, refusals may come later than the story tells."""
    if isinstance(simulation.point.faults, NoFaults):
        return
    for _ in range(PERSONS_TRIES):
        _decide_all(simulation, Decision.REDRIVE, Status.REFUSED, Status.CANCELLED)
        simulation.decide(Decision.REDRIVE, even_if_sent=True)  # the fault may have left a doubt
        simulation.settle(prompt=True)


def _silent(simulation: Simulation) -> None:
    """A provider cannot be reached, so that its account is paused; who would have been first unsubscribes meanwhile."""
    simulation.vendors.in_the_way = unreachable("/resend/")
    for number in range(FAILURES_THAT_PAUSE):
        simulation.ingest(Lead(f"guest{number}"))
    simulation.drain()
    simulation.ingest(BOB)
    simulation.drain()
    simulation.suppress(BOB)
    simulation.advance(FIRST_PAUSE_SECONDS + 2)
    simulation.drain()  # the first probe fails; Bob's mail will be the next
    simulation.vendors.in_the_way = None
    simulation.settle(prompt=True)


def _forbidden(simulation: Simulation) -> None:
    """A receiver refuses what one message holds, and takes the others."""
    simulation.vendors.in_the_way = forbidden(MALLORY.name)
    simulation.forbidden.add(MALLORY)
    simulation.ingest(MALLORY)
    simulation.drain()
    for number in range(3):  # so that one of them is accepted after a refusal, whatever fault there was
        simulation.advance(2 * MINUTE)
        simulation.sweep()
        simulation.drain()
        simulation.ingest(Lead(f"post{number}", "CONTENT_PUBLISH"))
        simulation.drain()
    simulation.settle(prompt=True)


def _traced(simulation: Simulation) -> None:
    """An answer is lost, looked up and reported; meanwhile the collector is away, and comes back."""
    simulation.traces.wanted = simulation.traces.away = True
    simulation.restart()
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.sweep()
    simulation.report(*simulation.vendors.feedback())
    simulation.traces.away = False
    simulation.settle(prompt=True)
    simulation.advance(7 * HOUR)
    simulation.sweep()


OF_TWO_RELEASES: Mapping[str, Story] = {
    "lead": _lead,
    "post": _post,
    "cut": _cut,
    "swallowed": _swallowed,
    "undelivered": _undelivered,
    "throttled": _throttled,
    "unsubscribed": _unsubscribed,
    "outage": _outage,
    "batch": _batch,
    "revoked": _revoked,
    "webhook": _webhook,
    "conflict": _conflict,
    "delivered": _delivered,
    "upgraded": _upgraded,
    "replanned": _replanned,
    "abandoned": _abandoned,
    "edited": _edited,
    "removed": _removed,
    "crowd": _crowd,
    "redriven": _redriven,
    "redriven early": _redriven_early,
    "recalled": _recalled,
    "silent": _silent,
    "forbidden": _forbidden,
}  # that the release before can take part in: it knows neither lists nor `split`, and lets everything wait
STORIES: Mapping[str, Story] = {
    **OF_TWO_RELEASES,
    "traced": _traced,
    "reported": _reported,
    "bounced": _bounced,
    "unheard": _unheard,
    "asleep": _asleep,
    "erased": _erased,
    "split": _split,
    "files": _files,
    **PEOPLES_STORIES,
    **CAMPAIGN_STORIES,
}


def play_story(story: str, simulation: Simulation) -> None:
    """Run a story to its end. Only the story itself is traced and meets faults."""
    faults, simulation.point.faults = simulation.point.faults, NoFaults()
    warm_up(simulation)
    if story in CAMPAIGN_STORIES:
        gather_hunters(simulation)
    simulation.point.faults = faults
    simulation.point.forget()
    STORIES[story](simulation)
