"""Deliberate bugs. Wishes: withdrawals and confirmations that wait while the ledger is unreachable."""

from typing import Any

from drumbeat.people import waiting_wishes
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
)
