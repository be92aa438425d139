"""Short histories that together pass every operation there is: the rows of the matrix."""

from collections.abc import Callable, Mapping
from typing import Any

from drumbeat.operations.resolve import Decision
from tests.faults.fault_points import NoFaults
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE, Simulation
from tests.faults.webhooks import Webhook

ADA, BOB, EVE = Lead("ada"), Lead("bob"), Lead("eve")
POST = Lead("post", "CONTENT_PUBLISH")
PARCEL = Lead("parcel", "CAMPAIGN_TRIGGER")
ORDER, FORM, LATE_FORM = Webhook("order"), Webhook("form", "forms"), Webhook("late-form", "forms")
HOUR = 3600.0

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
    simulation.resolve(Decision.ACCEPTED)
    simulation.settle(prompt=True)


def _swallowed(simulation: Simulation) -> None:
    """Every provider drops the request and answers with an error; a person sends again what cannot be proven."""
    for provider in ("mailgun", "resend", "hubspot", "http"):
        simulation.vendors.inject("refuse_then_500", provider=provider, times=2 if provider == "http" else 1)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    simulation.resolve(Decision.RESEND)
    simulation.settle(prompt=True)


def _undelivered(simulation: Simulation) -> None:
    """The courier drops a parcel and accepts the next, both answers are lost; each time a person decides."""
    for fault in ("refuse_then_cut", "accept_then_cut"):
        simulation.vendors.inject(fault, provider="http", times=1)
    simulation.ingest(PARCEL)
    simulation.settle(prompt=True)
    simulation.resolve(Decision.RESEND)
    simulation.settle(prompt=True)
    simulation.resolve(Decision.ACCEPTED)
    simulation.settle(prompt=True)


def _reported(simulation: Simulation) -> None:
    """Courier and mail provider accept their requests, the answers are lost; feedback comes later."""
    simulation.vendors.inject("accept_then_cut", provider="mailgun", times=1)
    simulation.ingest(ADA)
    simulation.drain()
    simulation.vendors.inject("accept_then_cut", provider="http", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()
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


def _webhook(simulation: Simulation) -> None:
    """Two senders deliver what has happened, each twice; and once more while the ledger is unreachable."""
    for sent in (ORDER, FORM, ORDER, FORM):
        simulation.deliver_webhook(sent)
    simulation.outages.ledger = True
    for sent in (ORDER, FORM, LATE_FORM):
        simulation.deliver_webhook(sent)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)


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


def _replanned(simulation: Simulation) -> None:
    """A flow cannot be planned; a corrected configuration is applied, and the flow is planned again."""
    _apply(simulation, broken=True)
    simulation.ingest(ADA)
    simulation.settle(prompt=True)
    _apply(simulation)
    simulation.settle(prompt=True)
    simulation.advance(2 * MINUTE)
    simulation.sweep()
    simulation.settle(prompt=True)


def _apply(simulation: Simulation, **changes: Any) -> None:
    while not simulation.apply(**changes):
        simulation.advance(1.0)


def _crowd(simulation: Simulation) -> None:
    """More events arrive at once than one batch takes, and an account's limit is low."""
    for number in range(9):
        simulation.ingest(Lead(f"guest{number}"))
    simulation.settle(prompt=True)


STORIES: Mapping[str, Story] = {
    "lead": _lead,
    "post": _post,
    "cut": _cut,
    "swallowed": _swallowed,
    "undelivered": _undelivered,
    "reported": _reported,
    "throttled": _throttled,
    "unsubscribed": _unsubscribed,
    "outage": _outage,
    "batch": _batch,
    "webhook": _webhook,
    "conflict": _conflict,
    "replanned": _replanned,
    "crowd": _crowd,
}


def play_story(story: str, simulation: Simulation) -> None:
    """Run a story to its end. Only the story itself is traced and meets faults."""
    faults, simulation.point.faults = simulation.point.faults, NoFaults()
    warm_up(simulation)
    simulation.point.faults = faults
    simulation.point.forget()
    STORIES[story](simulation)
