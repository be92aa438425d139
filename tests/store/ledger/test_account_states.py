"""Accounts that do not answer: when one is paused, who probes, and what ends or prolongs the pause."""

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.delivery import claims_sql
from drumbeat.ledger import account_states
from drumbeat.ledger.account_states import FAILURES_THAT_PAUSE, FIRST_PAUSE_SECONDS, Consequences, Report
from drumbeat.ledger.database import Database
from drumbeat.relay import sql as relay_sql
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, pass_time, waiting

AWAY = Reason(ReasonCode.NOT_SENT, "connection refused")
AHEAD = timedelta(minutes=2)


def failed(db: Database, *effects: UUID, **changes: Any) -> Consequences:
    values: dict[str, Any] = {"answered": False, "failed": effects or (uuid.uuid4(),), "reason": AWAY}
    return account_states.report(db, [Report("mail", **values | changes)])


def answered(db: Database, *, probe: bool = False) -> Consequences:
    return account_states.report(db, [Report("mail", answered=True, probe=probe)])


def fail_until_paused(db: Database) -> float:
    """Return for how many seconds the account is paused by the last of the failures that it takes."""
    told = [failed(db) for _ in range(FAILURES_THAT_PAUSE)]
    assert [one.stopped for one in told] == [*[[]] * (FAILURES_THAT_PAUSE - 1), ["mail"]]
    return told[-1].paused["mail"]


def paused_for(db: Database) -> float | None:
    state = account_states.states(db).get("mail")
    return state.paused_for if state else None


def claimed(db: Database, *effects: UUID, **how: bool) -> set[UUID]:
    return {one.id for one in claims_sql.claim(db, effects, lease=LEASE, limit=10, **how)}


# ---------------------------------------------------------------- when an account is paused


def test_one_effect_that_fails_again_and_again_pauses_no_account(database: TestDatabase) -> None:
    alone = uuid.uuid4()

    told = [failed(database, alone) for _ in range(10)]

    assert not any(one.paused for one in told)
    assert paused_for(database) is None


def test_different_effects_that_fail_in_a_row_pause_their_account(database: TestDatabase) -> None:
    assert 0 < fail_until_paused(database) <= FIRST_PAUSE_SECONDS


def test_an_answer_in_between_forgets_what_failed(database: TestDatabase) -> None:
    for _ in range(FAILURES_THAT_PAUSE):
        failed(database)
        answered(database)

    assert account_states.states(database) == {}


def test_an_account_that_asks_for_a_pause_gets_it_at_once_and_as_long_as_it_says(database: TestDatabase) -> None:
    told = failed(database, at_once=True, pause=700.0, answered=True)

    assert 699 < told.paused["mail"] <= 700
    assert told.stopped == []  # it is well, and says when to come back


def test_a_failure_that_was_under_way_when_the_pause_began_prolongs_nothing(database: TestDatabase) -> None:
    before = fail_until_paused(database)

    told = failed(database)

    assert (paused_for(database) or 0.0) <= before
    assert (told.paused, told.stopped) == ({}, [])  # and no probe is woken for it once more


def test_the_longer_of_two_pauses_that_an_account_asks_for_holds(database: TestDatabase) -> None:
    failed(database, at_once=True, pause=600.0)

    shorter = failed(database, at_once=True, pause=5.0)
    longer = failed(database, at_once=True, pause=900.0)

    assert 599 < shorter.paused["mail"] <= 600
    assert 899 < longer.paused["mail"] <= 900


def test_only_a_pause_of_our_own_is_shortened_so_that_its_end_is_not_foreseen(database: TestDatabase) -> None:
    failed(database, at_once=True, jitter=0.8)
    ours = paused_for(database)
    account_states.resume(database, "mail")

    theirs = failed(database, at_once=True, pause=60.0, jitter=0.8).paused["mail"]

    assert ours is not None
    assert ours <= 0.8 * FIRST_PAUSE_SECONDS
    assert 59 < theirs <= 60


# ---------------------------------------------------------------- what waits, and who probes


def test_an_effect_of_a_paused_account_is_not_claimed_and_has_no_new_row(database: TestDatabase) -> None:
    effect, other = waiting(database), waiting(database, account="crm")
    fail_until_paused(database)

    assert claimed(database, effect, other) == {other}
    assert database.run("SELECT count(*) AS n FROM journal WHERE effect_id = %s", (effect,))[0]["n"] == 1
    assert claims_sql.states(database, [effect])[effect].is_at_rest


def test_what_has_expired_is_claimed_during_a_pause_so_that_it_ends(database: TestDatabase, owner: Database) -> None:
    effect = waiting(database)
    owner.run("UPDATE effects SET expires_at = drumbeat_now() WHERE id = %s", (effect,))
    fail_until_paused(database)

    assert claimed(database, effect) == {effect}


def test_one_probe_is_taken_when_the_pause_is_over_and_the_next_after_a_lease(
    database: TestDatabase, owner: Database
) -> None:
    effect = waiting(database)
    fail_until_paused(database)

    early = account_states.take_probes(database, ["mail"], lease=LEASE)
    pass_time(owner, seconds=FIRST_PAUSE_SECONDS)
    may_probe = claims_sql.states(database, [effect])[effect].may_probe
    taken = [account_states.take_probes(database, ["mail"], lease=LEASE) for _ in range(2)]
    pass_time(owner, seconds=LEASE.total_seconds())

    assert (early, may_probe, taken) == ([], True, [["mail"], []])
    assert claimed(database, effect) == set()
    assert claimed(database, effect, probe=True) == {effect}
    assert account_states.take_probes(database, ["mail"], lease=LEASE) == ["mail"]


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest(database: TestDatabase) -> None:
    fail_until_paused(database)

    lengths = [failed(database, probe=True, longest=60.0).paused["mail"] for _ in range(5)]

    assert [round(length) for length in lengths] == [10, 20, 40, 60, 60]


def test_a_probe_that_is_answered_ends_the_pause(database: TestDatabase) -> None:
    fail_until_paused(database)

    assert answered(database, probe=True).resumed == ["mail"]
    assert account_states.states(database) == {}


def test_an_answer_to_a_call_that_was_under_way_when_the_pause_began_ends_nothing(database: TestDatabase) -> None:
    failed(database, at_once=True, pause=600.0)

    answered(database)

    assert paused_for(database) is not None


def test_a_probe_that_took_no_call_is_given_back_but_no_longer_pause_is(
    database: TestDatabase, owner: Database
) -> None:
    fail_until_paused(database)
    pass_time(owner, seconds=FIRST_PAUSE_SECONDS)
    account_states.take_probes(database, ["mail"], lease=LEASE)

    account_states.return_probes(database, ["mail"], lease=LEASE)
    given_back = paused_for(database)
    failed(database, at_once=True, pause=600.0)
    account_states.return_probes(database, ["mail"], lease=LEASE)

    assert given_back is not None and given_back <= 0
    assert (paused_for(database) or 0) > 500


# ---------------------------------------------------------------- what the relay sees


def test_the_relay_releases_one_effect_of_a_paused_account_for_the_end_of_the_pause(
    database: TestDatabase, owner: Database
) -> None:
    oldest, _ = waiting(database), waiting(database)
    database.run("UPDATE effects SET due_at = due_at - interval '1 minute' WHERE id = %s", (oldest,))
    failed(database, at_once=True, pause=60.0)

    (probe,) = relay_sql.due_effects(database, ahead=AHEAD, allowances={}, otherwise=100, limit=100)

    assert probe.id == oldest
    assert 58 < probe.due_in <= 60


def test_a_pause_that_ends_later_is_the_next_thing_due_and_what_waits_for_it_wakes_no_one(
    database: TestDatabase,
) -> None:
    waiting(database)
    failed(database, at_once=True, pause=3600.0)

    assert relay_sql.due_effects(database, ahead=AHEAD, allowances={}, otherwise=100, limit=100) == []
    due_in = relay_sql.next_due(database, ahead=AHEAD)
    assert due_in is not None
    assert 3590 < due_in <= 3600


def test_a_pause_for_which_nothing_waits_is_never_due(database: TestDatabase) -> None:
    failed(database, at_once=True, pause=3600.0)

    assert relay_sql.next_due(database, ahead=AHEAD) is None
