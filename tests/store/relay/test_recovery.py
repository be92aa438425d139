"""A worker that crashes: the leases of its work end, and the work goes on."""

import psycopg
import pytest

from drumbeat.relay.sweep import sweep
from tests.store.relay.sample_deployment import MINUTE, SampleDeployment


@pytest.mark.point(24)
def test_a_claim_whose_lease_ended_waits_again(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect("claimed", lease=-1)
    deployment.overdue()

    summary = sweep(deployment.services)

    assert summary.recovered == 1
    assert deployment.stands(effect) == {
        "status": "waiting", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert deployment.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]
    assert deployment.notified_effects() == {effect}


@pytest.mark.point(18)
@pytest.mark.point(49)
def test_an_open_attempt_whose_lease_ended_is_unknown(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect("sending", lease=-1)
    deployment.overdue()

    sweep(deployment.services)

    assert deployment.stands(effect) == {
        "status": "unknown", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert deployment.journal(effect) == [(3, "sending", "unknown", 1, "relay")]
    assert deployment.notified_effects() == {effect}


def test_a_lookup_that_ended_without_a_result_counts_as_a_crash_and_moves_nothing(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect("unknown", lease=-1)
    deployment.overdue()

    sweep(deployment.services)

    stands = deployment.stands(effect)
    assert (stands["status"], stands["crashes"], stands["lease_until"]) == ("unknown", 1, None)
    assert deployment.journal(effect) == []
    assert deployment.notified_effects() == {effect}


@pytest.mark.point(20)
@pytest.mark.parametrize("status", ["claimed", "sending", "unknown"])
def test_a_live_lease_is_not_touched_and_a_worker_is_woken_for_its_end(
    deployment: SampleDeployment, status: str
) -> None:
    deployment.configured()
    effect = deployment.effect(status, lease=40)

    first = sweep(deployment.services)
    asleep = sweep(deployment.services)

    assert (first.recovered, asleep.idle) == (0, True)
    assert deployment.stands(effect)["status"] == status
    assert deployment.notified_effects() == {effect}
    assert 39 <= deployment.sqs.delays[effect] <= 40


@pytest.mark.point(12)
def test_a_lease_whose_message_was_lost_is_found_by_the_next_sweep(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect("sending", lease=40)
    sweep(deployment.services)
    deployment.services.queue.purge()
    deployment.sleep(MINUTE)

    assert sweep(deployment.services).recovered == 1
    assert deployment.notified_effects() == {effect}


def test_recovery_passes_over_what_others_hold(deployment: SampleDeployment) -> None:
    deployment.configured()
    held, free = deployment.effect("claimed", lease=-1), deployment.effect("claimed", lease=-1)
    deployment.overdue()
    with psycopg.connect(deployment.db.admin_url) as other:
        other.execute("SELECT FROM effects WHERE id = %s FOR UPDATE", (held,))

        sweep(deployment.services)

    assert deployment.stands(held)["status"] == "claimed"
    assert deployment.stands(free)["status"] == "waiting"


def test_many_ended_leases_are_freed_in_chunks(deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.relay.sweep.LEASES_PER_STATEMENT", 4)
    deployment.configured()
    effects = {deployment.effect("sending", lease=-1) for _ in range(10)}
    deployment.overdue()

    assert sweep(deployment.services).recovered == 10
    assert deployment.notified_effects() == effects
