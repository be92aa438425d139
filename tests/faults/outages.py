"""Outages of providers: what is in the way, for how long, at which traffic; and how long recovery takes after it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

from drumbeat.core.outcomes import NotSent, Unknown
from drumbeat.core.request import Reply, Request
from tests.faults.sample_deployment import CLASSES, STEPS, Lead
from tests.faults.simulation import MINUTE, Simulation

type Failure = NotSent | Unknown
type InTheWay = Callable[[Request, Callable[[float], None], float], Reply | Failure | None]

POISON = "poison"  # a person whose requests alone are refused
RETRY_AFTER = "20"
RETRY_AFTER_SECONDS = 20.0
ENDS = """
    SELECT step, status, reason_code, extract(epoch FROM updated_at)::float8 AS at, tries
      FROM effects WHERE event_id = ANY (%s)
"""
MOVES = """
    SELECT count(*) AS moves FROM journal WHERE effect_id IN (SELECT id FROM effects WHERE event_id = ANY (%s))
"""


def _not_sent(reason: str) -> InTheWay:
    return lambda request, sleep, budget: NotSent(reason)


def _reply(status: int, headers: dict[str, str]) -> InTheWay:
    return lambda request, sleep, budget: Reply(status, headers, b"")


def _refuse_one(request: Request, sleep: Callable[[float], None], budget: float) -> Reply | None:
    return Reply(403, {}, b"") if POISON.encode() in request.body or POISON in request.url else None


def _hang(request: Request, sleep: Callable[[float], None], budget: float) -> Unknown:
    sleep(budget)
    return Unknown("no complete reply in time")


KINDS: dict[str, InTheWay] = {
    "no name": _not_sent("host not found"),
    "no connection": _not_sent("connection refused"),
    "TLS": _not_sent("TLS failed"),
    "503": _reply(503, {}),
    "503 with Retry-After": _reply(503, {"retry-after": RETRY_AFTER}),
    "403 for one": _refuse_one,
    "hang": _hang,
}


@dataclass(frozen=True, slots=True)
class Outage:
    """One kind of outage for `seconds`, while a lead arrives every `interval` seconds; `leads` at most."""

    kind: str
    seconds: float
    interval: float
    leads: int

    def __str__(self) -> str:
        return f"{self.kind}, {self.seconds:g} s, every {self.interval:g} s"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the effects of one repeat class ended, how long after the outage the last was done, and moves per effect."""

    statuses: frozenset[tuple[str, str | None]]
    seconds: float


def live_through(simulation: Simulation, outage: Outage) -> dict[str, Ended]:
    """Send leads while the providers are away and a little longer, then settle; return the end by repeat class."""
    start = simulation.clock.gone
    leads = [Lead(f"lead-{number}") for number in range(outage.leads)]
    parcels = [Lead(f"parcel-{number}", "CAMPAIGN_TRIGGER") for number in range(outage.leads)]
    if outage.kind == "403 for one":
        leads.insert(0, Lead(POISON))
    ends_at = start + outage.seconds
    simulation.vendors.in_the_way = KINDS[outage.kind]
    for number, pair in enumerate(zip_longest(leads, parcels)):
        pass_until(simulation, start + number * outage.interval, ends_at)
        simulation.ingest_all(*(lead for lead in pair if lead))
        simulation.drain()
    pass_until(simulation, ends_at, ends_at)
    simulation.vendors.in_the_way = None
    simulation.settle(within=2 * 86_400.0)
    return _ends(simulation, [each.event for each in (*leads, *parcels) if each.name != POISON], ends_at)


def pass_until(simulation: Simulation, moment: float, outage_ends: float) -> None:
    """Let what happens until a moment happen: messages become visible, the relay sweeps each minute."""
    while simulation.clock.gone < moment:
        upcoming = min(moment, simulation.next_moment())
        if simulation.clock.gone < outage_ends <= upcoming:
            upcoming = outage_ends
        simulation.advance(upcoming - simulation.clock.gone)
        if simulation.clock.gone >= outage_ends:
            simulation.vendors.in_the_way = None
        if simulation.clock.gone % MINUTE == 0:
            simulation.sweep()
        simulation.drain()


def _ends(simulation: Simulation, events: list[object], ended_at: float) -> dict[str, Ended]:
    over = simulation.clock.timestamp() - simulation.clock.gone + ended_at
    found: dict[str, list[tuple[str, str | None, float]]] = {}
    for row in simulation.environment.owner.run(ENDS, (events,)):
        found.setdefault(CLASSES[STEPS[row["step"]]], []).append((row["status"], row["reason_code"], row["at"] - over))
    return {
        name: Ended(
            frozenset((status, code if status != "accepted" else None) for status, code, _ in rows),
            math.ceil(max(0.0, *(at for _, _, at in rows))),
        )
        for name, rows in found.items()
    }
