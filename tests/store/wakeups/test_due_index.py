"""The due index against a real Valkey."""

import math
import uuid

import pytest
from redis import Redis

from drumbeat.core.clock import SystemClock
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.wakeups.due_index import AGAIN, FEEDBACK, KEY, Due, DueIndex, minute
from tests.conftest import PREFIX

NOW = 1_800_000_000.0


@pytest.fixture
def due_index(lean: LeanRedis) -> DueIndex:
    return DueIndex(lean, SystemClock())


@pytest.fixture
def unreachable() -> DueIndex:
    return DueIndex(LeanRedis.at("redis://127.0.0.1:1", PREFIX), SystemClock())


def test_a_member_is_due_when_its_time_has_come(due_index: DueIndex) -> None:
    event, effect = uuid.uuid4(), uuid.uuid4()
    due_index.set({f"event:{event}": NOW, f"effect:{effect}": NOW - 5, "effect:later": NOW + 0.5})

    due = due_index.due(NOW)

    assert due.members == {f"event:{event}", f"effect:{effect}"}
    assert (due.ids("event"), due.ids("effect")) == ([event], [effect])


def test_the_latest_time_of_a_member_counts(due_index: DueIndex) -> None:
    due_index.set({"effect:1": NOW})
    due_index.set({"effect:1": NOW + 60})

    assert due_index.due(NOW).members == frozenset()
    assert due_index.due(NOW + 60).members == {"effect:1"}


def test_an_entry_may_be_made_sooner_and_not_later(due_index: DueIndex) -> None:
    for when in (NOW, NOW - 60, NOW + 60):
        assert due_index.set_sooner(FEEDBACK, when)

    assert due_index.times([FEEDBACK]) == {FEEDBACK: NOW - 60}


def test_the_next_work_is_the_first_entry_that_is_no_mark(due_index: DueIndex, unreachable: DueIndex) -> None:
    due_index.watch(full_at=NOW)
    due_index.set({FEEDBACK: NOW, AGAIN: NOW})
    assert due_index.next_work() == math.inf

    due_index.set({"effect:1": NOW + 60, "effect:2": NOW + 30})

    assert due_index.next_work() == NOW + 30
    assert unreachable.next_work() == math.inf


def test_settled_work_is_forgotten(due_index: DueIndex) -> None:
    due_index.set({"effect:1": NOW, "effect:2": NOW})

    due_index.clear(["effect:1"])

    assert due_index.due(NOW).members == {"effect:2"}


def test_a_member_set_anew_since_it_was_read_stays(due_index: DueIndex) -> None:
    due_index.set({"effect:1": NOW - 1, "effect:2": NOW - 1})
    due = due_index.due(NOW)
    due_index.set({"effect:2": NOW + 300})

    due_index.forget(due.members, NOW)

    assert due_index.due(NOW + 300).members == {"effect:2"}


def test_an_entry_shows_when_the_relay_checks(due_index: DueIndex, unreachable: DueIndex) -> None:
    due_index.set({"effect:1": NOW + 5, "effect:2": NOW})

    assert due_index.times(["effect:1", "effect:unmarked"]) == {"effect:1": NOW + 5}
    assert unreachable.times(["effect:1"]) is None


def test_lost_entries_are_noticed_by_the_sentinel(due_index: DueIndex, redis: Redis) -> None:
    assert due_index.due(NOW).missing
    due_index.watch(full_at=NOW + 3600)
    assert not due_index.due(NOW).missing

    redis.delete(PREFIX + KEY)

    assert due_index.due(NOW) == Due(frozenset(), missing=True)


def test_the_sentinel_is_never_due_and_the_next_full_sweep_is(due_index: DueIndex) -> None:
    due_index.watch(full_at=NOW + 3600)

    assert due_index.due(NOW + 3599).members == frozenset()
    assert due_index.due(NOW + 3600).members == {"full"}


def test_distrust_makes_the_next_relay_check_everything(due_index: DueIndex) -> None:
    due_index.watch(full_at=NOW)

    due_index.distrust()

    assert due_index.due(NOW).missing


def test_what_is_far_ahead_shares_one_member_a_minute(due_index: DueIndex) -> None:
    assert minute(NOW + 61) == minute(NOW + 119) == {f"at:{math.floor(NOW / 60) + 1}": NOW + 60}


def test_a_member_that_is_no_id_stands_for_nothing(due_index: DueIndex) -> None:
    due_index.set({"event:garbled": NOW})

    assert due_index.due(NOW).ids("event") == []


@pytest.mark.point(31)
def test_without_redis_the_answer_says_so(unreachable: DueIndex) -> None:
    assert not unreachable.set({"effect:1": NOW})
    assert not unreachable.clear(["effect:1"])
    assert unreachable.due(NOW) == Due(frozenset(), missing=True, unreachable=True)


def test_marks_that_redis_refuses_to_read_are_missing(due_index: DueIndex, redis: Redis) -> None:
    redis.set(PREFIX + KEY, "no sorted set")

    assert due_index.due(NOW) == Due(frozenset(), missing=True, unreachable=True)


def test_nothing_to_set_or_clear_calls_nothing(unreachable: DueIndex) -> None:
    assert unreachable.set({})
    assert unreachable.clear([])
