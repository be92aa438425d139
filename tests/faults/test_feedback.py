"""Feedback of providers ends unknown outcomes, at any time and however often it comes."""

import pytest

from drumbeat.delivery.feedback import FeedbackEvent
from drumbeat.operations.decisions import Decision
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.oracle import check_promises
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import PARCEL, warm_up

EFFECT = PARCEL.effects()["parcel"]
DELIVERED = FeedbackEvent(EFFECT, 1, "accepted", "delivered", "p-1")
RETURNED = FeedbackEvent(EFFECT, 1, "refused", "no such street")
HORIZON_SECONDS = 900.0


def unanswered(simulate: Simulate, fault: str = "accept_then_cut") -> Simulation:
    """Send a parcel whose answer is lost: the courier accepts it, or drops it."""
    simulation = simulate()
    warm_up(simulation)
    simulation.vendors.inject(fault, provider="http", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()
    assert effect_status(simulation) == "unknown"
    return simulation


def effect_status(simulation: Simulation) -> str:
    (row,) = simulation.environment.owner.run("SELECT status FROM effects WHERE id = %s", (EFFECT,))
    return str(row["status"])


def recorded_feedback(simulation: Simulation) -> list[str]:
    """Return the kinds of the recorded feedback, in order."""
    rows = simulation.environment.owner.run("SELECT kind FROM outcomes WHERE origin = 'feedback' ORDER BY id")
    return [row["kind"] for row in rows]


@pytest.mark.point(51)
def test_feedback_ends_the_wait_at_once_and_the_journal_names_it(simulate: Simulate) -> None:
    simulation = unanswered(simulate)

    simulation.report(DELIVERED)

    (last,) = simulation.environment.owner.run(
        "SELECT to_status, actor, reason_code, reason FROM journal WHERE effect_id = %s ORDER BY seq DESC LIMIT 1",
        (EFFECT,),
    )
    assert last == {
        "to_status": "accepted",
        "actor": "feedback",
        "reason_code": "feedback",
        "reason": "reported by the provider: delivered",
    }
    simulation.settle()
    check_promises(simulation, strict=True)


@pytest.mark.point(51)
def test_repeated_feedback_is_recorded_once(simulate: Simulate) -> None:
    simulation = unanswered(simulate)

    simulation.report(DELIVERED, DELIVERED)
    simulation.report(DELIVERED)

    assert recorded_feedback(simulation) == ["accepted"]


@pytest.mark.point(51)
def test_feedback_that_comes_before_the_answer_is_found_when_the_answer_is_lost(simulate: Simulate) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.point.forget()
    simulation.point.faults = OneFault(Site("worker", "http send courier", 1), Fault.HANG_AFTER)
    simulation.point.hang_seconds = 0.0
    simulation.meanwhile = lambda: simulation.report(DELIVERED)
    simulation.vendors.inject("accept_then_cut", provider="http", times=1)
    simulation.ingest(PARCEL)

    simulation.drain()
    simulation.point.faults = NoFaults()
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    check_promises(simulation, strict=True)


@pytest.mark.point(51)
def test_a_refusal_ends_it_when_the_time_for_feedback_is_over(simulate: Simulate) -> None:
    simulation = unanswered(simulate, "refuse_then_cut")

    simulation.report(RETURNED)
    simulation.advance(HORIZON_SECONDS)
    simulation.settle()

    assert effect_status(simulation) == "refused"
    check_promises(simulation)


@pytest.mark.point(51)
@pytest.mark.parametrize("said", [[RETURNED, DELIVERED], [DELIVERED, RETURNED]])
def test_in_any_order_acceptance_is_the_proof(simulate: Simulate, said: list[FeedbackEvent]) -> None:
    simulation = unanswered(simulate)

    for word in said:
        simulation.report(word)
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    assert recorded_feedback(simulation) == [word.kind for word in said]


def test_what_is_held_needs_no_person_once_it_is_proven(simulate: Simulate) -> None:
    simulation = unanswered(simulate)
    simulation.settle()
    assert effect_status(simulation) == "held"

    simulation.report(DELIVERED)

    assert effect_status(simulation) == "accepted"


def test_feedback_about_an_earlier_generation_moves_nothing(simulate: Simulate) -> None:
    simulation = unanswered(simulate, "refuse_then_cut")
    simulation.settle()
    simulation.decide(Decision.RESEND)

    simulation.report(DELIVERED)

    assert effect_status(simulation) == "waiting"
    assert recorded_feedback(simulation) == ["accepted"]


@pytest.mark.point(51)
@pytest.mark.point(52)
def test_feedback_about_an_unknown_effect_moves_nothing(simulate: Simulate) -> None:
    simulation = unanswered(simulate)

    simulation.report(
        FeedbackEvent(PARCEL.event, 1, "accepted", "delivered"), FeedbackEvent(EFFECT, 2, "accepted", "delivered")
    )

    assert effect_status(simulation) == "unknown"
    assert recorded_feedback(simulation) == []
