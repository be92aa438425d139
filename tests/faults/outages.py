"""Outages of providers: what is in the way, for how long, at which traffic; and how long recovery takes after it."""

import math
from dataclasses import dataclass
from itertools import zip_longest

from tests.faults.in_the_way import InTheWay, forbidden, not_sent, replied, silent
from tests.faults.sample_deployment import CLASSES, STEPS, Lead
from tests.faults.simulation import MINUTE, Simulation

POISON = "poison"  # a person whose requests alone are refused
RETRY_AFTER = "20"
ENDS = """
    SELECT step, status, reason_code, extract(epoch FROM updated_at)::float8 AS at, tries
      FROM effects WHERE event_id = ANY (%s)
"""


KINDS: dict[str, InTheWay] = {
    "no name": not_sent("host not found"),
    "no connection": not_sent("connection refused"),
    "TLS": not_sent("TLS failed"),
    "503": replied(503),
    "503 with Retry-After": replied(503, {"retry-after": RETRY_AFTER}),
    "403 for one": forbidden(POISON),
    "hang": silent,
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
