"""A worker that crashes: the leases of its work end, and the work goes on."""

import psycopg
import pytest

from drumbeat.relay.sweep import sweep
from tests.store.relay.sample_deployment import MINUTE, World


@pytest.mark.point(24)
def test_a_claim_whose_lease_ended_waits_again(world: World) -> None:
    world.configured()
    effect = world.effect("claimed", lease=-1)
    world.overdue()

    summary = sweep(world.services)

    assert summary.recovered == 1
    assert world.stands(effect) == {
        "status": "waiting", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert world.journal(effect) == [(3, "claimed", "waiting", 1, "relay")]
    assert world.rung_effects() == {effect}


@pytest.mark.point(18)
@pytest.mark.point(49)
def test_an_open_attempt_whose_lease_ended_is_unknown(world: World) -> None:
    world.configured()
    effect = world.effect("sending", lease=-1)
    world.overdue()

    sweep(world.services)

    assert world.stands(effect) == {
        "status": "unknown", "seq": 3, "fence": 1, "crashes": 1, "lease_until": None, "due": True,
    }  # fmt: skip
    assert world.journal(effect) == [(3, "sending", "unknown", 1, "relay")]
    assert world.rung_effects() == {effect}


def test_a_lookup_that_ended_without_a_result_counts_as_a_crash_and_moves_nothing(world: World) -> None:
    world.configured()
    effect = world.effect("unknown", lease=-1)
    world.overdue()

    sweep(world.services)

    stands = world.stands(effect)
    assert (stands["status"], stands["crashes"], stands["lease_until"]) == ("unknown", 1, None)
    assert world.journal(effect) == []
    assert world.rung_effects() == {effect}


@pytest.mark.point(20)
@pytest.mark.parametrize("status", ["claimed", "sending", "unknown"])
def test_a_live_lease_is_not_touched_and_checked_when_it_ends(world: World, status: str) -> None:
    world.configured()
    effect = world.effect(status, lease=40)

    first = sweep(world.services)
    asleep = sweep(world.services)
    world.sleep(MINUTE)
    second = sweep(world.services)

    assert (first.recovered, asleep.idle, second.recovered) == (0, True, 1)
    assert world.rung_effects() == {effect}


def test_recovery_passes_over_what_others_hold(world: World) -> None:
    world.configured()
    held, free = world.effect("claimed", lease=-1), world.effect("claimed", lease=-1)
    world.overdue()
    with psycopg.connect(world.db.admin_url) as other:
        other.execute("SELECT FROM effects WHERE id = %s FOR UPDATE", (held,))

        sweep(world.services)

    assert world.stands(held)["status"] == "claimed"
    assert world.stands(free)["status"] == "waiting"


def test_many_ended_leases_are_freed_in_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.relay.sweep.ROWS_PER_STATEMENT", 4)
    world.configured()
    effects = {world.effect("sending", lease=-1) for _ in range(10)}
    world.overdue()

    assert sweep(world.services).recovered == 10
    assert world.rung_effects() == effects
