"""When the relay looks, and when it lets the ledger sleep."""

import json

import pytest

from drumbeat.access.keys import SCOPES, ApiKey
from drumbeat.configuration.apply import apply
from drumbeat.delivery import deliver
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.relay.sweep import LOCK_KEY, sweep
from drumbeat.wakeups.queue import WakeUp
from tests.store.relay.sample_deployment import MINUTE, World


def test_an_idle_day_asks_the_ledger_only_in_its_full_sweeps(world: World) -> None:
    world.configured()
    sweeps = []
    asked: dict[bool, int] = {True: 0, False: 0}
    for _ in range(24 * 60):
        before = world.db.round_trips
        summary = sweep(world.services)
        asked[summary.full] += world.db.round_trips - before
        sweeps.append(summary)
        world.sleep(MINUTE)

    assert [minute for minute, summary in enumerate(sweeps) if not summary.idle] == [0, 360, 720, 1080]
    assert asked[False] == 0
    assert 0 < asked[True] <= 4 * 8


def test_an_event_every_two_minutes_has_the_relay_ask_nothing(world: World) -> None:
    apply("version: 1\naccounts: {}\nflows: {}\n", {}, actor="test", services=world.services)
    sweep(world.services)
    door = Single(Door(world.services))
    asked = 0
    for number in range(60):
        if number % 2 == 0:
            event = {"type": "LEAD_CAPTURE", "source": "shop", "payload": {}, "idempotencyKey": f"{number}"}
            door.ingest(json.dumps(event).encode(), caller=ApiKey("ada", frozenset(SCOPES)))
            world.sleep(1)
            deliver([WakeUp(events=tuple(world.rung_events()))], world.services, lambda: 50.0)
        world.sleep(MINUTE)
        before = world.db.round_trips

        assert sweep(world.services).idle

        asked += world.db.round_trips - before
    assert world.db.run("SELECT count(*) AS planned FROM plans") == [{"planned": 30}]
    assert asked == 0


@pytest.mark.point(32)
def test_lost_entries_make_the_relay_check_everything(world: World) -> None:
    world.configured()
    sweep(world.services)
    effect = world.effect()
    world.services.redis.run("FLUSHALL")

    summary = sweep(world.services)

    assert summary.full
    assert world.rung_effects() == {effect}
    assert sweep(world.services).idle


@pytest.mark.point(31)
def test_without_redis_every_minute_checks_everything(world: World) -> None:
    world.configured()
    world.services.redis.close()
    world.services.redis = LeanRedis.at("redis://127.0.0.1:1")
    world.services.__dict__.pop("due_index", None)
    effect = world.effect()

    summaries = [sweep(world.services), sweep(world.services)]

    assert [summary.full for summary in summaries] == [True, True]
    assert world.rung_effects() == {effect}


def test_one_relay_sweeps_at_a_time(world: World) -> None:
    world.configured()
    world.effect()
    world.services.redis.set(LOCK_KEY, "another relay")

    assert sweep(world.services).locked_elsewhere
    assert world.notified() == []

    world.services.redis.delete(LOCK_KEY)
    assert sweep(world.services).effects == 1
