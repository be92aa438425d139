"""The bugs that this proof found first; each of them had cost time, or a try, or a mail."""

import pytest

from drumbeat.core.call_times import LEASE
from drumbeat.core.configuration import Limit
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.throttle.limiter import Ask, Granted, Throttle, TokenRequest
from tests.faults.clock import SimulatedClock
from tests.faults.environment import Environment
from tests.faults.fault_points import Fault, Site
from tests.faults.oracle import check_promises
from tests.faults.proof import StoryWithFault, play_with_fault
from tests.faults.runs import Simulate
from tests.faults.scenarios import play_scenario
from tests.faults.stories import ADA, warm_up


@pytest.mark.point(24)
@pytest.mark.point(25)
def test_effects_whose_opening_failed_are_tried_again_within_minutes(simulate: Simulate) -> None:
    play_with_fault(StoryWithFault("post", Site("worker", "db attempts.OPEN", 1), Fault.ERROR_BEFORE), simulate)


@pytest.mark.point(26)
def test_effects_whose_lease_ended_before_they_were_opened_are_tried_again_within_minutes(simulate: Simulate) -> None:
    play_with_fault(StoryWithFault("post", Site("worker", "db attempts.OPEN", 1), Fault.HANG_BEFORE), simulate)


@pytest.mark.point(24)
def test_a_worker_that_dies_while_it_puts_an_effect_off_is_noticed_at_the_end_of_its_lease(simulate: Simulate) -> None:
    play_with_fault(StoryWithFault("swallowed", Site("worker", "db attempts.CLOSE", 5), Fault.CRASH_BEFORE), simulate)


@pytest.mark.point(12)
def test_what_the_end_of_an_effect_releases_does_not_depend_on_a_wake_up(simulate: Simulate) -> None:
    play_with_fault(
        StoryWithFault("unsubscribed", Site("worker", "sqs SendMessage effects", 1), Fault.ERROR_BEFORE), simulate
    )


@pytest.mark.point(12)
def test_what_is_due_at_birth_and_not_claimed_does_not_depend_on_a_wake_up(simulate: Simulate) -> None:
    play_with_fault(StoryWithFault("crowd", Site("worker", "sqs SendMessage effects", 2), Fault.ERROR_BEFORE), simulate)


@pytest.mark.point(13)
def test_a_second_wake_up_does_not_clear_the_due_entry_that_the_first_one_needs(simulate: Simulate) -> None:
    simulation = simulate()

    play_scenario("a second wake-up is processed too early", simulation)

    check_promises(simulation)


@pytest.mark.point(50)
def test_an_answer_whose_commit_was_not_confirmed_counts_once(simulate: Simulate) -> None:
    play_with_fault(StoryWithFault("cut", Site("worker", "db attempts.CLOSE", 1), Fault.ERROR_AFTER), simulate)


@pytest.mark.point(28)
def test_an_answer_to_what_the_relay_gave_up_counts_once(simulate: Simulate) -> None:
    simulation = simulate()

    play_scenario("the relay comes before an answer", simulation)

    check_promises(simulation)


@pytest.mark.point(32)
@pytest.mark.parametrize("limit", [Limit(10, 1, 10), Limit(5, 3600, None)])
def test_an_account_is_not_locked_when_the_clock_of_redis_was_set_back(environment: Environment, limit: Limit) -> None:
    clock = SimulatedClock(environment.owner)
    throttle = Throttle(LeanRedis.at(environment.servers.redis_url, "drumbeat:tests:"), clock)
    environment.redis.flushall()
    clock.advance(2 * 3600.0)
    throttle.take([TokenRequest("crm", (limit,), (Ask(),) * limit.count)])
    clock.advance(-3600.0)  # a node took over whose clock is behind
    slot: float | None = None

    for _ in range(20):
        (answer,) = throttle.take([TokenRequest("crm", (limit,), (Ask(slot),))])["crm"]
        if isinstance(answer, Granted):
            break
        slot = answer.slot
        clock.advance(answer.seconds)

    assert isinstance(answer, Granted)
    assert clock.gone <= 3600.0 + limit.period


@pytest.mark.point(45)
def test_a_frozen_request_is_never_sent_under_another_login(simulate: Simulate) -> None:
    simulation = simulate()

    play_scenario("a login changes between two tries", simulation)

    check_promises(simulation)


@pytest.mark.point(47)
def test_an_absence_that_was_read_after_retention_had_ended_is_not_believed(simulate: Simulate) -> None:
    simulation = simulate()

    play_scenario("the log goes while it is searched", simulation)

    check_promises(simulation)


@pytest.mark.point(18)
@pytest.mark.parametrize("sweeps_after", [2.0, 44.0, 60.0])
def test_what_a_dead_worker_left_is_done_at_the_end_of_its_lease_or_by_the_next_sweep(
    simulate: Simulate, sweeps_after: float
) -> None:
    simulation = simulate()
    warm_up(simulation)
    simulation.ingest(ADA)
    simulation.abandon(ADA)
    dead_at = simulation.clock.gone

    simulation.advance(sweeps_after)
    simulation.sweep()
    simulation.advance(max(LEASE.total_seconds() - sweeps_after, 0.0))
    simulation.drain()

    assert simulation.clock.gone - dead_at <= 60.0
    rows = simulation.environment.owner.run("SELECT step, status FROM effects WHERE event_id = %s", (ADA.event,))
    assert {row["step"] for row in rows if row["status"] != "accepted"} == {"nudge"}  # ten minutes later
