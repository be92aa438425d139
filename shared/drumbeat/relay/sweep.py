"""The relay: once a minute, ring for what is due, free what is stuck, find what was forgotten, drain the buffer.

It decides nothing about an effect: it rings, and a doorbell too many changes nothing. Marks in Redis tell when there is
anything to look for, so that a database that sleeps is left asleep; when marks are lost, everything is looked at.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from redis.exceptions import RedisError

from drumbeat.infrastructure.sqs.client import SqsError
from drumbeat.relay import sql as ledger
from drumbeat.relay.sql import DueEffect, ForgottenEvent
from drumbeat.services import Services
from drumbeat.throttle.pace import AHEAD, UNLIMITED, allowance, pace
from drumbeat.wakeups.due_index import FULL, Due, minute
from drumbeat.wakeups.queue import QueueError

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

CHUNK = 500  # rows of one statement
UNPLANNED = 1_000  # events of one sweep
GRACE = timedelta(seconds=20)  # younger events are in the hands of who recorded them
MARGIN = timedelta(minutes=5)  # how far behind now the search for forgotten events may begin
BACK = timedelta(days=1)  # how far behind now it begins when all is looked at: no clock is set back further
FRESH = timedelta(minutes=10)  # how long after an `apply` the flows that had failed are tried again
AGAIN = 60.0  # seconds after which what was rung is looked at again
OLD = 3600.0  # an event still without a plan after so many seconds is rung ever more rarely
FULL_EVERY = 6 * 3600.0  # seconds
RESERVE = 8.0  # seconds kept to finish in order
LOCK = "drumbeat:{relay}:lock"
LOCKED = 60  # seconds: longer than a sweep takes
# A lock that ended by itself meanwhile may be another relay's by now.
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Summary:
    """What a sweep did."""

    idle: bool = False  # nothing was due: the ledger was not asked
    locked_elsewhere: bool = False  # another relay sweeps
    full: bool = False
    recovered: int = 0  # effects whose lease had ended
    effects: int = 0  # that workers were notified of
    events: int = 0  # the same
    drained: int = 0  # events brought over from the buffer
    fired: int = 0  # instants of campaigns that had not been fired
    missed: int = 0  # those that are too old for that, counted when all is looked at
    foreign: int = 0  # buffered messages that were not understood; they stay for a person
    not_notified: int = 0  # messages that the queue did not take; sent again in a minute
    oldest: float = 0.0  # seconds for which the oldest effect has been due, or the oldest event without a plan

    def logged(self) -> dict[str, bool | int | float]:
        """Return what is not zero, by the names that logs and the function's answer have."""
        named = {
            "asleep": self.idle,
            "elsewhere": self.locked_elsewhere,
            "full": self.full,
            "recovered": self.recovered,
            "effects": self.effects,
            "events": self.events,
            "drained": self.drained,
            "fired": self.fired,
            "missed": self.missed,
            "foreign": self.foreign,
            "unrung": self.not_notified,
            "oldest": self.oldest,
        }
        return {name: value for name, value in named.items() if value}


def sweep(services: Services, *, remaining: Callable[[], float] = lambda: math.inf) -> Summary:
    """Look once. Harmless to repeat, to run twice at a time, and to stop anywhere.

    `remaining` tells the seconds until the process may be stopped. No transaction is open while a queue is called.

    Raises:
        psycopg.OperationalError: the ledger is away; marks and buffer stay as they are for the next minute.
    """
    now = services.clock.now().timestamp()
    due = services.due_index.due(now)
    full = due.missing or FULL in due.members
    if not (full or due.members or _buffered(services)):
        return Summary(idle=True)
    with _alone(services.redis) as alone:
        if not alone:
            return Summary(locked_elsewhere=True)
        return _Sweep(services, now, due, full, remaining).run()


class _Sweep:
    """One look at the ledger."""

    def __init__(self, services: Services, now: float, due: Due, full: bool, remaining: Callable[[], float]) -> None:
        self._services = services
        self._now = now
        self._due = due
        self._remaining = remaining
        self._again: dict[str, float] = {}  # what to look at again, and when
        self._cut = False  # something due was left for the next minute
        self.summary = Summary(full=full)

    def run(self) -> Summary:
        recovered = self._recover()
        effects = self._due_effects(recovered)
        events = self._forgotten_events()
        self._services.due_index.set(self._again)
        self._ring(effects, events)
        self._drain()
        self._catch_up_campaigns()
        self._settle()
        return self.summary

    def _recover(self) -> set[UUID]:
        recovered: set[UUID] = set()
        while self._time():
            chunk = ledger.recover(self._services.db, limit=CHUNK, full=self.summary.full)
            recovered.update(chunk)
            if len(chunk) < CHUNK:
                break
        self.summary.recovered = len(recovered)
        return recovered

    def _due_effects(self, recovered: set[UUID]) -> list[tuple[DueEffect, float]]:
        """Return what to ring, with the seconds until then: each account's no faster than its limits."""
        limits = ledger.limits(self._services.db)
        allowances = {account: allowance(each) for account, each in limits.items()}
        found = ledger.due_effects(
            self._services.db,
            ahead=AHEAD,
            allowances={account: most + 1 for account, most in allowances.items()},
            otherwise=UNLIMITED + 1,
        )
        self._note_age(max((-each.due_in for each in found), default=0.0))
        released = [each for each in found if each.place <= allowances.get(each.account, UNLIMITED)]
        self._cut |= len(released) < len(found)
        timed = [(each, max(each.due_in, pace(limits.get(each.account, ()), each.place), 0.0)) for each in released]
        if not self.summary.full:
            timed = self._unattended(timed, recovered)
        self._again |= {f"effect:{each.id}": self._now + delay + AGAIN for each, delay in timed}
        return timed

    def _unattended(
        self, timed: Sequence[tuple[DueEffect, float]], recovered: set[UUID]
    ) -> list[tuple[DueEffect, float]]:
        """Leave out effects that were rung for already and that somebody looks at soon after their time."""
        times = self._services.due_index.times([f"effect:{each.id}" for each, _ in timed])
        return [
            (each, delay)
            for each, delay in timed
            if each.id in recovered or not self._now < times.get(f"effect:{each.id}", 0.0) <= self._now + delay + AGAIN
        ]

    def _forgotten_events(self) -> list[ForgottenEvent]:
        db = self._services.db
        back = BACK if self.summary.full else None
        found = ledger.forgotten_events(db, grace=GRACE, marked=self._due.ids("event"), back=back, limit=UNPLANNED)
        self._cut |= len(found) == UNPLANNED
        self._note_age(max((event.age for event in found), default=0.0))
        self._again |= {
            f"event:{event.id}": self._now + (AGAIN if event.age < OLD else min(event.age / 4, FULL_EVERY))
            for event in found
        }
        again = ledger.replannable_events(db, fresh=FRESH, full=self.summary.full, limit=UNPLANNED)
        ledger.advance(db, margin=MARGIN, back=back)
        return found + [ForgottenEvent(event, campaign=True, age=0.0) for event in again]

    def _ring(self, effects: Sequence[tuple[DueEffect, float]], events: Sequence[ForgottenEvent]) -> None:
        """Ring, campaigns last. What the queue does not take is marked to be looked at in a minute."""
        queue = self._services.queue
        for campaign in (False, True):
            self._try(queue.notify, [event.id for event in events if event.campaign is campaign])
            self._try(queue.notify_later, [(each.id, delay) for each, delay in effects if each.campaign is campaign])
        self.summary.effects, self.summary.events = len(effects), len(events)

    def _try[T](self, ring: Callable[[list[T]], None], what: list[T]) -> None:
        try:
            ring(what)
        except QueueError as error:
            self.summary.not_notified += error.messages
            _LOG.warning("relay: %s", error)

    def _drain(self) -> None:
        """Bring over what was received while the ledger was away: it answers now. Deleted only once recorded."""
        if not self._services.settings.buffer_queue_url:
            return
        from drumbeat.ingest import drain

        buffer = self._services.buffer
        try:
            while self._time() and (messages := buffer.receive()):
                drained = drain(messages, self._services)
                buffer.delete(drained.settled)
                self.summary.drained += drained.recorded
                self.summary.foreign += len(drained.foreign)
        except SqsError as error:
            _LOG.warning("relay: the buffer stays as it is until the next minute: %s", error)

    def _catch_up_campaigns(self) -> None:
        """Fire what should have fired, and have marks tell when to look again."""
        if not self._time():
            return
        from drumbeat.campaigns import catch_up

        caught_up = catch_up(self._services, full=self.summary.full)
        self.summary.fired, self.summary.missed = caught_up.recorded, len(caught_up.missed)

    def _settle(self) -> None:
        """Leave marks that match the ledger: what comes next, what is left, and that everything was looked at."""
        due_index = self._services.due_index
        next_due = ledger.next_due(self._services.db, ahead=AHEAD)
        soonest = self._now + AGAIN
        if next_due is not None:
            due_index.set(minute(max(self._now + next_due, soonest)))
        if self._cut or not self._time():
            due_index.set(minute(soonest))
        if self.summary.full and self._time():
            due_index.watch(full_at=self._now + FULL_EVERY)
        due_index.forget(self._due.members, self._now)

    def _note_age(self, seconds: float) -> None:
        self.summary.oldest = max(self.summary.oldest, round(seconds, 1))

    def _time(self) -> bool:
        return self._remaining() > RESERVE


def _buffered(services: Services) -> bool:
    if not services.settings.buffer_queue_url:
        return False
    try:
        return services.buffer.count() > 0
    except SqsError as error:
        _LOG.warning("relay: cannot tell whether the buffer is empty: %s", error)
        return False


@contextmanager
def _alone(redis: "LeanRedis") -> Iterator[bool]:
    """Tell whether no other relay sweeps at this time; without Redis anybody may, it only costs doorbells."""
    ours = uuid4().hex
    try:
        held = redis.set(LOCK, ours, ex=LOCKED, nx=True)
    except RedisError:
        yield True
        return
    try:
        yield held
    finally:
        if held:
            with suppress(RedisError):  # it ends by itself
                redis.run("EVAL", UNLOCK, 1, LOCK, ours)
