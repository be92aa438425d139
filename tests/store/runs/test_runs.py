"""A run from its event to its end."""

from uuid import uuid4

import pytest

from drumbeat.core.address import keys_of
from drumbeat.core.outcomes import Accepted, Outcome, Refused
from drumbeat.core.runs import RunState
from drumbeat.ledger.database import Database
from drumbeat.people import sql as people_sql
from drumbeat.runs.advance import advance
from drumbeat.runs.turns import start
from drumbeat.wakeups.queue import Turn, WakeUp
from tests.store.runs.stage import Stage

WITHDRAW = """
    UPDATE contacts
       SET consents = consents_merged(
               consents, consent_fact('news', 'withdrawn', true, drumbeat_now(), gen_random_uuid()))
     WHERE key = %s
"""


def suppress(stage: Stage, name: str) -> None:
    keys = keys_of(stage.contact_secret, f"{name}@example.com")
    people_sql.change(stage.db, keys, reason="asked", actor="test", lifted=False)


def test_each_person_of_the_audience_is_mailed_once_and_the_run_finishes(stage: Stage) -> None:
    stage.apply()
    stage.people("ada", "bob", "cyd")
    stage.people("dan", agreed=False)

    run = stage.fire()
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com", "cyd@example.com"]
    assert stage.run(run).state is RunState.FINISHED
    assert stage.totals(run).accepted == 3


def test_who_must_not_be_mailed_is_left_out_with_the_reason(stage: Stage) -> None:
    stage.apply(audience="{field: email-is-no-attribute, exists: false}")
    stage.people("ada")
    stage.people("sam")
    suppress(stage, "sam")
    stage.people("nia", agreed=False)
    (left,) = stage.people("wim")
    stage.db.run(WITHDRAW, (left,))

    run = stage.fire()
    stage.settle()

    totals = stage.totals(run)
    assert stage.calls.sent == ["ada@example.com"]
    assert totals.matched == 4
    assert totals.left_out == {"suppressed": 1, "no_consent": 1, "withdrawn": 1}


def test_an_audience_of_no_one_finishes_at_once(stage: Stage) -> None:
    stage.apply()

    run = stage.fire()
    stage.settle()

    assert stage.run(run).state is RunState.FINISHED
    assert stage.totals(run).matched == 0


def test_a_person_who_cannot_be_written_to_costs_the_others_nothing(stage: Stage) -> None:
    stage.apply(text="Hello {{ lead.name }} {{ unsubscribe_url }} {{ postal_address }}")
    stage.people("ada", "bob", name="x")
    stage.people("odd")

    run = stage.fire()
    stage.settle()

    totals = stage.totals(run)
    assert (totals.accepted, totals.refused) == (2, 1)
    assert stage.run(run).state is RunState.FINISHED


def test_an_address_that_the_provider_refuses_costs_the_others_nothing(stage: Stage) -> None:
    def answer(address: str) -> Outcome:
        return Refused("no such address") if address.startswith("bob") else Accepted("taken")

    stage.apply()
    stage.people("ada", "bob", "cyd")
    stage.calls.answer = answer

    run = stage.fire()
    stage.settle()

    assert sorted(stage.calls.sent) == ["ada@example.com", "bob@example.com", "cyd@example.com"]
    assert (stage.totals(run).accepted, stage.totals(run).refused) == (2, 1)


def test_who_withdraws_before_their_attempt_is_opened_is_not_mailed(stage: Stage) -> None:
    stage.apply()
    (ada, _) = stage.people("ada", "bob")

    run = stage.fire()
    stage.work(stage.queue.left.pop(0))  # gathered and expanded
    stage.db.run(WITHDRAW, (ada,))
    stage.settle()

    assert stage.calls.sent == ["bob@example.com"]
    assert stage.totals(run).cancelled == {"no_consent": 1}


def test_who_was_erased_since_is_not_mailed(stage: Stage, owner: Database) -> None:
    stage.apply()
    (ada, _) = stage.people("ada", "bob")

    run = stage.fire()
    stage.work(stage.queue.left.pop(0))
    owner.run("DELETE FROM leads WHERE contact = %s", (ada,))
    stage.settle()

    assert stage.calls.sent == ["bob@example.com"]
    assert stage.totals(run).cancelled == {"erased": 1}


def test_a_run_goes_on_in_chunks_where_the_last_commit_left_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.runs.sql.PEOPLE_A_CHUNK", 2)
    stage.apply()
    names = [f"p{number}" for number in range(17)]
    stage.people(*names)

    run = stage.fire()
    stage.work(stage.queue.left.pop(0), left=38.5, passing=0.4)  # time for one step, or none
    while stage.run(run).state is not RunState.RUNNING:
        assert stage.totals(run).accepted == 0
        steps = iter([True])
        advance(run, stage, lambda: next(steps, False))  # noqa: B023 - called at once
    start(stage.run(run), stage)
    stage.settle()

    assert stage.run(run).chunks == 9
    assert sorted(stage.calls.sent) == sorted(f"{name}@example.com" for name in names)
    assert stage.totals(run).accepted == 17


def test_the_same_run_asked_for_twice_is_one(stage: Stage) -> None:
    stage.apply()
    stage.people("ada")

    first, second = stage.fire("k"), stage.fire("k")
    stage.settle()

    assert first == second
    assert stage.calls.sent == ["ada@example.com"]


def test_a_turn_that_comes_twice_is_spent_the_second_time(stage: Stage) -> None:
    stage.apply()
    stage.people(*(f"p{number}" for number in range(5)))
    stage.fire()
    stage.work(stage.queue.left.pop(0))
    (turn,) = stage.queue.left
    stage.queue.left.clear()

    stage.work(turn)
    again = len(stage.queue.left)
    stage.work(turn)

    assert len(stage.queue.left) == again
    assert len(stage.calls.sent) == 5


def test_a_turn_of_no_run_does_nothing(stage: Stage) -> None:
    stage.work(WakeUp(turns=(Turn(uuid4(), 0, "x"),)))

    assert stage.queue.left == []
