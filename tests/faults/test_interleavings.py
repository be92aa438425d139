"""Seeded interleavings: whatever order things happen in, and whatever breaks, the promises hold."""

import pytest

from tests.faults.conftest import Simulate
from tests.faults.interleaving import Interleaving
from tests.faults.stage import Stage

FEW, MANY = 50, 1_000
AGAIN = 20


def failures(stage: Stage, simulate: Simulate, seeds: range) -> list[str]:
    wrong: list[str] = []
    for seed in seeds:
        try:
            Interleaving(stage, simulate, seed).run()
        except AssertionError as error:
            wrong.append(f"seed {seed}: {error}")
    return wrong


@pytest.mark.point(12)
@pytest.mark.point(13)
@pytest.mark.point(14)
@pytest.mark.point(20)
@pytest.mark.point(23)
@pytest.mark.point(29)
@pytest.mark.point(31)
@pytest.mark.point(32)
@pytest.mark.point(38)
@pytest.mark.point(53)
@pytest.mark.point(54)
@pytest.mark.point(64)
@pytest.mark.timeout(300)
def test_fifty_seeds_keep_every_promise(stage: Stage, simulate: Simulate) -> None:
    wrong = failures(stage, simulate, range(FEW))

    assert not wrong, "\n".join(wrong)


def test_a_seed_is_a_run(stage: Stage, simulate: Simulate) -> None:
    first = [Interleaving(stage, simulate, seed).run() for seed in range(AGAIN)]

    again = [Interleaving(stage, simulate, seed).run() for seed in range(AGAIN)]

    assert again == first
    assert len(set(first)) == AGAIN


@pytest.mark.deep
@pytest.mark.timeout(1_800)
def test_a_thousand_seeds_keep_every_promise(stage: Stage, simulate: Simulate) -> None:
    wrong = failures(stage, simulate, range(FEW, MANY))

    assert not wrong, "\n".join(wrong)
