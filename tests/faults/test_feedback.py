"""Feedback settles what is unknown, whenever it comes, and nothing that is not ours."""

from typing import Literal

import pytest

from drumbeat.feedback import Feedback
from drumbeat.resolve import Decision
from drumbeat.status import Status
from drumbeat.views.derived import DERIVED
from tests.faults.conftest import Simulate
from tests.faults.judge import judge
from tests.faults.points import Fault, OneFault, Site
from tests.faults.proof import clean, struck
from tests.faults.scenarios import ADA, BOB, calm
from tests.faults.simulation import Simulation

STANDING = "SELECT status, reason FROM effects WHERE id = %s"
LEARNED = "SELECT kind, reference FROM outcomes WHERE effect_id = %s AND origin = 'feedback' ORDER BY id"


def said(step: str, what: Literal["accepted", "refused"], *, generation: int = 1) -> Feedback:
    return Feedback(f"{ADA.effects()[step]}-{generation}", what, "r-1")


def status(simulation: Simulation, step: str) -> str:
    (row,) = simulation.stage.owner.run(STANDING, (ADA.effects()[step],))
    return str(row["status"])


def learned(simulation: Simulation, step: str) -> list[str]:
    return [row["kind"] for row in simulation.stage.owner.run(LEARNED, (ADA.effects()[step],))]


def silent(simulation: Simulation, lie: str = "accept_then_cut") -> None:
    """Have Ada's one call to a receiver of which nothing can be known end without an answer."""
    simulation.vendors.lie(lie, provider="http", account="blind", times=1)
    simulation.ingest(ADA)


def pause(simulation: Simulation, name: str, *told: Feedback) -> None:
    """Freeze the worker before one operation while feedback comes."""
    simulation.point.forget()
    simulation.point.hang = 0.0
    simulation.point.faults = OneFault(Site("worker", name, 1), Fault.HANG_BEFORE)

    def meanwhile() -> None:
        simulation.hear(*told)

    simulation.meanwhile = meanwhile
    simulation.work()


@pytest.mark.point(51)
def test_what_nothing_could_prove_is_accepted_when_its_receiver_says_so(simulate: Simulate) -> None:
    simulation = simulate()
    silent(simulation)
    simulation.settle()
    assert status(simulation, "ping") == "held"

    heard = simulation.hear(said("ping", "accepted"))

    assert heard is not None
    assert heard.moved == {ADA.effects()["ping"]: Status.ACCEPTED}
    assert status(simulation, "ping") == "accepted"
    judge(simulation, strict=True)


@pytest.mark.point(51)
def test_feedback_that_overtakes_the_answer_settles_the_attempt_at_its_end(simulate: Simulate) -> None:
    simulation = simulate()
    silent(simulation)

    pause(simulation, "db effects.CLOSE", said("ping", "accepted"))
    assert status(simulation, "ping") == "unknown"

    simulation.settle()
    assert status(simulation, "ping") == "accepted"
    judge(simulation, strict=True)


@pytest.mark.point(51)
@pytest.mark.parametrize("place", ["db effects.OPEN", "db effects.CLAIM"])
def test_what_is_about_to_be_sent_again_is_not_when_it_turns_out_to_be_accepted(simulate: Simulate, place: str) -> None:
    simulation = simulate()
    calm(simulation)
    simulation.vendors.lie("accept_then_cut", provider="resend", times=1)
    simulation.ingest(ADA)
    simulation.work()
    simulation.advance(1.0)
    simulation.work()  # unknown, and so waiting to be sent again

    pause(simulation, place, said("news", "accepted"))
    simulation.settle()

    assert status(simulation, "news") == "accepted"
    rows = simulation.stage.owner.run("SELECT n FROM attempts WHERE effect_id = %s", (ADA.effects()["news"],))
    assert len(rows) == 1
    judge(simulation, strict=True)


@pytest.mark.point(51)
def test_feedback_is_kept_once_and_in_any_order(simulate: Simulate) -> None:
    simulation = simulate()
    silent(simulation)
    simulation.settle()

    for _ in range(3):
        simulation.hear(said("ping", "accepted"), said("ping", "accepted"))
    simulation.hear(said("ping", "refused"))

    assert learned(simulation, "ping") == ["accepted", "refused"]
    assert status(simulation, "ping") == "accepted"
    (row,) = simulation.stage.owner.run(
        f"SELECT derived.status FROM events CROSS JOIN LATERAL ({DERIVED}) AS derived WHERE events.id = %s",
        (ADA.event,),
    )
    assert row["status"] == "attention"
    judge(simulation)


@pytest.mark.point(51)
def test_a_refusal_settles_what_is_unknown_and_leaves_what_is_held(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.vendors.lie("refuse_then_cut", provider="mailgun", times=1)
    silent(simulation, "refuse_then_cut")
    simulation.drain()
    assert (status(simulation, "hello"), status(simulation, "ping")) == ("unknown", "held")

    simulation.hear(said("hello", "refused"), said("ping", "refused"))

    assert (status(simulation, "hello"), status(simulation, "ping")) == ("refused", "held")
    simulation.settle()
    assert status(simulation, "nudge") == "cancelled"


@pytest.mark.point(51)
@pytest.mark.point(52)
@pytest.mark.parametrize(
    "key",
    [
        "",
        "somebody else's",
        f"{ADA.effects()['ping']}",
        f"{ADA.effects()['ping']}-2",
        f"{ADA.effects()['ping']}-99999999999",
        f"{str(ADA.effects()['ping']).upper()}-1",
        f"{BOB.effects()['ping']}-1",
        f"{ADA.effects()['nudge']}-1",
    ],
)
def test_a_key_that_no_attempt_of_ours_used_changes_nothing(simulate: Simulate, key: str) -> None:
    simulation = simulate()
    silent(simulation)
    simulation.drain()

    heard = simulation.hear(Feedback(key, "accepted"))

    assert heard is not None
    assert not heard.moved
    assert heard.strange == {key}
    assert status(simulation, "ping") == "held"
    assert simulation.stage.owner.run("SELECT FROM outcomes WHERE origin = 'feedback'") == []


@pytest.mark.point(51)
def test_feedback_about_what_a_person_gave_up_leaves_what_they_had_sent_again_alone(simulate: Simulate) -> None:
    simulation = simulate()
    silent(simulation)
    simulation.drain()
    simulation.vendors.lie("accept_then_cut", provider="http", account="blind", times=1)
    simulation.resolve(Decision.RESEND)
    simulation.drain()
    assert status(simulation, "ping") == "held"

    simulation.hear(said("ping", "accepted"))
    assert status(simulation, "ping") == "held"

    simulation.hear(said("ping", "accepted", generation=2))
    assert status(simulation, "ping") == "accepted"
    simulation.settle()
    judge(simulation)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.TWICE])
def test_what_feedback_releases_does_not_depend_on_its_teller(simulate: Simulate, fault: Fault) -> None:
    for site, _ in clean("told", simulate).point.sites:
        if site.who == "teller":
            struck("told", site, fault, simulate)
