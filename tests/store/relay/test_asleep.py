"""When the relay looks, and when it lets the ledger sleep."""

import json

import pytest

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import SCOPES, ApiKey
from drumbeat.configuration.apply import apply
from drumbeat.delivery.deliver import deliver
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.ingest.door import Door
from drumbeat.ingest.single import Single
from drumbeat.relay.sweep import LOCK_KEY, LOCK_SECONDS, sweep
from drumbeat.wakeups.queue import WakeUp
from tests.conftest import PREFIX
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment


def test_an_idle_day_asks_the_ledger_only_in_its_full_sweeps_two_of_them_at_the_start(
    deployment: SampleDeployment,
) -> None:
    deployment.configured()
    sweeps = []
    asked: dict[bool, int] = {True: 0, False: 0}
    for _ in range(24 * 60):
        before = deployment.db.round_trips
        summary = sweep(deployment.services)
        asked[summary.full] += deployment.db.round_trips - before
        sweeps.append(summary)
        deployment.sleep(MINUTE)

    assert [minute for minute, summary in enumerate(sweeps) if not summary.idle] == [0, 1, 15, 375, 735, 1095]
    assert asked[False] <= 10  # a minute after entries were lost: for what was too young to be looked for
    assert 0 < asked[True] <= 5 * 12


@pytest.mark.parametrize("second", [0, 5, 30, 55])
def test_where_entries_were_lost_the_relay_looks_again_a_minute_later_and_no_sooner(
    deployment: SampleDeployment, second: int
) -> None:
    deployment.configured()
    deployment.sleep(MINUTE + second - deployment.now() % MINUTE)

    first = sweep(deployment.services)
    deployment.sleep(1)
    soon = sweep(deployment.services)
    deployment.sleep(MINUTE - 1)
    later = sweep(deployment.services)

    assert (first.idle, soon.idle, later.idle) == (False, True, False)


def test_after_an_event_every_two_minutes_the_relay_looks_once_and_asks_nothing_else(
    deployment: SampleDeployment,
) -> None:
    apply("version: 1\naccounts: {}\nflows: {}\n", {}, actor="test", services=deployment.services)
    sweep(deployment.services)
    deployment.sleep(MINUTE)
    sweep(deployment.services)
    deployment.services.due_index.watch(full_at=deployment.now() + 6 * HOUR)
    door = Single(Door(deployment.services))
    access_sql.add(deployment.db, "ada", "ada", SCOPES, actor="test")
    asked = 0
    for number in range(60):
        if number % 2 == 0:
            event = {"type": "LEAD_CAPTURE", "source": "shop", "payload": {}, "idempotencyKey": f"{number}"}
            door.ingest(json.dumps(event).encode(), caller=ApiKey("ada", frozenset(SCOPES)))
            deployment.sleep(1)
            deliver([WakeUp(events=tuple(deployment.rung_events()))], deployment.services, lambda: 50.0)
        deployment.sleep(MINUTE)
        before = deployment.db.round_trips

        swept = sweep(deployment.services)

        assert swept.looked if number % 2 == 0 else swept.idle  # in the minute after a worker the ledger is awake
        asked += 0 if swept.looked else deployment.db.round_trips - before
    assert deployment.db.run("SELECT count(*) AS planned FROM plans") == [{"planned": 30}]
    assert asked == 0


@pytest.mark.point(32)
def test_lost_entries_make_the_relay_check_everything(deployment: SampleDeployment) -> None:
    deployment.configured()
    sweep(deployment.services)
    effect = deployment.effect()
    deployment.redis.flushall()

    summary = sweep(deployment.services)

    assert summary.full
    assert deployment.notified_effects() == {effect}
    assert sweep(deployment.services).idle


@pytest.mark.point(31)
def test_without_redis_every_minute_checks_everything(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.services.redis.close()
    deployment.services.redis = LeanRedis.at("redis://127.0.0.1:1", PREFIX)
    deployment.services.__dict__.pop("due_index", None)
    effect = deployment.effect()

    summaries = [sweep(deployment.services), sweep(deployment.services)]

    assert [(summary.full, summary.redis_away) for summary in summaries] == [(True, True)] * 2
    assert deployment.notified_effects() == {effect}


def test_one_relay_sweeps_at_a_time(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.effect()
    deployment.services.redis.set(LOCK_KEY, "another relay", ex=LOCK_SECONDS)

    assert sweep(deployment.services).locked_elsewhere
    assert deployment.notified() == []

    deployment.services.redis.delete(LOCK_KEY)
    assert sweep(deployment.services).effects == 1
