"""Histories that Hypothesis generates: any rules in any order."""

import pytest

from tests.faults import machine
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import Histories
from tests.faults.runs import Simulate

RUNS = 8


@pytest.mark.timeout(300)
def test_in_any_history_every_promise_is_kept(simulate: Simulate) -> None:
    machine.run(simulate, 0, machine.SHORT)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
def test_in_any_long_history_every_promise_is_kept(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Histories(number) for number in range(RUNS))

    assert not failures, "\n".join(failures)
    print(f"{RUNS * machine.LONG.max_examples} histories that Hypothesis generated: every promise was kept")
