"""One delivery of a webhook, answered by this release and the release before at once: in any order it is one event."""

from random import Random

import pytest

from tests.faults.environment import Environment
from tests.faults.fault_points import SomeFaults
from tests.faults.oracle import check_promises
from tests.faults.runs import Simulate
from tests.faults.scheduler import Scheduler
from tests.faults.stories import warm_up
from tests.faults.webhooks import Webhook

SEEDS = 12
FORM = Webhook("form", "forms")


@pytest.mark.point(5)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_delivery_that_both_releases_answer_is_one_event(
    environment: Environment, simulate: Simulate, seed: int
) -> None:
    random = Random(seed)
    scheduler = Scheduler(Random(seed + 1), environment.control, lambda: None)
    scheduler.split_probability = 1.0  # others run between a statement and its commit
    simulation = simulate(seed, schedule=scheduler)
    warm_up(simulation)
    simulation.point.faults = SomeFaults(random, random.choice((0.0, 0.05)))

    scheduler.run(
        {
            "ingest": lambda: simulation.deliver_webhook(FORM, who="ingest"),
            "ingest 2": lambda: simulation.deliver_webhook(FORM, who="ingest 2"),
            "before": lambda: simulation.deliver_before(FORM, who="before"),
            "before 2": lambda: simulation.deliver_before(FORM, who="before 2"),
            "relay": simulation.sweep,
        }
    )

    simulation.point.faults = SomeFaults(random, 0.0)
    simulation.settle()
    check_promises(simulation)
    assert len(simulation.delivered) == 4
