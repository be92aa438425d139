"""What providers tell by themselves closes what is unknown, whenever it comes and however often."""

import pytest

from drumbeat.delivery.feedback import FeedbackEvent
from drumbeat.operations.resolve import Decision
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.oracle import judge
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import PARCEL, calm

EFFECT = PARCEL.effects()["parcel"]
DELIVERED = FeedbackEvent(EFFECT, 1, "accepted", "delivered", "p-1")
RETURNED = FeedbackEvent(EFFECT, 1, "refused", "no such street")
HORIZON = 900.0  # seconds


def silent(simulate: Simulate, lie: str = "accept_then_cut") -> Simulation:
    """Have the courier take a parcel, or drop it, and say nothing."""
    simulation = simulate()
    calm(simulation)
    simulation.vendors.lie(lie, provider="http", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()
    assert standing(simulation) == "unknown"
    return simulation


def standing(simulation: Simulation) -> str:
    (row,) = simulation.stage.owner.run("SELECT status FROM effects WHERE id = %s", (EFFECT,))
    return str(row["status"])


def words(simulation: Simulation) -> list[str]:
    """Return what was heard, in order."""
    rows = simulation.stage.owner.run("SELECT kind FROM outcomes WHERE origin = 'feedback' ORDER BY id")
    return [row["kind"] for row in rows]


@pytest.mark.point(51)
def test_a_word_ends_the_wait_at_once_and_the_journal_says_whose_it_was(simulate: Simulate) -> None:
    simulation = silent(simulate)

    simulation.report(DELIVERED)

    (last,) = simulation.stage.owner.run(
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
    judge(simulation, strict=True)


@pytest.mark.point(51)
def test_what_is_told_again_is_heard_once(simulate: Simulate) -> None:
    simulation = silent(simulate)

    simulation.report(DELIVERED, DELIVERED)
    simulation.report(DELIVERED)

    assert words(simulation) == ["accepted"]


@pytest.mark.point(51)
def test_a_word_that_comes_before_the_answer_is_found_when_the_answer_is_lost(simulate: Simulate) -> None:
    simulation = simulate()
    calm(simulation)
    simulation.point.forget()
    simulation.point.faults = OneFault(Site("worker", "http send courier", 1), Fault.HANG_AFTER)
    simulation.point.hang = 0.0
    simulation.meanwhile = lambda: simulation.report(DELIVERED)
    simulation.vendors.lie("accept_then_cut", provider="http", times=1)
    simulation.ingest(PARCEL)

    simulation.drain()
    simulation.point.faults = NoFaults()
    simulation.settle()

    assert standing(simulation) == "accepted"
    judge(simulation, strict=True)


@pytest.mark.point(51)
def test_a_refusal_ends_it_when_its_time_to_tell_is_over(simulate: Simulate) -> None:
    simulation = silent(simulate, "refuse_then_cut")

    simulation.report(RETURNED)
    simulation.advance(HORIZON)
    simulation.settle()

    assert standing(simulation) == "refused"
    judge(simulation)


@pytest.mark.point(51)
@pytest.mark.parametrize("said", [[RETURNED, DELIVERED], [DELIVERED, RETURNED]])
def test_in_whatever_order_acceptance_is_the_proof(simulate: Simulate, said: list[FeedbackEvent]) -> None:
    simulation = silent(simulate)

    for word in said:
        simulation.report(word)
    simulation.settle()

    assert standing(simulation) == "accepted"
    assert words(simulation) == [word.kind for word in said]


def test_what_is_held_needs_no_person_once_it_is_proven(simulate: Simulate) -> None:
    simulation = silent(simulate)
    simulation.settle()
    assert standing(simulation) == "held"

    simulation.report(DELIVERED)

    assert standing(simulation) == "accepted"


def test_a_word_about_what_was_sent_before_a_person_sent_it_again_moves_nothing(simulate: Simulate) -> None:
    simulation = silent(simulate, "refuse_then_cut")
    simulation.settle()
    simulation.resolve(Decision.RESEND)

    simulation.report(DELIVERED)

    assert standing(simulation) == "waiting"
    assert words(simulation) == ["accepted"]


@pytest.mark.point(51)
@pytest.mark.point(52)
def test_a_word_about_nothing_of_ours_moves_nothing(simulate: Simulate) -> None:
    simulation = silent(simulate)

    simulation.report(
        FeedbackEvent(PARCEL.event, 1, "accepted", "delivered"), FeedbackEvent(EFFECT, 2, "accepted", "delivered")
    )

    assert standing(simulation) == "unknown"
    assert words(simulation) == []
