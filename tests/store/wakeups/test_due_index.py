"""The relay's marks against a real Valkey."""

import math
import uuid

import pytest
from redis import Redis

from drumbeat.core.clock import SystemClock
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.wakeups.due_index import KEY, Due, DueIndex, minute

NOW = 1_800_000_000.0


@pytest.fixture
def marks(lean: LeanRedis) -> DueIndex:
    return DueIndex(lean, SystemClock())


@pytest.fixture
def away() -> DueIndex:
    return DueIndex(LeanRedis.at("redis://127.0.0.1:1"), SystemClock())


def test_a_member_is_due_when_its_time_has_come(marks: DueIndex) -> None:
    event, effect = uuid.uuid4(), uuid.uuid4()
    marks.set({f"event:{event}": NOW, f"effect:{effect}": NOW - 5, "effect:later": NOW + 0.5})

    due = marks.due(NOW)

    assert due.members == {f"event:{event}", f"effect:{effect}"}
    assert (due.ids("event"), due.ids("effect")) == ([event], [effect])


def test_the_latest_time_of_a_member_counts(marks: DueIndex) -> None:
    marks.set({"effect:1": NOW})
    marks.set({"effect:1": NOW + 60})

    assert marks.due(NOW).members == frozenset()
    assert marks.due(NOW + 60).members == {"effect:1"}


def test_settled_work_is_forgotten(marks: DueIndex) -> None:
    marks.set({"effect:1": NOW, "effect:2": NOW})

    marks.clear(["effect:1"])

    assert marks.due(NOW).members == {"effect:2"}


def test_a_member_set_anew_since_it_was_read_stays(marks: DueIndex) -> None:
    marks.set({"effect:1": NOW - 1, "effect:2": NOW - 1})
    due = marks.due(NOW)
    marks.set({"effect:2": NOW + 300})

    marks.forget(due.members, NOW)

    assert marks.due(NOW + 300).members == {"effect:2"}


def test_a_mark_tells_when_somebody_will_look(marks: DueIndex, away: DueIndex) -> None:
    marks.set({"effect:1": NOW + 5, "effect:2": NOW})

    assert marks.times(["effect:1", "effect:unmarked"]) == {"effect:1": NOW + 5}
    assert away.times(["effect:1"]) == {}


def test_lost_marks_are_noticed_by_the_sentinel(marks: DueIndex, redis: Redis) -> None:
    assert marks.due(NOW).missing
    marks.watch(full_at=NOW + 3600)
    assert not marks.due(NOW).missing

    redis.delete(KEY)

    assert marks.due(NOW) == Due(frozenset(), missing=True)


def test_the_sentinel_is_never_due_and_the_next_full_look_is(marks: DueIndex) -> None:
    marks.watch(full_at=NOW + 3600)

    assert marks.due(NOW + 3599).members == frozenset()
    assert marks.due(NOW + 3600).members == {"full"}


def test_distrust_makes_the_next_relay_look_at_everything(marks: DueIndex) -> None:
    marks.watch(full_at=NOW)

    marks.distrust()

    assert marks.due(NOW).missing


def test_what_is_far_ahead_shares_one_member_a_minute(marks: DueIndex) -> None:
    assert minute(NOW + 61) == minute(NOW + 119) == {f"at:{math.floor(NOW / 60) + 1}": NOW + 60}


def test_a_member_that_is_no_id_stands_for_nothing(marks: DueIndex) -> None:
    marks.set({"event:garbled": NOW})

    assert marks.due(NOW).ids("event") == []


@pytest.mark.point(31)
def test_without_redis_the_answer_says_so(away: DueIndex) -> None:
    assert not away.set({"effect:1": NOW})
    assert not away.clear(["effect:1"])
    assert away.due(NOW) == Due(frozenset(), missing=True)


def test_marks_that_redis_refuses_to_read_are_missing(marks: DueIndex, redis: Redis) -> None:
    redis.set(KEY, "no sorted set")

    assert marks.due(NOW) == Due(frozenset(), missing=True)


def test_nothing_to_set_or_clear_asks_nobody(away: DueIndex) -> None:
    assert away.set({})
    assert away.clear([])
