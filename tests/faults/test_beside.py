"""The release before beside the present code, on one ledger, one Valkey and one queue: the promises hold."""

import pytest

from tests.faults.beside import Beside, Release, check_ledger
from tests.faults.environment import Environment
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import StoryOfTwo, Upgrade, prove
from tests.faults.runs import Simulate
from tests.faults.sample_deployment import Lead
from tests.faults.simulation import MINUTE
from tests.faults.stories import OF_TWO_RELEASES

FEW, MANY = 16, 1_000


@pytest.mark.point(61)
@pytest.mark.point(63)
@pytest.mark.parametrize("first", Release)
@pytest.mark.parametrize("story", OF_TWO_RELEASES)
def test_a_story_ends_as_promised_when_each_step_is_another_releases(
    environment: Environment, simulate: Simulate, story: str, first: Release
) -> None:
    prove(StoryOfTwo(story, first), environment, simulate)


@pytest.mark.point(61)
def test_what_was_planned_by_later_rules_waits_for_the_code_that_knows_them(
    environment: Environment, simulate: Simulate
) -> None:
    simulation = simulate(kind=Beside)
    assert isinstance(simulation, Beside)
    simulation.configure(semantics=simulation.rules + 1)
    lead = Lead("ada")
    simulation.ingest(lead)
    simulation.abandon(lead)  # planned by the present code, and nothing of it sent
    simulation.deploy(Release.BEFORE, ("worker", "relay"))

    for _ in range(10):
        simulation.advance(MINUTE)
        simulation.sweep()
        simulation.drain()
    undone = list(simulation.vendors.performed())
    simulation.deploy(Release.PRESENT, ("worker", "relay"))
    simulation.settle()

    assert undone == []
    assert {row["status"] for row in environment.owner.run("SELECT status FROM effects")} == {"accepted"}
    check_ledger(simulation, strict=True)


@pytest.mark.point(61)
@pytest.mark.point(63)
@pytest.mark.timeout(300)
def test_upgrades_and_rollbacks_keep_every_promise(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Upgrade(number) for number in range(FEW))

    assert not failures, "\n".join(failures)


@pytest.mark.proof
@pytest.mark.timeout(1_800)
def test_a_thousand_upgrades_and_rollbacks_keep_every_promise(process_pool: ProcessPool) -> None:
    failures = process_pool.failures(Upgrade(number) for number in range(MANY))

    assert not failures, "\n".join(failures)
    print(f"{MANY} interleavings of two releases: every promise was kept, and verify found nothing")
