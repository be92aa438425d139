"""Events that were not planned are found."""

from datetime import timedelta

import pytest

from drumbeat.relay.sweep import sweep
from tests.store.relay.sample_deployment import HOUR, MINUTE, World


@pytest.mark.point(7)
def test_workers_are_notified_of_an_unplanned_event_after_a_while(world: World) -> None:
    world.configured()
    event = world.event()

    sweep(world.services)
    assert world.notified() == []
    world.services.redis.run("FLUSHALL")
    world.sleep(21)
    sweep(world.services)

    assert world.rung_events() == {event}


def test_an_event_whose_entry_is_due_is_notified_however_young(world: World) -> None:
    world.configured()
    event = world.event()
    world.overdue()
    world.schedule(**{f"event__{event}": -1})

    sweep(world.services)

    assert world.rung_events() == {event}


def test_events_wait_for_the_first_configuration(world: World) -> None:
    event = world.event()
    world.sleep(MINUTE)
    assert sweep(world.services).events == 0

    world.configured()
    world.services.due_index.distrust()
    sweep(world.services)

    assert world.rung_events() == {event}


def test_planned_events_are_not_searched_again(world: World) -> None:
    world.configured()
    planned = [world.planned() for _ in range(3)]
    world.sleep(HOUR)
    forgotten = world.event()
    world.sleep(HOUR)
    world.services.redis.run("FLUSHALL")

    sweep(world.services)

    [state] = world.db.run("SELECT planned_until FROM relay_state")
    [recorded] = world.db.run("SELECT recorded_at FROM events WHERE id = %s", (forgotten,))
    assert state["planned_until"] == recorded["recorded_at"]
    assert world.rung_events() == {forgotten}
    assert forgotten not in planned


def test_the_search_stays_behind_commits_that_are_slow(world: World) -> None:
    world.configured()
    world.planned()
    world.sleep(HOUR)

    sweep(world.services)

    [state] = world.db.run("SELECT drumbeat_now() - planned_until AS behind FROM relay_state")
    assert timedelta(minutes=5) <= state["behind"] < timedelta(minutes=6)


@pytest.mark.point(29)
@pytest.mark.parametrize("due_index", ["kept", "lost"])
def test_an_event_is_found_though_the_ledgers_clock_was_set_back_before_it(world: World, due_index: str) -> None:
    world.configured()
    world.planned()
    world.sleep(HOUR)
    sweep(world.services)
    world.ledgers_clock(-600.0)  # another server took over

    event = world.event()
    if due_index == "kept":
        world.overdue()
        world.schedule(**{f"event__{event}": -1})
    else:
        world.services.redis.run("FLUSHALL")
        world.ledgers_clock(-570.0)
    sweep(world.services)

    assert world.rung_events() == {event}


def test_an_event_that_is_never_planned_is_notified_ever_more_rarely(world: World) -> None:
    world.configured()
    world.event()
    notified = []
    for number in range(24 * 60):
        world.sleep(MINUTE)
        if sweep(world.services).events:
            notified.append(number)

    assert set(range(1, 59)) <= set(notified)
    assert len(notified) < 60 + 25


def test_a_failed_flow_is_tried_again_by_a_later_configuration(world: World) -> None:
    world.configured(flows=("welcome",))
    failed = world.planned({"welcome": "no field payload.email"})
    gone = world.planned({"removed": "no field payload.email"})
    world.services.redis.run("FLUSHALL")
    assert sweep(world.services).events == 0

    world.configured(flows=("welcome",))
    world.services.due_index.distrust()
    sweep(world.services)

    assert world.rung_events() == {failed}
    assert gone != failed


def test_a_flow_that_was_planned_again_is_left_alone(world: World) -> None:
    world.configured(flows=("welcome",))
    event = world.planned({"welcome": "no field payload.email"})
    world.configured(flows=("welcome",))
    world.db.run("INSERT INTO replans (event_id, flow, version, hash) VALUES (%s, 'welcome', 2, '')", (event,))

    assert sweep(world.services).events == 0
