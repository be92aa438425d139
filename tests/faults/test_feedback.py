"""Feedback of providers ends unknown outcomes, at any time and however often it comes."""

from dataclasses import replace

import pytest

from drumbeat.operations.decisions import Decision
from tests.faults.fault_points import Fault, NoFaults, OneFault, Site
from tests.faults.oracle import check_promises
from tests.faults.reports import Told
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import PARCEL, warm_up

EFFECT = PARCEL.effects()["parcel"]
DELIVERED = Told("ses", EFFECT)
RETURNED = replace(DELIVERED, word="refused")
HORIZON_SECONDS = 900.0


def unanswered(simulate: Simulate, fault: str = "accept_then_cut") -> Simulation:
    """Send a mail whose answer is lost: the provider accepts it, or drops it."""
    simulation = simulate()
    warm_up(simulation)
    simulation.vendors.inject(fault, provider="ses", times=1)
    simulation.ingest(PARCEL)
    simulation.drain()
    assert effect_status(simulation) == "unknown"
    return simulation


def tell(simulation: Simulation, *told: Told) -> None:
    """Report, and let a worker use it."""
    simulation.report(*told)
    simulation.drain()


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

    tell(simulation, DELIVERED)

    (last,) = simulation.environment.owner.run(
        "SELECT to_status, actor, reason_code, reason FROM journal WHERE effect_id = %s ORDER BY seq DESC LIMIT 1",
        (EFFECT,),
    )
    assert last == {
        "to_status": "accepted",
        "actor": "feedback",
        "reason_code": "feedback",
        "reason": "reported by the provider: Delivery",
    }
    simulation.settle()
    check_promises(simulation, strict=True)


@pytest.mark.point(51)
def test_repeated_feedback_is_recorded_once(simulate: Simulate) -> None:
    simulation = unanswered(simulate)

    tell(simulation, DELIVERED, DELIVERED)
    tell(simulation, DELIVERED, replace(DELIVERED, word="opened"))

    assert recorded_feedback(simulation) == ["accepted"]


@pytest.mark.point(51)
def test_feedback_that_comes_before_the_answer_is_found_when_the_answer_is_lost(simulate: Simulate) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.point.forget()
    simulation.point.faults = OneFault(Site("worker", "http send ses", 1), Fault.HANG_AFTER)
    simulation.point.hang_seconds = 0.0
    simulation.meanwhile = lambda: simulation.report(DELIVERED)
    simulation.vendors.inject("accept_then_cut", provider="ses", times=1)
    simulation.ingest(PARCEL)

    simulation.drain()
    simulation.point.faults = NoFaults()
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    check_promises(simulation, strict=True)


@pytest.mark.point(51)
def test_a_refusal_ends_it_when_the_time_for_feedback_is_over(simulate: Simulate) -> None:
    simulation = unanswered(simulate, "refuse_then_cut")

    tell(simulation, RETURNED)
    simulation.advance(HORIZON_SECONDS)
    simulation.settle()

    assert effect_status(simulation) == "refused"
    check_promises(simulation)


@pytest.mark.point(51)
@pytest.mark.parametrize("said", [[RETURNED, DELIVERED], [DELIVERED, RETURNED]])
def test_in_any_order_acceptance_is_the_proof(simulate: Simulate, said: list[Told]) -> None:
    simulation = unanswered(simulate)

    for word in said:
        tell(simulation, word)
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    assert recorded_feedback(simulation) == [{"delivered": "accepted"}.get(word.word, word.word) for word in said]


@pytest.mark.point(51)
def test_what_contradicts_itself_in_one_message_is_recorded_once_each(simulate: Simulate) -> None:
    simulation = unanswered(simulate)

    tell(simulation, RETURNED, DELIVERED)

    assert effect_status(simulation) == "accepted"
    assert sorted(recorded_feedback(simulation)) == ["accepted", "refused"]


def test_what_is_held_needs_no_person_once_it_is_proven(simulate: Simulate) -> None:
    simulation = unanswered(simulate)
    simulation.settle()
    assert effect_status(simulation) == "held"

    tell(simulation, DELIVERED)

    assert effect_status(simulation) == "accepted"


def test_what_a_person_sent_again_and_still_waits_is_not_sent_once_the_first_is_proven(simulate: Simulate) -> None:
    simulation = unanswered(simulate)
    simulation.settle()
    simulation.outages.redis = True  # nothing wakes a worker
    simulation.decide(Decision.RESEND)
    simulation.outages.redis = False
    assert effect_status(simulation) == "waiting"

    simulation.report(DELIVERED)
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    assert [action.key for action in simulation.vendors.performed() if action.provider == "ses"] == [f"{EFFECT}-1"]
    check_promises(simulation)


def test_proof_of_an_earlier_generation_that_came_first_is_found_before_the_next_is_sent(simulate: Simulate) -> None:
    simulation = unanswered(simulate)
    simulation.settle()
    simulation.decide(Decision.DROP)
    tell(simulation, DELIVERED)
    assert effect_status(simulation) == "cancelled"

    simulation.decide(Decision.REDRIVE, even_if_sent=True)
    simulation.settle()

    assert effect_status(simulation) == "accepted"
    assert [action.key for action in simulation.vendors.performed() if action.provider == "ses"] == [f"{EFFECT}-1"]


@pytest.mark.point(51)
@pytest.mark.point(52)
@pytest.mark.parametrize(
    "told",
    [
        Told("ses", PARCEL.event),
        Told("ses", EFFECT, 2),
        Told("ses", EFFECT, account="news"),
    ],
    ids=["never sent", "another generation", "for another account"],
)
def test_feedback_about_no_mail_of_the_account_moves_nothing(simulate: Simulate, told: Told) -> None:
    simulation = unanswered(simulate)

    tell(simulation, told)

    assert effect_status(simulation) == "unknown"
    assert recorded_feedback(simulation) == []
    (row,) = simulation.environment.owner.run("SELECT count(*) AS events FROM events WHERE type = 'FEEDBACK'")
    assert row["events"] == 1  # it is kept, and shown
