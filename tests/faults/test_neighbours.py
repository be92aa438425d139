"""What ends its worker each time is found, taken alone and held; its neighbours are done."""

from collections import Counter
from uuid import UUID

import pytest

from drumbeat.core.configuration import Config
from drumbeat.core.events import Event
from drumbeat.delivery import planning
from drumbeat.delivery.candidates_sql import MAX_STARTS
from drumbeat.delivery.verdicts import MAX_CRASHES
from drumbeat.planning.plan import NEVER_ENDS, Plan, plan
from tests.faults.fault_points import Crash
from tests.faults.runs import Simulate
from tests.faults.sample_deployment import CLASSES, STEPS, Lead
from tests.faults.stories import ADA, BOB, PARCEL, POST, warm_up

NEIGHBOURS = (BOB, Lead("cleo"), Lead("dan"), POST, Lead("parcel2", "CAMPAIGN_TRIGGER"))
ENDS = "SELECT id, status, reason_code FROM effects"


@pytest.mark.parametrize(
    ("lead", "step", "code", "deaths"),
    [
        (ADA, "crm", "worker_crashed", MAX_CRASHES),
        (ADA, "hello", "worker_crashed", MAX_CRASHES),
        (ADA, "news", "worker_crashed", MAX_CRASHES),
        (ADA, "hook", "worker_crashed", MAX_CRASHES),
        (ADA, "ping", "unprovable", 1),
        (PARCEL, "parcel", "unprovable", 1),
    ],
    ids=["D", "Q", "K", "K by http", "X", "F"],
)
def test_an_effect_whose_call_ends_its_worker_is_held_and_its_neighbours_are_done(
    simulate: Simulate, lead: Lead, step: str, code: str, deaths: int
) -> None:
    simulation = simulate(0)
    warm_up(simulation)
    killer = lead.effects()[step]
    simulation.vendors.deadly.add(killer)

    for one in (lead, *NEIGHBOURS):
        simulation.ingest(one)
    simulation.settle()

    ended = {row["id"]: row for row in simulation.environment.owner.run(ENDS)}
    assert (ended[killer]["status"], ended[killer]["reason_code"]) == ("held", code)
    assert simulation.vendors.deaths[killer] == deaths
    # What nothing can prove was opened beside the killer once: only a person can decide about it.
    provable = [
        effect for one in NEIGHBOURS for step, effect in one.effects().items() if CLASSES[STEPS[step]] not in ("X", "F")
    ]
    assert {ended[effect]["status"] for effect in provable} == {"accepted"}


def test_an_event_whose_planning_ends_its_worker_is_given_up_and_its_neighbours_are_done(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: Counter[UUID] = Counter()

    def deadly(event: Event, config: Config) -> Plan:
        if event.id == ADA.event:
            deaths[event.id] += 1
            raise Crash
        return plan(event, config)

    monkeypatch.setattr(planning, "plan", deadly)
    simulation = simulate(0)
    warm_up(simulation)

    for one in (ADA, *NEIGHBOURS):
        simulation.ingest(one)
    simulation.settle()

    (given_up,) = simulation.environment.owner.run("SELECT event_id, failed FROM plans WHERE failed <> '{}'")
    flows = ("bargains", "desk", "letters", "welcome")
    assert given_up == {"event_id": ADA.event, "failed": dict.fromkeys(flows, NEVER_ENDS)}
    assert deaths[ADA.event] <= 1 + MAX_STARTS
    ended = {row["id"]: row["status"] for row in simulation.environment.owner.run(ENDS)}
    assert {ended[effect] for one in NEIGHBOURS for effect in one.effects().values()} == {"accepted"}
