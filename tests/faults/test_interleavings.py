"""Seeded interleavings: in every order of events, and with every fault, the promises hold."""

import pytest

from tests.faults.environment import Environment
from tests.faults.interleaving import Interleaving
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import Seed
from tests.faults.runs import Simulate

FEW, MANY = 50, 1_000
AGAIN = 20


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
def test_fifty_seeds_keep_every_promise(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Seed(number) for number in range(FEW))

    assert not failures, "\n".join(failures)


def test_in_a_rush_a_person_presses_and_leaves(environment: Environment, simulate: Simulate) -> None:
    """Else the orders of these would show nothing."""
    rush = Interleaving(environment, simulate, 0, theme="rush")

    rush.run()

    assert rush.simulation.presses
    assert rush.simulation.withdrawals


def test_a_pause_comes_between_claim_and_opening_and_after_the_mails(
    environment: Environment, simulate: Simulate
) -> None:
    """Else the orders of these would show nothing."""
    put_back = set()

    for seed in range(20):
        Interleaving(environment, simulate, seed, theme="pause").run()
        put_back.add(bool(environment.owner.run("SELECT FROM journal WHERE reason_code = 'run_paused'")))

    assert put_back == {True, False}


def test_a_seed_repeats_its_run(process_pool: ProcessPool) -> None:
    """In any process, and after any other runs."""
    first = process_pool.digests(range(AGAIN))

    again = process_pool.digests(reversed(range(AGAIN)))

    assert list(reversed(again)) == first
    assert len(set(first)) == AGAIN


def test_a_run_is_the_same_twenty_times_of_twenty(process_pool: ProcessPool) -> None:
    assert len(set(process_pool.digests([FEW] * AGAIN))) == 1


@pytest.mark.proof
@pytest.mark.timeout(1_800)
def test_a_thousand_seeds_keep_every_promise(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Seed(number) for number in range(MANY))

    assert not failures, "\n".join(failures)
    print(f"{MANY} interleavings of seeds 0 to {MANY - 1}: every promise was kept")
