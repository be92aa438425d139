"""The release before beside the present code, on one ledger, one Valkey and one queue: the promises hold."""

import pytest

from tests.faults.beside import Release
from tests.faults.environment import Environment
from tests.faults.process_pool import ProcessPool
from tests.faults.proof import StoryOfTwo, Upgrade, prove
from tests.faults.runs import Simulate
from tests.faults.stories import STORIES

FEW, MANY = 16, 1_000


@pytest.mark.point(61)
@pytest.mark.point(63)
@pytest.mark.parametrize("first", Release)
@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_promised_when_each_step_is_another_releases(
    environment: Environment, simulate: Simulate, story: str, first: Release
) -> None:
    prove(StoryOfTwo(story, first), environment, simulate)


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
