"""A backlog is notified in one sweep, in messages that hold many ids, for as long as the sweep has time."""

from collections.abc import Callable
from itertools import count
from uuid import UUID

import pytest

from drumbeat.core.configuration import Limit
from drumbeat.infrastructure.sqs.client import UNREACHABLE, SqsError
from drumbeat.relay.sweep import DRAIN_SECONDS, sweep
from drumbeat.wakeups.queue import IDS_PER_BULK_MESSAGE
from tests.store.relay.sample_deployment import MINUTE, SampleDeployment


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.relay.lots.ROWS_PER_STATEMENT", 4)
    monkeypatch.setattr("drumbeat.relay.lots.IDS_PER_LOT", 3)


def time_for(lots: int) -> Callable[[], float]:
    """Return the time that is left: after recovery, enough for so many lots and what follows them."""
    asked = count()
    return lambda: MINUTE if next(asked) <= lots else DRAIN_SECONDS - 1


def forgotten(deployment: SampleDeployment, type: str = "LEAD_CAPTURE", number: int = 10) -> list[UUID]:
    """Record events, and lose what would have them planned."""
    events = [deployment.event(type) for _ in range(number)]
    deployment.sleep(30)
    deployment.overdue()
    return events


@pytest.mark.point(12)
def test_every_forgotten_event_is_notified_in_one_sweep(deployment: SampleDeployment) -> None:
    deployment.configured()
    events = forgotten(deployment)

    assert sweep(deployment.services).events == 10
    assert deployment.rung_events() == set(events)


def test_events_of_people_come_before_those_of_campaigns_in_every_lot(deployment: SampleDeployment) -> None:
    deployment.configured()
    campaigns = forgotten(deployment, "CAMPAIGN_TRIGGER", 7)
    people = forgotten(deployment)

    sweep(deployment.services)

    assert set(deployment.sqs.order[:10]) == set(people)
    assert set(deployment.sqs.order[10:]) == set(campaigns)


def test_a_message_holds_what_a_worker_takes_at_once(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.relay.lots.IDS_PER_LOT", 100)
    deployment.configured()
    forgotten(deployment, number=2 * IDS_PER_BULK_MESSAGE + 1)

    sweep(deployment.services)

    assert sorted(len(each.events) for each in deployment.notified()) == [1, IDS_PER_BULK_MESSAGE, IDS_PER_BULK_MESSAGE]


def test_a_sweep_whose_time_is_over_leaves_the_rest_to_the_next(deployment: SampleDeployment) -> None:
    deployment.configured()
    events = forgotten(deployment)

    first = sweep(deployment.services, remaining=time_for(lots=2))
    notified = deployment.rung_events()
    deployment.sleep(10)
    second = sweep(deployment.services)

    assert (first.events, second.events) == (6, 4)
    assert notified | deployment.rung_events() == set(events)


def test_a_full_sweep_whose_time_is_over_is_carried_on(deployment: SampleDeployment) -> None:
    deployment.configured()
    events = forgotten(deployment)
    deployment.redis.flushall()

    first = sweep(deployment.services, remaining=time_for(lots=2 + 1))  # a full one looks for wishes first
    second = sweep(deployment.services)

    assert (first.full, second.full) == (True, True)  # not everything was checked by the first
    assert (first.events, second.events) == (6, 4)
    assert deployment.rung_events() == set(events)
    assert sweep(deployment.services).idle


@pytest.mark.point(12)
def test_every_event_of_a_lost_backlog_is_notified_again_a_minute_later(deployment: SampleDeployment) -> None:
    deployment.configured()
    events = forgotten(deployment)
    sweep(deployment.services)
    deployment.services.queue.purge()
    deployment.sleep(MINUTE - 1)  # sweeps do not begin to the second

    assert sweep(deployment.services).events == 10
    assert deployment.rung_events() == set(events)


@pytest.mark.point(7)
def test_a_queue_that_does_not_answer_is_not_asked_for_every_lot(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.configured()
    events = forgotten(deployment)
    asked = []

    def away(operation: str, **_: object) -> dict[str, object]:
        asked.append(operation)
        raise SqsError(operation, UNREACHABLE, "no answer")

    with monkeypatch.context() as outage:
        outage.setattr(deployment.sqs, "call", away)
        summary = sweep(deployment.services)
    deployment.sleep(MINUTE)
    sweep(deployment.services)

    assert asked.count("SendMessage") + asked.count("SendMessageBatch") == 1
    assert summary.not_notified > 0
    assert deployment.rung_events() == set(events)


def test_what_people_cause_at_an_account_without_limits_is_released_at_once(
    deployment: SampleDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drumbeat.throttle.pace.UNLIMITED", (Limit(1, 1, 2),))
    monkeypatch.setattr("drumbeat.relay.lots.UNLIMITED", (Limit(1, 1, 2),))
    deployment.configured()
    campaign = [deployment.effect(type="CAMPAIGN_TRIGGER") for _ in range(5)]
    person = [deployment.effect() for _ in range(10)]

    assert sweep(deployment.services).effects == 15

    delays = deployment.sqs.delays
    assert {delays[effect] for effect in person} == {0}
    assert sorted(delays[effect] for effect in campaign) == [9, 10, 11, 12, 13]  # behind the ten


def test_every_failed_flow_is_tried_again_after_an_apply(deployment: SampleDeployment) -> None:
    deployment.configured(flows=("welcome",))
    failed = {deployment.planned({"welcome": "no field payload.email"}) for _ in range(10)}
    deployment.configured(flows=("welcome",))

    sweep(deployment.services)
    assert deployment.rung_events() == failed

    deployment.sleep(MINUTE)  # all the messages were lost
    assert not sweep(deployment.services).idle
    assert deployment.rung_events() == failed
