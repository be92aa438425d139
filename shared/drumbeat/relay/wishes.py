"""What people asked for while the ledger was unreachable: the relay records it before it does anything else."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.services import Services

HIDDEN_SECONDS = 10  # for ten messages: what a relay that was killed had received is there again for the next one
WAIT_SECONDS = 1  # for the first of ten: SQS answers a receive that does not wait from some of its servers only

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Wishes:
    """What became of those that waited."""

    flag: bytes | None
    recorded: int = 0
    foreign: int = 0  # could not be parsed, or the ledger refuses them: they stay for a person
    locked: int = 0  # they come back: another transaction has their contact's row
    emptied: bool = False  # a receive that waited found nothing more
    out_of_time: bool = False
    unanswered: bool = False  # their queue failed: whether any are left is not known, and the flag stands


def waiting(services: Services) -> bool:
    """Return whether there are wishes, or may be: the queue's count may be a minute old, or not to be had."""
    if not services.settings.wishes_queue_url:
        return False
    try:
        return services.wishes.count() > 0
    except SqsError as error:
        _LOG.warning("relay: whether wishes wait is not known: %s", error)
        return True


def record(services: Services, flag: bytes | None, has_time: Callable[[], bool]) -> Wishes:
    """Record the wishes that wait, then let marketing go on. Each is deleted only once it is recorded.

    `flag`: its value, read before; None: it is set as soon as there is a wish, also a hidden one, or the queue fails.
    `has_time` returns whether there is time for one more receive: as long as it hides its messages.

    Raises:
        SqsError: the queue fails, and Redis does not take the flag: nothing would hold marketing.
        psycopg.OperationalError: the ledger is unreachable; what was not recorded stays, and so does the flag.
    """
    found = Wishes(flag)
    try:
        _empty(services, found, has_time)
        if found.emptied and not found.locked:
            _hold_or_release(services, found)
    except SqsError as error:
        # Set again where it stood: Redis may have lost it meanwhile.
        found.flag, found.unanswered = services.wishes_flag.set(), True
        if found.flag is None:
            raise
        _LOG.warning("relay: wishes wait until the next minute, and so does marketing: %s", error)
    return found


def _hold_or_release(services: Services, found: Wishes) -> None:
    """Let marketing go on; or wait, where Redis lost the flag and what a relay received that died is hidden still."""
    left = services.wishes.count() > found.foreign
    if found.flag and not left:
        services.wishes_flag.clear(found.flag)
    elif left and not found.flag:
        found.flag = services.wishes_flag.set()


def _empty(services: Services, found: Wishes, has_time: Callable[[], bool]) -> None:
    from drumbeat.people.waiting_wishes import drain

    while has_time():
        messages = services.wishes.receive(wait=WAIT_SECONDS, hidden=HIDDEN_SECONDS)
        if not messages:
            found.emptied = True
            return
        found.flag = found.flag or services.wishes_flag.set()
        drained = drain(messages, services)
        found.recorded += drained.recorded
        found.foreign += len(drained.foreign)
        found.locked += len(messages) - len(drained.settled) - len(drained.foreign)
        services.wishes.delete(drained.settled)
    found.out_of_time = True
