"""Wake-ups for unknown ids, wake-ups redriven from dead letters, and suppressed contacts."""

from uuid import UUID

import pytest

from drumbeat.wakeups.dead_letters import DeadLetters
from drumbeat.wakeups.queue import Queue, WakeUp
from tests.faults.oracle import check_promises
from tests.faults.queues import DEAD, EFFECTS
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import ADA

HOUR = 3600.0
UNKNOWN_ID = UUID(int=1)


def send(simulation: Simulation, wake_up: WakeUp) -> None:
    simulation.queues.call(
        simulation.clock.gone, "SendMessage", {"QueueUrl": EFFECTS, "MessageBody": wake_up.dumps(), "DelaySeconds": 0}
    )


@pytest.mark.point(16)
def test_a_wake_up_for_an_unknown_id_becomes_a_dead_letter(simulate: Simulate) -> None:
    simulation = simulate()
    send(simulation, WakeUp(effects=(UNKNOWN_ID,)))

    for _ in range(8):
        simulation.work()
        simulation.advance(HOUR)

    assert [WakeUp.loads(message.body).effects for message in simulation.queues.queues[DEAD]] == [(UNKNOWN_ID,)]


@pytest.mark.point(21)
def test_redriven_dead_letters_of_finished_effects_change_nothing(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.ingest(ADA)
    simulation.settle()
    done = list(simulation.vendors.performed())
    for _ in range(2):
        simulation.queues.call(
            0.0,
            "SendMessage",
            {"QueueUrl": DEAD, "MessageBody": WakeUp((), tuple(ADA.effects().values())).dumps()},
        )
    process = simulation.process("person")

    DeadLetters(process.sqs, DEAD, Queue(process.sqs, EFFECTS)).redrive()
    simulation.drain()

    assert list(simulation.vendors.performed()) == done
    check_promises(simulation, strict=True)


@pytest.mark.point(55)
def test_a_suppressed_contact_is_mailed_by_no_provider(simulate: Simulate) -> None:
    simulation = simulate()
    simulation.suppress(ADA)

    simulation.ingest(ADA)
    simulation.settle()

    assert {action.provider for action in simulation.vendors.performed()} == {"hubspot", "http"}
    check_promises(simulation, strict=True)
