"""Deliberate bugs. Wishes: withdrawals and confirmations that wait while the ledger is unreachable."""

from types import SimpleNamespace
from typing import Any

from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.ingest import buffer, returns
from drumbeat.people import waiting_wishes
from drumbeat.relay import wishes as relay_wishes
from drumbeat.throttle.limiter import Throttle, Tokens
from drumbeat.wakeups.wishes_flag import WishesFlag
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch
from tests.faults.proof import StoryWithFault


def _set_the_flag_once(patch: Patch) -> None:
    put = waiting_wishes.put

    def before_the_send(wish: Any, door: Any) -> None:
        door.services.wishes_flag.set()
        with patch.context() as only:
            only.setattr(WishesFlag, "set", lambda self: b"not again")
            put(wish, door)

    patch.setattr(waiting_wishes, "put", before_the_send)


def _send_without_reading_the_flag(patch: Patch) -> None:
    take = Throttle.take_and_read
    patch.setattr(Throttle, "take_and_read", lambda self, asked, key: Tokens(take(self, asked, None).answers))


def _let_the_flag_be_lost(patch: Patch) -> None:
    record = relay_wishes.record

    def without_setting_it(services: Any, flag: Any, has_time: Any) -> Any:
        with patch.context() as only:
            only.setattr(WishesFlag, "set", lambda self: b"not set")
            return record(services, flag, has_time)

    patch.setattr(relay_wishes, "record", without_setting_it)


def _go_on_unheard_and_unflagged(patch: Patch) -> None:
    record = relay_wishes.record

    def whatever_fails(services: Any, flag: Any, has_time: Any) -> Any:
        try:
            return record(services, flag, has_time)
        except SqsError:
            return relay_wishes.Wishes(None)

    patch.setattr(relay_wishes, "record", whatever_fails)


def _take_a_return_for_a_repeat(patch: Patch) -> None:
    patch.setattr(returns, "came_back", lambda arrival, services: None)


def _drain_a_return_as_a_repeat(patch: Patch) -> None:
    patch.setattr(buffer, "returns", SimpleNamespace(came_back=lambda arrival, services: None))


def _judge_a_repeat_while_wishes_wait(patch: Patch) -> None:
    patch.setattr(WishesFlag, "is_set", lambda self: False)


def _believe_the_clock_of_the_page(patch: Patch) -> None:
    patch.setattr(waiting_wishes, "_made", lambda message: waiting_wishes.loads(message.body))


MUTATIONS = (
    Mutation(
        "the flag of wishes is set before the send only",
        _set_the_flag_once,
        StoryWithFault("withdrawn away", Site("page", "sqs SendMessage wishes", 1), Fault.HANG_BEFORE),
    ),
    Mutation(
        "a confirmation that waited is as old as its page says",
        _believe_the_clock_of_the_page,
        "a confirmation waited whose clock is ahead",
    ),
    Mutation(
        "a withdrawal that waited is as old as its page says",
        _believe_the_clock_of_the_page,
        "a withdrawal waited whose clock is behind",
    ),
    Mutation("workers send marketing while wishes wait", _send_without_reading_the_flag, "withdrawn away"),
    Mutation("the relay lets the flag of wishes be lost", _let_the_flag_be_lost, "withdrawn unheard"),
    Mutation(
        "the relay goes on without the queue of wishes and without the flag",
        _go_on_unheard_and_unflagged,
        "neither the queue of a withdrawal nor Redis answers",
    ),
    Mutation("who comes back is taken for a repeat", _take_a_return_for_a_repeat, "returned"),
    Mutation("the drain takes who comes back for a repeat", _drain_a_return_as_a_repeat, "returned away"),
    Mutation(
        "a repeat is judged while a withdrawal waits",
        _judge_a_repeat_while_wishes_wait,
        StoryWithFault("returned", Site("page", "db wishes.WITHDRAW", 1), Fault.ERROR_BEFORE),
    ),
)
