"""Workers are notified of what is due at its time, at its account's pace, people before campaigns."""

import uuid
from datetime import timedelta

import pytest

from drumbeat.ledger.database import Database
from drumbeat.relay import sql as ledger
from drumbeat.relay.sweep import sweep
from drumbeat.wakeups.due_index import KEY
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment


def test_what_is_due_within_two_minutes_is_notified_for_its_second(deployment: SampleDeployment) -> None:
    deployment.configured()
    overdue, soon = deployment.effect(due_in=-300), deployment.effect(due_in=90.5)
    look = deployment.effect("unknown", due_in=30)
    later = deployment.effect(due_in=150)

    sweep(deployment.services)

    delays = deployment.sqs.delays
    assert delays[overdue] == 0
    assert delays[soon] in (90, 91)
    assert delays[look] in (29, 30)
    assert later not in delays


@pytest.mark.parametrize("status", ["held", "accepted", "refused", "cancelled"])
def test_what_is_settled_is_not_notified(deployment: SampleDeployment, status: str) -> None:
    deployment.configured()
    effect = deployment.effect()
    deployment.db.run("UPDATE effects SET status = %s, reason = 'test' WHERE id = %s", (status, effect))

    sweep(deployment.services)

    assert deployment.notified() == []


def test_an_account_is_released_two_minutes_of_its_limit_at_its_pace(deployment: SampleDeployment) -> None:
    deployment.configured([{"count": 30, "period": 60, "burst": 5}, {"count": 1000, "period": 86400, "burst": None}])
    effects = {deployment.effect() for _ in range(80)}

    first = sweep(deployment.services)

    assert first.effects == 65  # 5 at once and 60 in two minutes
    delays = sorted(deployment.sqs.delays.values())
    assert delays[:6] == [0, 0, 0, 0, 0, 2]
    assert delays[-1] == 120
    assert deployment.notified_effects() < effects


def test_the_rest_of_a_backlog_is_released_minute_by_minute(deployment: SampleDeployment) -> None:
    deployment.configured([{"count": 30, "period": 60, "burst": 5}])
    effects = {deployment.effect() for _ in range(80)}
    sweep(deployment.services)
    done = deployment.notified_effects()
    deployment.db.run("UPDATE effects SET status = 'accepted', due_at = 'infinity' WHERE id = ANY (%s)", (list(done),))
    deployment.services.due_index.clear([f"effect:{effect}" for effect in done])
    deployment.sleep(MINUTE)

    second = sweep(deployment.services)

    assert not second.full
    assert deployment.notified_effects() == effects - done


def test_a_backlog_of_one_account_does_not_hold_up_another(deployment: SampleDeployment) -> None:
    deployment.configured([{"count": 1, "period": 60, "burst": 1}])
    for _ in range(20):
        deployment.effect()
    other = deployment.effect(account="crm")

    sweep(deployment.services)

    assert deployment.sqs.delays[other] == 0
    assert other in deployment.notified_effects()


@pytest.mark.point(35)
def test_what_people_set_off_comes_before_what_campaigns_send(deployment: SampleDeployment) -> None:
    deployment.configured([{"count": 2, "period": 60, "burst": 2}])
    campaign = [deployment.effect(due_in=-500, type="CAMPAIGN_TRIGGER") for _ in range(20)]
    person = [deployment.effect(due_in=-1) for _ in range(3)]

    sweep(deployment.services)

    assert set(deployment.sqs.order[:3]) == set(person)
    assert set(deployment.sqs.order[3:]) < set(campaign)
    assert len(deployment.sqs.order) == 6


@pytest.mark.point(12)
@pytest.mark.point(7)
def test_a_lost_message_is_sent_again_within_two_minutes(deployment: SampleDeployment) -> None:
    deployment.configured()
    sweep(deployment.services)
    effect = deployment.effect()
    deployment.schedule(**{f"effect__{effect}": 30})
    deployment.services.queue.notify(effects=[effect])
    deployment.services.queue.purge()

    for _ in range(2):
        deployment.sleep(MINUTE)
        sweep(deployment.services)

    assert deployment.notified_effects() == {effect}


def test_what_was_notified_and_is_scheduled_is_not_notified_twice(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect()
    sweep(deployment.services)
    assert deployment.notified_effects() == {effect}
    deployment.schedule(at__1=-1)

    sweep(deployment.services)

    assert deployment.notified() == []


def test_what_was_notified_and_not_settled_is_notified_again(deployment: SampleDeployment) -> None:
    deployment.configured()
    effect = deployment.effect()
    sweep(deployment.services)
    deployment.notified()
    deployment.sleep(MINUTE)

    sweep(deployment.services)

    assert deployment.notified_effects() == {effect}


def test_what_is_due_in_days_wakes_the_relay_in_its_minute(deployment: SampleDeployment) -> None:
    deployment.configured()
    sweep(deployment.services)
    deployment.sleep(MINUTE)
    effect = deployment.effect(due_in=4 * HOUR + 125)
    sweep(deployment.services)
    deployment.services.due_index.watch(full_at=deployment.now() + 6 * HOUR)
    hours = []
    for number in range(5 * 60):
        deployment.sleep(MINUTE)
        if not sweep(deployment.services).idle:
            hours.append(number)

    assert effect in deployment.sqs.delays
    assert deployment.sqs.delays[effect] <= 120
    assert min(hours) >= 240


def test_marks_with_nothing_behind_them_are_forgotten(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.overdue()
    deployment.schedule(**{f"effect__{uuid.uuid4()}": -1, f"event__{uuid.uuid4()}": -1})

    first = sweep(deployment.services)
    second = sweep(deployment.services)

    assert (first.idle, second.idle) == (False, True)
    assert deployment.redis.zcard(deployment.services.redis.key(KEY)) == 2  # the sentinel and the next full sweep


def test_an_entry_set_during_the_sweep_survives_it(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    deployment.overdue()
    effect = f"effect:{uuid.uuid4()}"
    deployment.services.due_index.set({effect: deployment.now() - 1})
    advance = ledger.advance

    def advance_and_meanwhile(db: Database, *, margin: timedelta, back: timedelta | None) -> None:
        deployment.services.due_index.set({effect: deployment.now() + 90})
        advance(db, margin=margin, back=back)

    monkeypatch.setattr(ledger, "advance", advance_and_meanwhile)

    sweep(deployment.services)

    assert deployment.services.due_index.times([effect]) == {effect: deployment.now() + 90}
