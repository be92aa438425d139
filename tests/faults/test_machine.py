"""Hypothesis against the whole: any rules in any order."""

import pytest

from tests.faults import machine
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import Histories
from tests.faults.runs import Simulate

MANY = 8


@pytest.mark.timeout(300)
def test_whatever_happens_every_promise_is_kept(simulate: Simulate) -> None:
    machine.run(simulate, 0, machine.SHORT)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_whatever_happens_at_length_every_promise_is_kept(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Histories(number) for number in range(MANY))

    assert not failures, "\n".join(failures)
    print(f"{MANY * machine.LONG.max_examples} histories that Hypothesis thought of: every promise was kept")
