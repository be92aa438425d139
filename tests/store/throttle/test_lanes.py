"""Transactional effects before campaigns, against a real Valkey, on a clock that the test moves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from drumbeat.core.configuration import Limit
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.throttle.limiter import Answer, Ask, Granted, Throttle, TokenRequest, Wait
from tests.store.throttle.requests import START, TEN_PER_SECOND, HandClock, assert_kept, granted, waits

ONE_AT_A_TIME = Limit(10, 1, 1)
BOTH = pytest.mark.parametrize("limit", [TEN_PER_SECOND, ONE_AT_A_TIME])


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def throttle(lean: LeanRedis, clock: HandClock) -> Throttle:
    return Throttle(lean, clock)


def take(throttle: Throttle, limits: Sequence[Limit], *asks: Ask) -> list[Answer]:
    return throttle.take([TokenRequest("mail", tuple(limits), asks)])["mail"]


def campaign(count: int) -> list[Ask]:
    return [Ask(campaign=True)] * count


def returning(wait: Wait, *, campaign: bool = False) -> Ask:
    return Ask(wait.slot, campaign=campaign)


@BOTH
def test_a_transactional_effect_waits_for_one_token_whatever_a_campaign_holds(
    throttle: Throttle, clock: HandClock, limit: Limit
) -> None:
    take(throttle, [limit], *campaign(500))

    [wait] = waits(take(throttle, [limit], Ask()))
    clock.sleep(wait.seconds)

    assert wait.seconds == pytest.approx(0.1)
    assert take(throttle, [limit], returning(wait)) == [Granted()]


@BOTH
@pytest.mark.parametrize("late", [0.0, 0.05, 2.0])
def test_a_holder_of_a_campaign_gives_way_and_gets_the_next_slot(
    throttle: Throttle, clock: HandClock, limit: Limit, late: float
) -> None:
    held = waits(take(throttle, [limit], *campaign(limit.burst or 0), *campaign(40)))
    [wait] = waits(take(throttle, [limit], Ask()))
    clock.sleep(held[0].seconds)

    [put_back] = waits(take(throttle, [limit], returning(held[0], campaign=True)))
    clock.sleep(late)
    first = take(throttle, [limit], returning(wait))
    clock.sleep(put_back.seconds)
    second = take(throttle, [limit], returning(put_back, campaign=True))

    assert put_back.seconds == pytest.approx(0.1)
    assert (first, second) == ([Granted()], [Granted()])


def test_the_transactional_of_a_batch_come_first_and_answers_keep_the_order_of_the_asks(throttle: Throttle) -> None:
    answers = take(throttle, [Limit(2, 1, 2)], *campaign(2), Ask(), *campaign(1), Ask(), Ask())

    assert [isinstance(answer, Granted) for answer in answers] == [False, False, True, False, True, False]
    assert [wait.seconds for wait in waits(answers)] == pytest.approx([1.0, 1.5, 2.0, 0.5])


def test_a_new_campaign_effect_queues_behind_transactional_ones(throttle: Throttle) -> None:
    take(throttle, [TEN_PER_SECOND], *[Ask()] * 30)

    [wait] = waits(take(throttle, [TEN_PER_SECOND], *campaign(1)))

    assert wait.seconds == pytest.approx(2.1)


def test_campaigns_that_come_late_together_leave_the_tokens_of_transactional_effects_that_are_late_too(
    throttle: Throttle, clock: HandClock
) -> None:
    held = waits(take(throttle, [TEN_PER_SECOND], *campaign(30)))
    promised = waits(take(throttle, [TEN_PER_SECOND], *[Ask()] * 4))
    clock.sleep(2)

    others = take(throttle, [TEN_PER_SECOND], *[returning(wait, campaign=True) for wait in held])

    assert granted(others) == 6
    assert take(throttle, [TEN_PER_SECOND], *[returning(wait) for wait in promised]) == [Granted()] * 4


@pytest.mark.parametrize(("late", "left"), [(1, 4), (4, 5)])
def test_a_transactional_slot_that_is_never_used_goes_to_campaigns(
    throttle: Throttle, clock: HandClock, late: int, left: int
) -> None:
    limit = Limit(5, 3600, None)
    take(throttle, [limit], *campaign(5))
    [wait] = waits(take(throttle, [limit], Ask()))
    clock.sleep(wait.seconds + late)

    assert granted(take(throttle, [limit], *campaign(5))) == left


def test_a_slot_that_is_used_is_no_longer_kept_from_the_campaigns_of_its_batch(
    throttle: Throttle, clock: HandClock
) -> None:
    take(throttle, [TEN_PER_SECOND], *campaign(10))
    [wait] = waits(take(throttle, [TEN_PER_SECOND], Ask()))
    clock.sleep(2)

    assert granted(take(throttle, [TEN_PER_SECOND], returning(wait), *campaign(10))) == 10


def test_a_flushed_server_forgets_both_lanes(throttle: Throttle, redis: Redis) -> None:
    held = waits(take(throttle, [TEN_PER_SECOND], *[Ask()] * 30, *campaign(30)))
    redis.flushall()

    answers = take(throttle, [TEN_PER_SECOND], returning(held[40], campaign=True), returning(held[10]))

    assert answers == [Granted(), Granted()]


# ---------------------------------------------------------------- any mix


@dataclass
class Effect:
    """One effect that asks until it is granted."""

    campaign: bool
    comes_at: float
    lateness: float  # after its slot, each time
    slot: float | None = None
    granted_at: float | None = None


@dataclass
class Account:
    """Effects of one account, each of which comes back at its slot."""

    throttle: Throttle
    clock: HandClock
    limits: tuple[Limit, ...]
    effects: list[Effect]
    calls: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Let each come when it is its time, those of one instant together, until all have been granted."""
        for _ in range(20 * len(self.effects) + 20):
            waiting = [effect for effect in self.effects if effect.granted_at is None]
            if not waiting:
                return
            instant = min(effect.comes_at for effect in waiting)
            self.clock.sleep(max(0.0, instant - self.now))
            self._ask([effect for effect in waiting if effect.comes_at <= self.now + 1e-6])
        raise AssertionError("some effect is never granted")

    @property
    def now(self) -> float:
        return (self.clock.now() - START).total_seconds()

    def _ask(self, effects: Sequence[Effect]) -> None:
        answers = take(self.throttle, self.limits, *[Ask(one.slot, campaign=one.campaign) for one in effects])
        for effect, answer in zip(effects, answers, strict=True):
            if isinstance(answer, Granted):
                effect.granted_at = self.now
                self.calls.append(self.now)
            else:
                effect.slot, effect.comes_at = answer.slot, self.now + answer.seconds + effect.lateness


instants = st.sampled_from([0.0, 0.05, 0.3, 1.0, 1.001, 2.5, 6.0])
lateness = st.sampled_from([0.0, 0.0, 0.01, 0.4, 3.0, 30.0])
transactional = st.lists(st.builds(Effect, st.just(value=False), instants, st.just(0.0)), max_size=12)
any_transactional = st.lists(st.builds(Effect, st.just(value=False), instants, lateness), max_size=12)
campaigns = st.lists(st.builds(Effect, st.just(value=True), instants, lateness), max_size=40)
rates = st.builds(Limit, st.integers(1, 30), st.just(1), st.integers(1, 20))
windows = st.builds(Limit, st.integers(1, 40), st.sampled_from([3600, 86400]), st.none())
in_redis = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])

type Run = Callable[[Sequence[Limit], list[Effect]], Account]


@pytest.fixture
def run(redis: Redis, lean: LeanRedis) -> Run:
    def run(limits: Sequence[Limit], effects: list[Effect]) -> Account:
        redis.flushall()
        clock = HandClock()
        account = Account(Throttle(lean, clock), clock, tuple(limits), effects)
        account.run()
        return account

    return run


@given(limits=st.lists(rates | windows, min_size=1, max_size=3), some=any_transactional, others=campaigns)
@in_redis
def test_every_limit_holds_whatever_the_mix(
    run: Run, limits: list[Limit], some: list[Effect], others: list[Effect]
) -> None:
    account = run(limits, [*some, *others])

    for limit in limits:
        assert_kept(limit, [START.timestamp() + call for call in account.calls])


@given(limit=rates, some=transactional, others=campaigns)
@in_redis
def test_a_transactional_effect_waits_for_transactional_ones_and_one_interval(
    run: Run, limit: Limit, some: list[Effect], others: list[Effect]
) -> None:
    arrivals = sorted(effect.comes_at for effect in some)

    run([limit], [*some, *others])

    interval, free_at = limit.period / limit.count, 0.0
    for arrived, granted_at in zip(arrivals, sorted(effect.granted_at or 0.0 for effect in some), strict=True):
        free_at = max(free_at, arrived) + interval
        assert granted_at <= free_at + 1e-4


@given(limit=rates, count=st.integers(1, 12), late=st.sampled_from([0.01, 0.4, 2.0]), others=campaigns)
@in_redis
def test_their_tokens_are_kept_for_transactional_effects_whose_messages_are_late(
    run: Run, limit: Limit, count: int, late: float, others: list[Effect]
) -> None:
    some = [Effect(campaign=False, comes_at=1.0, lateness=late) for _ in range(count)]

    run([limit], [*some, *others])

    interval = limit.period / limit.count
    for place, granted_at in enumerate(sorted(effect.granted_at or 0.0 for effect in some), 1):
        assert granted_at <= 1.0 + place * interval + late + 1e-4


@given(limit=rates, some=transactional, count=st.integers(1, 60))
@in_redis
def test_campaigns_get_all_that_transactional_effects_leave(
    run: Run, limit: Limit, some: list[Effect], count: int
) -> None:
    at_once = [replace(effect, comes_at=0.0) for effect in some]

    account = run([limit], [*at_once, *(Effect(campaign=True, comes_at=0.0, lateness=0.0) for _ in range(count))])

    needed = max(0, len(account.calls) - (limit.burst or 0)) * limit.period / limit.count
    assert max(account.calls) <= needed + 1e-3
