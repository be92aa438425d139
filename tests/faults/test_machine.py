"""Hypothesis against the whole: any rules in any order."""

import pytest

from tests.faults import machine
from tests.faults.process_pool import Crew
from tests.faults.proof import Histories
from tests.faults.runs import Simulate

MANY = 8


@pytest.mark.timeout(300)
def test_whatever_happens_every_promise_is_kept(simulate: Simulate) -> None:
    machine.run(simulate, 0, machine.BRIEFLY)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_whatever_happens_at_length_every_promise_is_kept(crew: Crew) -> None:
    wrong = crew.wrong(Histories(number) for number in range(MANY))

    assert not wrong, "\n".join(wrong)
    print(f"{MANY * machine.AT_LENGTH.max_examples} histories that Hypothesis thought of: every promise was kept")
