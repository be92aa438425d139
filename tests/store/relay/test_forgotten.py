"""Events that were not planned are found."""

from datetime import timedelta

import pytest

from drumbeat.relay.sweep import sweep
from tests.store.relay.sample_deployment import HOUR, MINUTE, SampleDeployment


@pytest.mark.point(7)
def test_workers_are_notified_of_an_unplanned_event_after_a_while(deployment: SampleDeployment) -> None:
    deployment.configured()
    event = deployment.event()

    sweep(deployment.services)
    assert deployment.notified() == []
    deployment.redis.flushall()
    deployment.sleep(21)
    sweep(deployment.services)

    assert deployment.rung_events() == {event}


def test_an_event_that_was_too_young_when_its_entry_was_lost_is_found_a_minute_later(
    deployment: SampleDeployment,
) -> None:
    deployment.configured()
    event = deployment.event()
    deployment.redis.flushall()

    sweep(deployment.services)
    assert deployment.notified() == []
    deployment.sleep(MINUTE)
    sweep(deployment.services)

    assert deployment.rung_events() == {event}


def test_an_event_whose_entry_is_due_is_notified_however_young(deployment: SampleDeployment) -> None:
    deployment.configured()
    event = deployment.event()
    deployment.overdue()
    deployment.schedule(**{f"event__{event}": -1})

    sweep(deployment.services)

    assert deployment.rung_events() == {event}


def test_events_wait_for_the_first_configuration(deployment: SampleDeployment) -> None:
    event = deployment.event()
    deployment.sleep(MINUTE)
    assert sweep(deployment.services).events == 0

    deployment.configured()
    deployment.services.due_index.distrust()
    sweep(deployment.services)

    assert deployment.rung_events() == {event}


def test_planned_events_are_not_searched_again(deployment: SampleDeployment) -> None:
    deployment.configured()
    planned = [deployment.planned() for _ in range(3)]
    deployment.sleep(HOUR)
    forgotten = deployment.event()
    deployment.sleep(HOUR)
    deployment.redis.flushall()

    sweep(deployment.services)

    [state] = deployment.db.run("SELECT planned_until FROM relay_state")
    [recorded] = deployment.db.run("SELECT recorded_at FROM events WHERE id = %s", (forgotten,))
    assert state["planned_until"] == recorded["recorded_at"]
    assert deployment.rung_events() == {forgotten}
    assert forgotten not in planned


def test_an_event_that_is_never_planned_does_not_keep_the_search_from_going_on(deployment: SampleDeployment) -> None:
    deployment.configured()
    never = deployment.event()
    deployment.sleep(HOUR)
    later = deployment.planned()
    deployment.sleep(HOUR)

    for _ in range(2):
        deployment.redis.flushall()
        sweep(deployment.services)
        assert deployment.rung_events() == {never}

    [state] = deployment.db.run(
        "SELECT searched_until > recorded_at AS passed FROM relay_state, events WHERE events.id = %s", (later,)
    )
    assert state["passed"]
    assert [row["event_id"] for row in deployment.db.run("SELECT event_id FROM unplanned")] == [never]


def test_what_is_planned_at_last_is_listed_no_longer(deployment: SampleDeployment) -> None:
    deployment.configured()
    event = deployment.event()
    deployment.sleep(HOUR)
    deployment.overdue()
    sweep(deployment.services)
    deployment.db.run("INSERT INTO plans (event_id, version, hash) VALUES (%s, 1, '')", (event,))
    deployment.sleep(HOUR)
    deployment.overdue()

    assert sweep(deployment.services).events == 0

    assert deployment.db.run("SELECT FROM unplanned") == []
    [state] = deployment.db.run("SELECT planned_until = searched_until AS all_planned FROM relay_state")
    assert state["all_planned"]


def test_the_search_stays_behind_commits_that_are_slow(deployment: SampleDeployment) -> None:
    deployment.configured()
    deployment.planned()
    deployment.sleep(HOUR)

    sweep(deployment.services)

    [state] = deployment.db.run("SELECT drumbeat_now() - planned_until AS behind FROM relay_state")
    assert timedelta(minutes=5) <= state["behind"] < timedelta(minutes=6)


@pytest.mark.point(29)
@pytest.mark.parametrize("due_index", ["kept", "lost"])
def test_an_event_is_found_though_the_ledgers_clock_was_set_back_before_it(
    deployment: SampleDeployment, due_index: str
) -> None:
    deployment.configured()
    deployment.planned()
    deployment.sleep(HOUR)
    sweep(deployment.services)
    deployment.ledgers_clock(-600.0)  # another server took over

    event = deployment.event()
    if due_index == "kept":
        deployment.overdue()
        deployment.schedule(**{f"event__{event}": -1})
    else:
        deployment.redis.flushall()
        deployment.ledgers_clock(-570.0)
    sweep(deployment.services)

    assert deployment.rung_events() == {event}


@pytest.mark.parametrize(("hours", "most"), [(4, 60 + 12), pytest.param(24, 60 + 25, marks=pytest.mark.proof)])
def test_an_event_that_is_never_planned_is_notified_ever_more_rarely(
    deployment: SampleDeployment, hours: int, most: int
) -> None:
    deployment.configured()
    deployment.event()
    notified = []
    for number in range(hours * 60):
        deployment.sleep(MINUTE)
        if sweep(deployment.services).events:
            notified.append(number)

    assert set(range(1, 59)) <= set(notified)
    assert len(notified) < most, notified


def test_a_failed_flow_is_tried_again_by_a_later_configuration(deployment: SampleDeployment) -> None:
    deployment.configured(flows=("welcome",))
    failed = deployment.planned({"welcome": "no field payload.email"})
    gone = deployment.planned({"removed": "no field payload.email"})
    deployment.redis.flushall()
    assert sweep(deployment.services).events == 0

    deployment.configured(flows=("welcome",))
    deployment.services.due_index.distrust()
    sweep(deployment.services)

    assert deployment.rung_events() == {failed}
    assert gone != failed


def test_a_sign_up_that_no_mail_asked_about_is_tried_again_once_its_list_asks(deployment: SampleDeployment) -> None:
    silent = {"title": "Notes", "confirm": None}
    asks = {"title": "Notes", "confirm": {"account": "mail", "template": "confirm"}}
    deployment.configured(flows=("welcome",), lists={"news": asks})
    failed = deployment.planned({"confirm:news": "the list has no `confirm`"})
    deployment.planned({"confirm:offers": "the list has no `confirm`"})
    deployment.planned({"confirm:gone": "no list of this name"})
    deployment.planned({"removed.news": "of another flow, whose name ends as a list is called"})

    for lists in ({"news": silent}, {"news": asks, "offers": silent}):
        deployment.configured(flows=("welcome",), lists=lists)
        deployment.redis.flushall()
        sweep(deployment.services)
        assert deployment.rung_events() == ({failed} if "offers" in lists else set())


def test_a_flow_that_was_planned_again_is_left_alone(deployment: SampleDeployment) -> None:
    deployment.configured(flows=("welcome",))
    event = deployment.planned({"welcome": "no field payload.email"})
    deployment.configured(flows=("welcome",))
    deployment.db.run("INSERT INTO replans (event_id, flow, version, hash) VALUES (%s, 'welcome', 2, '')", (event,))

    assert sweep(deployment.services).events == 0
