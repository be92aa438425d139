"""To the second: how long a key may be repeated, how long an absence counts, and no order of tries exceeds it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.oracle import check_promises
from tests.faults.queues import EFFECTS
from tests.faults.runs import Simulate
from tests.faults.simulation import Simulation
from tests.faults.stories import ADA, BOB, HOUR, warm_up

DAY = 24 * HOUR
REPEATABLE = 23 * HOUR  # of Resend's keys, which live an hour longer
RETENTION = 3 * DAY  # of Mailgun's log

ANSWERS = st.sampled_from(["accept_then_500", "accept_then_cut", "refuse_then_500", "refuse_then_cut", "429"])
GAPS = st.one_of(st.sampled_from([REPEATABLE, DAY, RETENTION]), st.floats(0.1, 2 * DAY))


def first_try(simulation: Simulation, provider: str, fault: str) -> None:
    """Try Ada's effects once; the answer of one provider is lost."""
    warm_up(simulation)
    simulation.vendors.inject(fault, provider=provider, times=1)
    simulation.ingest(ADA)
    simulation.work()


def ended(simulation: Simulation, step: str) -> tuple[str, int]:
    """Return the status in which a step of Ada's ended, and how often its provider did it."""
    effect = ADA.effects()[step]
    (row,) = simulation.environment.owner.run("SELECT status FROM effects WHERE id = %s", (effect,))
    return row["status"], sum(action.effect == effect for action in simulation.vendors.performed())


@pytest.mark.point(44)
@pytest.mark.parametrize(("seconds", "end"), [(-1, ("accepted", 1)), (1, ("held", 0))])
def test_a_key_is_repeated_until_its_last_second(simulate: Simulate, seconds: int, end: tuple[str, int]) -> None:
    simulation = simulate()
    first_try(simulation, "resend", "refuse_then_cut")

    simulation.advance(REPEATABLE + seconds)
    simulation.settle()

    assert ended(simulation, "news") == end
    check_promises(simulation)


@pytest.mark.point(47)
@pytest.mark.parametrize(("seconds", "end"), [(-1, ("accepted", 1)), (1, ("held", 0))])
def test_an_absence_counts_until_the_last_second_of_the_log(
    simulate: Simulate, seconds: int, end: tuple[str, int]
) -> None:
    simulation = simulate()
    first_try(simulation, "mailgun", "refuse_then_cut")
    later = simulation.queues.queues[EFFECTS]
    simulation.queues.queues[EFFECTS] = []
    simulation.advance(RETENTION - HOUR + seconds)
    simulation.ingest(BOB)  # a search that finds Bob's mail, and not Ada's, can be trusted
    simulation.drain()
    simulation.queues.queues[EFFECTS] = later

    simulation.advance(HOUR)
    simulation.settle()

    assert ended(simulation, "hello") == end
    check_promises(simulation)


@pytest.mark.point(44)
@pytest.mark.point(47)
@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(answers=st.lists(ANSWERS, min_size=1, max_size=5), gaps=st.lists(GAPS, max_size=6))
def test_no_order_of_tries_does_anything_twice(simulate: Simulate, answers: list[str], gaps: list[float]) -> None:
    """The providers keep keys and logs exactly as long as documented: trusting them longer is found out."""
    simulation = simulate()
    warm_up(simulation)
    for answer in answers:
        for provider in ("resend", "mailgun"):
            simulation.vendors.inject(answer, provider=provider, times=1)
    simulation.ingest(ADA)
    simulation.drain()

    for gap in gaps:
        simulation.advance(round(gap, 1))
        simulation.sweep()
        simulation.drain()
    simulation.vendors.end_faults()
    simulation.settle(within=30 * DAY)

    check_promises(simulation)
