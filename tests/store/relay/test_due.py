"""Workers are notified of what is due at its time, at its account's pace, people before campaigns."""

import uuid
from datetime import timedelta

import pytest

from drumbeat.ledger.database import Database
from drumbeat.relay import sql as ledger
from drumbeat.relay.sweep import sweep
from drumbeat.wakeups.due_index import KEY
from tests.store.relay.sample_deployment import HOUR, MINUTE, World


def test_what_is_due_within_two_minutes_is_notified_for_its_second(world: World) -> None:
    world.configured()
    overdue, soon = world.effect(due_in=-300), world.effect(due_in=90.5)
    look = world.effect("unknown", due_in=30)
    later = world.effect(due_in=121)

    sweep(world.services)

    delays = world.sqs.delays
    assert delays[overdue] == 0
    assert delays[soon] in (90, 91)
    assert delays[look] in (29, 30)
    assert later not in delays


@pytest.mark.parametrize("status", ["held", "accepted", "refused", "cancelled"])
def test_what_is_settled_is_not_notified(world: World, status: str) -> None:
    world.configured()
    effect = world.effect()
    world.db.run("UPDATE effects SET status = %s, reason = 'test' WHERE id = %s", (status, effect))

    sweep(world.services)

    assert world.notified() == []


def test_an_account_is_released_two_minutes_of_its_limit_at_its_pace(world: World) -> None:
    world.configured([{"count": 30, "period": 60, "burst": 5}, {"count": 1000, "period": 86400, "burst": None}])
    effects = {world.effect() for _ in range(80)}

    first = sweep(world.services)

    assert first.effects == 65  # 5 at once and 60 in two minutes
    delays = sorted(world.sqs.delays.values())
    assert delays[:6] == [0, 0, 0, 0, 0, 2]
    assert delays[-1] == 120
    assert world.rung_effects() < effects


def test_the_rest_of_a_backlog_is_released_minute_by_minute(world: World) -> None:
    world.configured([{"count": 30, "period": 60, "burst": 5}])
    effects = {world.effect() for _ in range(80)}
    sweep(world.services)
    done = world.rung_effects()
    world.db.run("UPDATE effects SET status = 'accepted', due_at = 'infinity' WHERE id = ANY (%s)", (list(done),))
    world.services.due_index.clear([f"effect:{effect}" for effect in done])
    world.sleep(MINUTE)

    second = sweep(world.services)

    assert not second.full
    assert world.rung_effects() == effects - done


def test_a_backlog_of_one_account_does_not_hold_up_another(world: World) -> None:
    world.configured([{"count": 1, "period": 60, "burst": 1}])
    for _ in range(20):
        world.effect()
    other = world.effect(account="crm")

    sweep(world.services)

    assert world.sqs.delays[other] == 0
    assert other in world.rung_effects()


@pytest.mark.point(35)
def test_what_people_set_off_comes_before_what_campaigns_send(world: World) -> None:
    world.configured([{"count": 2, "period": 60, "burst": 2}])
    campaign = [world.effect(due_in=-500, type="CAMPAIGN_TRIGGER") for _ in range(20)]
    person = [world.effect(due_in=-1) for _ in range(3)]

    sweep(world.services)

    assert set(world.sqs.order[:3]) == set(person)
    assert set(world.sqs.order[3:]) < set(campaign)
    assert len(world.sqs.order) == 6


@pytest.mark.point(12)
@pytest.mark.point(7)
def test_a_lost_message_is_sent_again_within_two_minutes(world: World) -> None:
    world.configured()
    sweep(world.services)
    effect = world.effect()
    world.schedule(**{f"effect__{effect}": 30})
    world.services.queue.notify(effects=[effect])
    world.services.queue.purge()

    for _ in range(2):
        world.sleep(MINUTE)
        sweep(world.services)

    assert world.rung_effects() == {effect}


def test_what_was_notified_and_is_scheduled_is_not_notified_twice(world: World) -> None:
    world.configured()
    effect = world.effect()
    sweep(world.services)
    assert world.rung_effects() == {effect}
    world.schedule(at__1=-1)

    sweep(world.services)

    assert world.notified() == []


def test_what_was_notified_and_not_settled_is_notified_again(world: World) -> None:
    world.configured()
    effect = world.effect()
    sweep(world.services)
    world.notified()
    world.sleep(MINUTE)

    sweep(world.services)

    assert world.rung_effects() == {effect}


def test_what_is_due_in_days_wakes_the_relay_in_its_minute(world: World) -> None:
    world.configured()
    effect = world.effect(due_in=4 * HOUR + 125)
    sweep(world.services)
    hours = []
    for number in range(5 * 60):
        world.sleep(MINUTE)
        if not sweep(world.services).idle:
            hours.append(number)

    assert effect in world.sqs.delays
    assert world.sqs.delays[effect] <= 120
    assert min(hours) >= 240


def test_marks_with_nothing_behind_them_are_forgotten(world: World) -> None:
    world.configured()
    world.overdue()
    world.schedule(**{f"effect__{uuid.uuid4()}": -1, f"event__{uuid.uuid4()}": -1})

    first = sweep(world.services)
    second = sweep(world.services)

    assert (first.idle, second.idle) == (False, True)
    assert world.services.redis.run("ZCARD", KEY) == 2  # the sentinel and the next full sweep


def test_an_entry_set_during_the_sweep_survives_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.configured()
    world.overdue()
    effect = f"effect:{uuid.uuid4()}"
    world.services.due_index.set({effect: world.now() - 1})
    advance = ledger.advance

    def advance_and_meanwhile(db: Database, *, margin: timedelta, back: timedelta | None) -> None:
        world.services.due_index.set({effect: world.now() + 90})
        advance(db, margin=margin, back=back)

    monkeypatch.setattr(ledger, "advance", advance_and_meanwhile)

    sweep(world.services)

    assert world.services.due_index.times([effect]) == {effect: world.now() + 90}
