"""When the people of a run are mailed, and what happens to what comes too late."""

from datetime import UTC, datetime, timedelta

import pytest

from drumbeat.calendar.run_times import due, run_times
from drumbeat.core.configuration import Config
from drumbeat.core.runs import RunState
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.runs import chunks_sql, control, times
from tests.store.runs.stage import Stage

MONDAY = datetime(2026, 3, 30, tzinfo=UTC)  # the first after the clocks of Europe went forward
LOCAL_NINE = 'schedule: "cron(0 9 ? * MON *)"\n    timezone: recipient\n    fallback_timezone: Europe/Berlin'


def at(owner: Database, instant: datetime) -> None:
    """Move the ledger's clock to an instant."""
    owner.run("UPDATE clock SET shift = %s - clock_timestamp()", (instant,))


def config(stage: Stage) -> Config:
    newest = configs.newest(stage.db)
    assert newest is not None
    return newest


def test_each_person_has_it_at_nine_by_their_own_clock(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY - timedelta(hours=5))
    stage.apply(LOCAL_NINE)
    stage.people("kim", timezone="Pacific/Kiritimati")
    stage.people("ada", timezone="Europe/Berlin")
    stage.people("nia", timezone="America/New_York")
    stage.people("odd", timezone="Mars/Olympus")
    stage.people("nil")

    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))

    assert stage.due(run) == {
        "kim": stage.run(run).as_of,  # it is nine there, and the run has begun
        "ada": MONDAY + timedelta(hours=7),  # summer time
        "nia": MONDAY + timedelta(hours=13),
        "odd": MONDAY + timedelta(hours=7),  # the fallback
        "nil": MONDAY + timedelta(hours=7),
    }


def test_who_would_get_it_too_late_is_left_out_and_the_others_are_not(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY + timedelta(hours=8, minutes=30))  # 10:30 in Berlin
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")
    stage.people("lea", timezone="Europe/London")  # 9:30: within the hour
    stage.people("nia", timezone="America/New_York")

    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.settle(20)

    assert stage.calls.sent == ["lea@example.com"]
    assert stage.totals(run).left_out == {"missed": 1}
    assert stage.totals(run).waiting == 1


def test_a_run_of_one_zone_that_comes_too_late_is_missed_and_a_person_decides(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY + timedelta(hours=9))
    stage.apply('schedule: "cron(0 9 ? * MON *)"\n    timezone: Europe/Berlin')
    stage.people("ada")

    run = stage.fire_scheduled(MONDAY + timedelta(hours=7))
    stage.settle()

    assert (stage.run(run).state, stage.run(run).reason_code) == (RunState.MISSED, "late")
    assert stage.calls.sent == []


def test_what_was_due_while_no_worker_came_is_missed(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY - timedelta(hours=5))
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")
    stage.people("nia", timezone="America/New_York")
    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))
    turn = stage.queue.left.pop(0)

    at(owner, MONDAY + timedelta(hours=13, minutes=5))  # the workers were away since
    stage.work(turn)

    assert stage.calls.sent == ["nia@example.com"]
    assert stage.totals(run).cancelled == {"missed": 1}


def test_a_pause_is_no_reason_to_miss_anyone(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY - timedelta(hours=5))
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")
    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))
    control.pause(run, actor="person:test", reason="wait", services=stage)

    at(owner, MONDAY + timedelta(hours=13))
    control.resume(run, actor="person:test", reason="now", services=stage)
    stage.settle(20)

    assert stage.calls.sent == ["ada@example.com"]


def test_what_is_late_waits_for_the_end_of_the_quiet_hours(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY + timedelta(hours=7))
    stage.apply('timezone: Europe/Berlin\n    quiet_hours: "21:00-08:00"')
    stage.people("ada", timezone="Europe/Berlin")
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    control.pause(run, actor="person:test", reason="wait", services=stage)
    at(owner, MONDAY + timedelta(hours=22))  # midnight in Berlin
    control.resume(run, actor="person:test", reason="now", services=stage)

    stage.settle(20)
    at_night = list(stage.calls.sent)
    at(owner, MONDAY + timedelta(days=1, hours=6, minutes=1))
    turn = stage.restart_turns(run)
    stage.work(turn)

    assert at_night == []
    assert stage.calls.sent == ["ada@example.com"]


@pytest.mark.parametrize("pace", ["", 'pace: "40/h"'])
def test_the_ledger_gives_each_person_the_instant_that_the_calendar_does(
    stage: Stage, owner: Database, pace: str
) -> None:
    at(owner, MONDAY - timedelta(hours=5))
    stage.apply(f'{LOCAL_NINE}\n    quiet_hours: "10:00-18:00"\n    business_days: true\n    {pace}')
    zones = ("Pacific/Kiritimati", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Pacific/Midway")
    for place, zone in enumerate(zones):
        stage.people(*(f"p{place}-{number}" for number in range(30)), timezone=zone)

    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))

    campaign = config(stage).campaigns["digest"]
    counts, kept = chunks_sql.zones(stage.db, run)
    assert kept is not None
    by_zone = {each.zone: each for each in times.loads(kept)}
    rows = stage.db.run("SELECT contact, coalesce(zone, '') AS zone, due_at FROM recipients WHERE run_id = %s", (run,))
    assert len(rows) == 150
    assert {row["due_at"] - due(by_zone[row["zone"]], row["contact"]) for row in rows} == {timedelta()}
    if pace:
        again = run_times(
            campaign, {"": 0, **counts}, MONDAY.replace(tzinfo=None, hour=9), not_before=stage.run(run).as_of
        )
        assert {each.zone: each.start for each in again} == {zone: each.start for zone, each in by_zone.items()}


def test_a_pace_that_would_take_months_is_refused_and_nothing_is_sent(stage: Stage) -> None:
    stage.apply('pace: "1/d"')
    stage.people(*(f"p{number}" for number in range(70)))

    run = stage.fire()
    stage.settle()

    assert (stage.run(run).state, stage.run(run).reason_code) == (RunState.CANCELLED, "too_slow")
    assert stage.calls.sent == []
