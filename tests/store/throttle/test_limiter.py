"""The rate limiter against a real Valkey, on a clock that the test moves.

Long, because limits and slots are one script, and so one file.
"""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from drumbeat.core.configuration import Limit
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.local.servers import Valkey
from drumbeat.throttle.limiter import Granted, Throttle, Wait, key_of
from tests.conftest import PREFIX
from tests.store.strange import STRANGE
from tests.store.throttle.requests import (
    START,
    TEN_PER_SECOND,
    HandClock,
    ask,
    assert_kept,
    granted,
    newcomers,
    waits,
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def throttle(lean: LeanRedis, clock: HandClock) -> Throttle:
    return Throttle(lean, clock)


def test_a_burst_is_granted_at_once_and_the_rest_spread_at_the_rate(throttle: Throttle) -> None:
    answers = throttle.take([newcomers(300)])["mail"]

    assert granted(answers) == 10
    expected = [0.1 * n for n in range(1, 291)]
    assert [wait.seconds for wait in waits(answers)] == pytest.approx(expected)


def test_a_newcomer_lines_up_behind_those_who_hold_a_slot(throttle: Throttle, clock: HandClock) -> None:
    held = waits(throttle.take([newcomers(15)])["mail"])
    clock.sleep(0.45)  # four tokens are free, and five slots are reserved

    [newcomer] = throttle.take([newcomers(1)])["mail"]
    [holder] = throttle.take([ask(held[0].slot)])["mail"]

    assert holder == Granted()
    assert isinstance(newcomer, Wait)
    assert newcomer.seconds == pytest.approx(0.15)  # after the fifth slot


def test_holders_who_come_at_their_slots_are_all_granted(throttle: Throttle, clock: HandClock) -> None:
    held = waits(throttle.take([newcomers(200)])["mail"])
    now = clock.now().timestamp()

    answers = []
    for wait in held:
        assert wait.slot is not None
        clock.sleep(max(0.0, wait.slot - clock.now().timestamp()))
        answers += throttle.take([ask(wait.slot)])["mail"]

    assert answers == [Granted()] * 190
    assert clock.now().timestamp() - now == pytest.approx(19, abs=0.001)


def test_holders_who_come_late_together_share_the_next_slots(throttle: Throttle, clock: HandClock) -> None:
    held = waits(throttle.take([newcomers(40)])["mail"])
    clock.sleep(60)  # every worker was down

    answers = throttle.take([ask(*[wait.slot for wait in held])])["mail"]

    assert granted(answers) == 10
    assert [wait.seconds for wait in waits(answers)] == pytest.approx([0.1 * n for n in range(1, 21)])


def test_one_who_came_late_does_not_go_back_behind_everybody(throttle: Throttle, clock: HandClock) -> None:
    limits = (Limit(10, 1, 1),)
    held = waits(throttle.take([newcomers(31, limits=limits)])["mail"])
    clock.sleep(0.5)  # five holders arrive together, and nothing was saved up

    answers = throttle.take([ask(*[wait.slot for wait in held[:5]], limits=limits)])["mail"]

    assert granted(answers) == 1
    assert [wait.seconds for wait in waits(answers)] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_one_who_comes_early_keeps_its_place(throttle: Throttle, clock: HandClock) -> None:
    held = waits(throttle.take([newcomers(60)])["mail"])

    [answer] = throttle.take([ask(held[-1].slot)])["mail"]

    assert answer == Wait(pytest.approx(5.0), held[-1].slot, Reason(ReasonCode.RATE_LIMITED))  # type: ignore[arg-type]


def test_every_limit_of_an_account_holds(throttle: Throttle, clock: HandClock) -> None:
    limits = (TEN_PER_SECOND, Limit(12, 3600, None))

    first = throttle.take([newcomers(10, limits=limits)])["mail"]
    clock.sleep(10)
    second = throttle.take([newcomers(4, limits=limits)])["mail"]

    assert granted(first) == 10
    assert granted(second) == 2
    assert [wait.seconds for wait in waits(second)] == pytest.approx([3590, 3590])


def test_windows_begin_with_the_utc_hour_and_day(lean: LeanRedis) -> None:
    clock = HandClock(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC))
    throttle = Throttle(lean, clock)
    limits = (Limit(1, 86400, None),)

    [before, denied] = throttle.take([newcomers(2, limits=limits)])["mail"]
    clock.sleep(1)
    assert isinstance(denied, Wait)
    [after] = throttle.take([ask(denied.slot, limits=limits)])["mail"]

    assert before == after == Granted()
    assert denied.seconds == pytest.approx(1)


def test_slots_beyond_a_full_window_are_dealt_to_the_windows_after_it(throttle: Throttle) -> None:
    limits = (Limit(2, 3600, None),)

    answers = throttle.take([newcomers(7, limits=limits)])["mail"]

    assert [wait.seconds for wait in waits(answers)] == pytest.approx([3600, 3600, 7200, 7200, 10800])


def test_an_account_without_limits_is_granted_everything(throttle: Throttle) -> None:
    assert granted(throttle.take([newcomers(500, limits=())])["mail"]) == 500


def test_other_limits_forget_the_slots_but_not_the_calls(throttle: Throttle) -> None:
    throttle.take([newcomers(500)])

    [answer] = throttle.take([newcomers(1, limits=(Limit(20, 1, 10),))])["mail"]

    assert isinstance(answer, Wait)
    assert 0 < answer.seconds <= 0.1


def test_accounts_of_a_batch_need_one_round_trip(throttle: Throttle, redis: Redis) -> None:
    throttle.take([newcomers(1)])
    before = redis.info("commandstats")["cmdstat_evalsha"]["calls"]

    answers = throttle.take([newcomers(3, account=name) for name in ("mail", "crm", "social")])

    assert {name: granted(rows) for name, rows in answers.items()} == {"mail": 3, "crm": 3, "social": 3}
    assert redis.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 3


@pytest.mark.point(33)
@pytest.mark.point(34)
def test_tokens_that_were_lost_come_back_with_time(throttle: Throttle, clock: HandClock) -> None:
    throttle.take([newcomers(10)])  # and the answer was lost, or the worker died
    clock.sleep(1)

    assert granted(throttle.take([newcomers(10)])["mail"]) == 10


@pytest.mark.point(32)
def test_a_flushed_server_costs_one_burst_and_the_script_is_sent_again(throttle: Throttle, redis: Redis) -> None:
    held = waits(throttle.take([newcomers(100)])["mail"])
    redis.flushall()
    redis.script_flush()

    answers = throttle.take([ask(*[wait.slot for wait in held])])["mail"]

    assert granted(answers) == 10
    assert len(waits(answers)) == 80


def test_everything_of_an_account_is_one_key_that_expires_by_itself(throttle: Throttle, redis: Redis) -> None:
    day = (TEN_PER_SECOND, Limit(50_000, 86400, None))
    throttle.take([newcomers(1, limits=day)])

    assert redis.keys() == [f"{PREFIX}{key_of('mail')}".encode()] == [b"drumbeat:tests:{mail}:throttle"]
    assert 12 * 3600 < redis.ttl(PREFIX + key_of("mail")) < 13 * 3600  # it is noon: the window outlives the call


class Arrival:
    """What may come next: some newcomers, and some of those who hold a slot, on time or late."""

    def __init__(self, pause: float, newcomers: int, returning: int, lateness: float) -> None:
        self.pause, self.newcomers, self.returning, self.lateness = pause, newcomers, returning, lateness


arrivals = st.builds(
    Arrival,
    pause=st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0, 7.0, 90.0]),
    newcomers=st.integers(0, 12),
    returning=st.integers(0, 12),
    lateness=st.sampled_from([0.0, 0.0, 0.2, 3.0]),
)
limit = st.builds(Limit, st.integers(1, 30), st.sampled_from([1, 60]), st.integers(1, 20))
window = st.builds(Limit, st.integers(1, 40), st.sampled_from([3600, 86400]), st.none())


@given(limits=st.lists(limit | window, min_size=1, max_size=3), steps=st.lists(arrivals, max_size=25))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_interval_ever_sees_more_than_burst_plus_rate(
    redis: Redis, lean: LeanRedis, limits: list[Limit], steps: list[Arrival]
) -> None:
    redis.flushall()
    clock = HandClock(START - timedelta(seconds=100))  # an hour turns on the way
    throttle = Throttle(lean, clock)
    calls: list[float] = []
    held: list[float] = []
    for step in steps:
        clock.sleep(step.pause)
        now = clock.now().timestamp()
        due = [slot for slot in sorted(held) if slot + step.lateness <= now][: step.returning]
        for slot in due:
            held.remove(slot)

        answers = throttle.take([ask(*due, *[None] * step.newcomers, limits=tuple(limits))])["mail"]

        calls += [now] * granted(answers)
        held += [wait.slot for wait in waits(answers) if wait.slot is not None]
    for one in limits:
        assert_kept(one, calls)


class Unreachable:
    """A port that takes connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self._held.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._held:
            connection.close()


@pytest.mark.point(32)
@pytest.mark.parametrize("kind", STRANGE)
def test_a_hash_that_is_not_ours_stops_no_account_and_crashes_nothing(
    lean: LeanRedis, redis: Redis, clock: HandClock, kind: str
) -> None:
    throttle = Throttle(lean, clock, warn=lambda _: None)
    STRANGE[kind](redis, lean.key(key_of("mail")))

    first = throttle.take([newcomers(1)])["mail"]
    throttle.queues(["mail", "other"])
    clock.sleep(10.0)

    assert granted(first) + granted(throttle.take([newcomers(1)])["mail"]) >= 1


@pytest.fixture
def silent() -> Iterator[LeanRedis]:
    server = Unreachable()
    client = LeanRedis.at(f"redis://127.0.0.1:{server.port}", PREFIX)
    yield client
    client.close()
    server.close()


@pytest.fixture
def absent() -> Iterator[LeanRedis]:
    client = LeanRedis.at("redis://127.0.0.1:1", PREFIX)
    yield client
    client.close()


@pytest.mark.point(31)
def test_without_redis_each_process_sends_slowly_and_warns_once(absent: LeanRedis, clock: HandClock) -> None:
    warnings: list[str] = []
    throttle = Throttle(absent, clock, processes=4, warn=warnings.append)
    calls = 0

    for _ in range(400):
        calls += granted(throttle.take([newcomers(20)])["mail"])
        clock.sleep(0.25)

    assert calls == pytest.approx(100 * 10 / 4, rel=0.5)  # a quarter of the rate in 100 s, in steps of our loop
    assert calls <= 100 * 10 / 4 + 1
    assert len(warnings) == 1


@pytest.mark.point(31)
def test_without_redis_an_account_never_outruns_its_own_rate(silent: LeanRedis, clock: HandClock) -> None:
    throttle = Throttle(silent, clock, processes=1)
    limits = (TEN_PER_SECOND, Limit(24, 86400, None))

    first = throttle.take([newcomers(5, limits=limits)])["mail"]
    clock.sleep(3599)
    second = throttle.take([newcomers(5, limits=limits)])["mail"]

    assert (granted(first), granted(second)) == (1, 0)


@pytest.mark.point(31)
def test_it_returns_to_redis_by_itself(clock: HandClock, tmp_path: Path) -> None:
    server = Valkey(tmp_path / "valkey")
    client = LeanRedis.at(server.url, PREFIX)
    throttle = Throttle(client, clock, processes=1)
    slot = clock.now().timestamp() - 1

    away = throttle.take([ask(None, slot)])["mail"]
    with server:
        clock.sleep(2)
        back = throttle.take([newcomers(10)])["mail"]
    client.close()

    assert [wait.slot for wait in waits(away)] == [slot]  # a slot from before is kept
    assert granted(back) == 10


def test_the_servers_clock_is_used_when_none_is_given(redis: Redis, lean: LeanRedis) -> None:
    answers = Throttle(lean).take([newcomers(11)])["mail"]

    seconds, _ = redis.time()
    assert granted(answers) == 10
    slot = waits(answers)[0].slot
    assert slot is not None
    assert abs(slot - seconds) < 60
