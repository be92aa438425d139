"""Reports that may wait: deliveries, opens and clicks come around the clock, and need not wake a database that sleeps.

They wait in a queue of their own. The relay records them as soon as it reads the ledger for anything else, before the
next work is due (one of them may prove that it is done), and within the hour.
"""

import logging
from collections.abc import Sequence

from drumbeat.core.errors import Unavailable
from drumbeat.core.events import Arrival
from drumbeat.ingest import buffer
from drumbeat.ingest.door import Door
from drumbeat.ingest.receipt import Receipt
from drumbeat.wakeups.due_index import FEEDBACK, MINUTE_SECONDS
from drumbeat.wakeups.ledger_rest import LONGEST_WAIT_SECONDS

EARLIER_SECONDS = 2.0 * MINUTE_SECONDS  # than the next work is due
REMINDED_SECONDS = 2.0 * MINUTE_SECONDS  # when the relay comes again that may have missed a report

_LOG = logging.getLogger(__name__)


def wait(arrivals: Sequence[Arrival], door: Door) -> Receipt | None:
    """Let reports wait, if all of them may and the database sleeps; None: they are to be recorded now.

    The relay's entry is set before, so that it stands however soon this process ends; and after, for the relay may have
    emptied the queue in between. An entry that stands already is not put off.
    """
    services = door.services
    if not (services.settings.feedback_queue_url and _may_wait(arrivals) and services.ledger_rest.sleeps()):
        return None
    latest = _latest(door)
    if latest <= services.clock.now().timestamp() + REMINDED_SECONDS or not _announce(door, latest):
        return None  # they are due almost now, or nothing would say when
    try:
        receipts = buffer.put(arrivals, door, queue=services.feedback)
    except Unavailable:
        _LOG.warning("feedback_not_put_off")
        return None
    _remind(door, latest)
    return receipts[0]


def _remind(door: Door, latest: float) -> None:
    """Let the relay come after this put: it may have looked before it, and be about to forget an entry that is due."""
    due_index, now = door.services.due_index, door.services.clock.now().timestamp()
    if not _announce(door, latest):
        due_index.distrust()
    elif (due_index.times([FEEDBACK]) or {}).get(FEEDBACK, 0.0) <= now + MINUTE_SECONDS:
        due_index.set({FEEDBACK: now + REMINDED_SECONDS})


def _may_wait(arrivals: Sequence[Arrival]) -> bool:
    return all(arrival.reported is not None and arrival.reported.report.may_wait for arrival in arrivals)


def _latest(door: Door) -> float:
    """Return until when reports may wait: a worker is woken for work at its very second, the relay once a minute."""
    services = door.services
    return min(
        services.clock.now().timestamp() + LONGEST_WAIT_SECONDS, services.due_index.next_work() - EARLIER_SECONDS
    )


def _announce(door: Door, latest: float) -> bool:
    return door.services.due_index.set_sooner(FEEDBACK, latest)
