"""Hypothesis against the whole: any rules in any order."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.machine import Deployment
from tests.faults.stage import Stage

BRIEFLY = settings(
    max_examples=15,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)
AT_LENGTH = settings(BRIEFLY, max_examples=400, stateful_step_count=30)


@pytest.mark.timeout(300)
def test_whatever_happens_every_promise_is_kept(stage: Stage) -> None:
    run_state_machine_as_test(lambda: Deployment(stage), settings=BRIEFLY)  # type: ignore[arg-type]


@pytest.mark.deep
@pytest.mark.timeout(2_400)
def test_whatever_happens_at_length_every_promise_is_kept(stage: Stage) -> None:
    run_state_machine_as_test(lambda: Deployment(stage), settings=AT_LENGTH)  # type: ignore[arg-type]
