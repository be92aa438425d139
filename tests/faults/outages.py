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
    SELECT step, status, reason_code,
           extract(epoch FROM updated_at - greatest(base_due_at, to_timestamp(%s)))::float8 AS seconds
      FROM effects
     WHERE event_id = ANY (%s)
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
    """How the effects of one repeat class ended, and how long after the outage, or its own time, the last was done."""

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
    simulation.vendors.in_the_way = _until(ends_at, KINDS[outage.kind], simulation)
    for number, pair in enumerate(zip_longest(leads, parcels)):
        pass_until(simulation, start + number * outage.interval)
        simulation.ingest_all(*(lead for lead in pair if lead))
        simulation.drain()
    pass_until(simulation, ends_at)
    simulation.settle(within=2 * 86_400.0)
    return _ends(simulation, [each.event for each in (*leads, *parcels) if each.name != POISON], ends_at)


def _until(moment: float, in_the_way: InTheWay, simulation: Simulation) -> InTheWay:
    return lambda request, sleep, budget: in_the_way(request, sleep, budget) if simulation.clock.gone < moment else None


def pass_until(simulation: Simulation, moment: float) -> None:
    """Let what happens until a moment happen: messages become visible, the relay sweeps each minute."""
    while simulation.clock.gone < moment:
        simulation.advance(max(min(moment, simulation.next_moment()) - simulation.clock.gone, 0.0))
        if simulation.clock.gone % MINUTE == 0:
            simulation.sweep()
        simulation.drain()


def _ends(simulation: Simulation, events: list[object], ended_at: float) -> dict[str, Ended]:
    over = simulation.clock.timestamp() - simulation.clock.gone + ended_at
    found: dict[str, list[tuple[str, str | None, float]]] = {}
    for row in simulation.environment.owner.run(ENDS, (over, events)):
        found.setdefault(CLASSES[STEPS[row["step"]]], []).append((row["status"], row["reason_code"], row["seconds"]))
    return {
        name: Ended(
            frozenset((status, code if status != "accepted" else None) for status, code, _ in rows),
            math.ceil(max(0.0, *(seconds for _, _, seconds in rows))),
        )
        for name, rows in found.items()
    }
