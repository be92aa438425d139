"""What changes under a run: its campaign goes, its schedule is edited, the clock is set back; two people approve it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from redis import Redis

from drumbeat.campaigns.fire import fire
from drumbeat.core.errors import ConfigurationChanged, Stale
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.local.servers import Valkey
from drumbeat.relay.sweep import sweep
from drumbeat.runs import control
from tests.conftest import TestDatabase
from tests.store.runs.stage import DOCUMENT, Stage
from tests.store.runs.test_control import at_call, some
from tests.store.runs.test_times import LOCAL_NINE, MONDAY, at

WITHOUT = "version: 1\nlists: {news: {title: Monday notes}}\n"
OF_ONE = {
    "more": "",
    "audience": "{list: news}",
    "subject": "News",
    "limits": "",
    "text": "Hello {{ unsubscribe_url }}",
}
OTHER_NAME = DOCUMENT.replace("  digest:", "  renamed:").format(
    **OF_ONE | {"text": "{{ unsubscribe_url }} {{ postal_address }}"}
)


@pytest.mark.parametrize("document", [WITHOUT, OTHER_NAME], ids=["deleted", "renamed"])
def test_a_campaign_that_is_gone_while_it_runs_ends_by_the_version_that_planned_it(stage: Stage, document: str) -> None:
    stage.apply()
    everyone = some(stage, 200)
    stage.calls.meanwhile = at_call(3, lambda: stage.configure(document))

    run = stage.fire()
    stage.settle()
    sweep(stage)

    assert sorted(stage.calls.sent) == everyone
    assert stage.run(run).state is RunState.FINISHED


@pytest.mark.parametrize("document", [WITHOUT, OTHER_NAME], ids=["deleted", "renamed"])
def test_a_campaign_that_is_gone_before_a_person_approves_stops_with_that_difference(
    stage: Stage, document: str
) -> None:
    stage.apply("approve: true")
    some(stage, 3)
    run = stage.fire()
    stage.settle()
    stage.configure(document)

    hash = stage.run(run).plan_hash
    assert hash is not None
    with pytest.raises(ConfigurationChanged, match="digest") as stopped:
        control.approve(run, hash, actor="person:test", services=stage)
    control.cancel(run, actor="person:test", reason="it is gone", services=stage)
    stage.settle()

    assert stopped.value.differences
    assert stage.calls.sent == []
    assert stage.run(run).state is RunState.CANCELLED


ELSE = {"other sender": "Else <else@example.com>", "other provider": "Mal <mal@example.com>"}


def otherwise(change: str) -> str:
    """Return the configuration with an account that mails in another name, or at another provider."""
    document = DOCUMENT.replace("Ada <ada@example.com>", ELSE[change])
    if change == "other provider":
        document = document.replace("provider: resend", "provider: mailgun").replace(
            "{{from", "{{domain: x.example.com, from"
        )
    return document.format(**OF_ONE | {"text": "Hello {{ unsubscribe_url }} {{ postal_address }}"})


@pytest.mark.parametrize("change", ELSE)
def test_a_run_keeps_the_sender_and_the_login_that_it_was_planned_with(stage: Stage, change: str) -> None:
    stage.apply()
    everyone = some(stage, 200)
    stage.calls.meanwhile = at_call(3, lambda: stage.configure(otherwise(change)))

    stage.fire()
    stage.settle()

    assert sorted(stage.calls.sent) == everyone
    assert set(stage.calls.senders) == {"Ada <ada@example.com>"}


def test_a_limit_that_is_raised_while_a_run_is_sent_is_that_of_its_turns(stage: Stage) -> None:
    stage.apply(limits=', limits: ["1/s"]')
    some(stage, 100)
    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    stage.apply(limits=', limits: ["1000/s burst 1000"]')

    stage.work(stage.restart_turns(run))

    assert len(stage.calls.sent) > 50


def test_a_hash_of_an_earlier_plan_approves_nothing(stage: Stage) -> None:
    stage.apply("approve: true")
    some(stage, 2)
    earlier = stage.fire("earlier")
    stage.settle()
    stage.people("new")
    run = stage.fire("later")
    stage.settle()

    old = stage.run(earlier).plan_hash
    assert old is not None
    with pytest.raises(Stale, match="hash"):
        control.approve(run, old, actor="person:test", services=stage)

    assert stage.run(run).state is RunState.AWAITING_APPROVAL
    assert stage.calls.sent == []


def test_two_people_who_approve_at_once_begin_one_run(stage: Stage, database: TestDatabase, valkey: Valkey) -> None:
    stage.apply("approve: true")
    everyone = some(stage, 40)
    run = stage.fire()
    stage.settle()
    hash = stage.run(run).plan_hash
    assert hash is not None
    together = Barrier(2)

    def approve(actor: str) -> RunState:
        with Stage.on(database, valkey) as own:
            own.run(run)  # it is connected
            together.wait()
            return control.approve(run, hash, actor=actor, services=own).state

    with ThreadPoolExecutor(2) as people:
        states = list(people.map(approve, ("person:ada", "person:bob")))
    stage.queue.left.append(stage.restart_turns(run))
    stage.settle()

    assert set(states) <= {RunState.EXPANDING, RunState.RUNNING}
    assert sorted(stage.calls.sent) == everyone
    assert len(stage.db.run("SELECT FROM approvals WHERE run_id = %s", (run,))) == 1
    journal = stage.db.run("SELECT to_state FROM run_journal WHERE run_id = %s ORDER BY seq", (run,))
    assert [row["to_state"] for row in journal] == ["planned", "awaiting_approval", "expanding", "running", "finished"]


def test_a_schedule_that_is_edited_after_the_snapshot_moves_no_one_of_it(stage: Stage, owner: Database) -> None:
    at(owner, MONDAY - timedelta(hours=5))
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")
    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))
    planned = stage.due(run)

    stage.apply(LOCAL_NINE.replace("cron(0 9", "cron(0 11"))
    at(owner, MONDAY + timedelta(hours=7, seconds=1))
    stage.queue.left.append(stage.restart_turns(run))
    stage.settle()

    assert planned == {"ada": MONDAY + timedelta(hours=7)}
    assert stage.calls.sent == ["ada@example.com"]


def test_a_clock_that_is_set_back_in_the_middle_doubles_no_one(stage: Stage, owner: Database, redis: "Redis") -> None:
    at(owner, MONDAY + timedelta(hours=6))
    stage.apply(LOCAL_NINE)
    stage.people("ada", timezone="Europe/Berlin")  # at 7:00 UTC
    stage.people("lea", timezone="Europe/London")  # at 8:00 UTC
    run = stage.fire_scheduled(MONDAY - timedelta(hours=5))
    stage.work(stage.queue.left.pop(0))

    for hours in (7.1, 5.0, 7.2, 8.1, 2.0):
        at(owner, MONDAY + timedelta(hours=hours))
        redis.flushall()
        fire("digest", MONDAY - timedelta(hours=5), stage)
        sweep(stage)
        stage.settle(30)

    assert stage.calls.sent == ["ada@example.com", "lea@example.com"]
    assert stage.totals(run).accepted == 2
    assert stage.run(run).state is RunState.FINISHED
