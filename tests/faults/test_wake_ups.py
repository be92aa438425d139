"""Doorbells that name nothing, that come back from the dead, and people who are asked for once."""

from uuid import UUID

import pytest

from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.faults.oracle import judge
from tests.faults.queues import DEAD, EFFECTS
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import ADA

HOUR = 3600.0
NOBODY = UUID(int=1)


def ring(simulation: Simulation, bell: WakeUp) -> None:
    simulation.queues.call(
        simulation.clock.gone, "SendMessage", {"QueueUrl": EFFECTS, "MessageBody": bell.dumps(), "DelaySeconds": 0}
    )


@pytest.mark.point(16)
def test_a_doorbell_for_an_unknown_id_becomes_a_dead_letter(simulate: Simulate) -> None:
    simulation = simulate()
    ring(simulation, WakeUp(effects=(NOBODY,)))

    for _ in range(8):
        simulation.work()
        simulation.advance(HOUR)

    assert [WakeUp.loads(message.body).effects for message in simulation.queues.queues[DEAD]] == [(NOBODY,)]


@pytest.mark.point(21)
def test_dead_letters_of_what_is_done_are_rung_again_and_change_nothing(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.ingest(ADA)
    simulation.settle()
    done = list(simulation.vendors.deeds())
    for _ in range(2):
        simulation.queues.call(
            0.0,
            "SendMessage",
            {"QueueUrl": DEAD, "MessageBody": WakeUp((), tuple(ADA.effects().values())).dumps()},
        )
    process = simulation.process("person")

    DeadLetters(process.sqs, DEAD, Queue(process.sqs, EFFECTS)).redrive()
    simulation.drain()

    assert list(simulation.vendors.deeds()) == done
    judge(simulation, strict=True)


@pytest.mark.point(55)
def test_who_is_suppressed_is_mailed_by_no_provider(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.suppress(ADA)

    simulation.ingest(ADA)
    simulation.settle()

    assert {deed.provider for deed in simulation.vendors.deeds()} == {"hubspot", "http"}
    judge(simulation, strict=True)
