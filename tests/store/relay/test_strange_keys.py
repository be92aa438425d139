"""What another program left under the relay's keys costs time, and never the relay's work."""

import pytest

from drumbeat.relay.sweep import LOCK_KEY, sweep
from drumbeat.wakeups.due_index import KEY
from tests.store.relay.sample_deployment import SampleDeployment
from tests.store.strange import STRANGE


@pytest.mark.point(32)
@pytest.mark.parametrize("kind", STRANGE)
def test_a_lock_that_no_relay_took_keeps_none_from_sweeping(deployment: SampleDeployment, kind: str) -> None:
    deployment.configured()
    effect = deployment.effect()
    STRANGE[kind](deployment.redis, deployment.services.redis.key(LOCK_KEY))

    summary = sweep(deployment.services)

    assert not summary.locked_elsewhere
    assert deployment.notified_effects() == {effect}


@pytest.mark.point(32)
@pytest.mark.parametrize("kind", STRANGE)
def test_a_due_index_that_is_not_ours_makes_the_relay_check_everything(deployment: SampleDeployment, kind: str) -> None:
    deployment.configured()
    effect = deployment.effect()
    STRANGE[kind](deployment.redis, deployment.services.redis.key(KEY))

    summary = sweep(deployment.services)

    assert summary.full
    assert deployment.notified_effects() == {effect}


def test_members_of_another_program_are_forgotten_like_others(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.services.due_index.watch(full_at=deployment.now() + 3600)
    deployment.redis.zadd(deployment.services.redis.key(KEY), {b"\xff\xfe": 1, b"event:\xff": 1, b"effect:": 1})

    first, second = sweep(deployment.services), sweep(deployment.services)

    assert (first.idle, second.idle) == (False, True)
