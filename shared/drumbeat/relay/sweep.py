"""The relay: once a minute, notify workers of what is due, free what is stuck, find lost work, drain the buffer.

It decides nothing about an effect: it notifies, and an extra message changes nothing. The due index says when there is
anything to read, so that a suspended database stays suspended; when the index is lost, everything is checked.
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
from drumbeat.observability.stages import leave_mark
from drumbeat.relay import sql as ledger
from drumbeat.relay.sql import DueEffect, ForgottenEvent
from drumbeat.services import Services
from drumbeat.throttle.pace import NOTIFY_AHEAD, UNLIMITED_ALLOWANCE, allowance, pace
from drumbeat.wakeups.due_index import FULL, Due, minute
from drumbeat.wakeups.queue import QueueError

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

ROWS_PER_STATEMENT = 500
MAX_EVENTS_PER_SWEEP = 1_000
MIN_EVENT_AGE = timedelta(seconds=20)  # of an event without a plan: a younger one was just sent to a worker
# The search for unplanned events begins this long before now: a slow transaction may still commit.
COMMIT_MARGIN = timedelta(minutes=5)
CLOCK_MARGIN = timedelta(days=1)  # a full sweep searches from this long before now: no clock is set back further
REPLAN_WINDOW = timedelta(minutes=10)  # how long after an `apply` the flows that had failed are tried again
RENOTIFY_SECONDS = 60.0  # after a notification an effect or event is checked again
OLD_EVENT_SECONDS = 3600.0  # an event without a plan for longer than this is notified of less and less often
FULL_SWEEP_SECONDS = 6 * 3600.0  # between two sweeps that check everything
# After one for which the index was missing: what ran on with another index (the release before, processes with the
# former secret or Redis) has set its entries there.
SECOND_SWEEP_SECONDS = 15 * 60.0
RESERVED_SECONDS = 8.0  # of the function's time, kept to finish in order
LOCK_KEY = "{relay}:lock"
LOCK_SECONDS = 60  # longer than a sweep takes
# A lock that expired meanwhile may belong to another relay now.
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Summary:
    """What a sweep did."""

    idle: bool = False  # nothing was due: the ledger was not read
    locked_elsewhere: bool = False  # another relay sweeps
    full: bool = False
    recovered: int = 0  # effects whose lease had ended
    effects: int = 0  # that workers were notified of
    events: int = 0  # the same
    drained: int = 0  # events recorded from the buffer
    fired: int = 0  # instants of campaigns that had not been fired
    missed: int = 0  # those that are too old for that, counted by full sweeps
    foreign: int = 0  # buffered messages that could not be parsed; they stay for a person
    not_notified: int = 0  # messages that the queue did not take; sent again in a minute
    oldest: float = 0.0  # seconds for which the oldest effect has been due, or the oldest event without a plan

    def logged(self) -> dict[str, bool | int | float]:
        """Return what is not zero, by its names in logs and in the function's result."""
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
    """Sweep once. Harmless to repeat, to run twice at a time, and to stop anywhere.

    `remaining` returns the seconds until the process may be stopped. No transaction is open while a queue is called.

    Raises:
        psycopg.OperationalError: the ledger is unreachable; due index and buffer stay as they are for the next minute.
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
    """One sweep of the ledger."""

    def __init__(self, services: Services, now: float, due: Due, full: bool, remaining: Callable[[], float]) -> None:
        self._services = services
        self._now = now
        self._due = due
        self._remaining = remaining
        self._checks: dict[str, float] = {}  # due entries: what to check again, and when
        self._cut = False  # something due was left for the next minute
        self.summary = Summary(full=full)

    def run(self) -> Summary:
        recovered = self._recover()
        effects = self._due_effects(recovered)
        events = self._forgotten_events()
        self._services.due_index.set(self._checks)
        self._notify(effects, events)
        self._drain()
        self._catch_up_campaigns()
        self._schedule_next()
        if self.summary.full:
            leave_mark(self._services)
        return self.summary

    def _recover(self) -> set[UUID]:
        recovered: set[UUID] = set()
        while self._has_time():
            rows = ledger.recover(self._services.db, limit=ROWS_PER_STATEMENT, full=self.summary.full)
            recovered.update(rows)
            if len(rows) < ROWS_PER_STATEMENT:
                break
        self.summary.recovered = len(recovered)
        return recovered

    def _due_effects(self, recovered: set[UUID]) -> list[tuple[DueEffect, float]]:
        """Return what to notify workers of, with the seconds until then: each account's no faster than its limits."""
        limits = ledger.limits(self._services.db)
        allowances = {account: allowance(each) for account, each in limits.items()}
        found = ledger.due_effects(
            self._services.db,
            ahead=NOTIFY_AHEAD,
            allowances={account: most + 1 for account, most in allowances.items()},
            otherwise=UNLIMITED_ALLOWANCE + 1,
        )
        self._note_age(max((-each.due_in for each in found), default=0.0))
        released = [each for each in found if each.place <= allowances.get(each.account, UNLIMITED_ALLOWANCE)]
        self._cut |= len(released) < len(found)
        timed = [(each, max(each.due_in, pace(limits.get(each.account, ()), each.place), 0.0)) for each in released]
        if not self.summary.full:
            timed = self._unscheduled(timed, recovered)
        self._checks |= {f"effect:{each.id}": self._now + delay + RENOTIFY_SECONDS for each, delay in timed}
        return timed

    def _unscheduled(
        self, timed: Sequence[tuple[DueEffect, float]], recovered: set[UUID]
    ) -> list[tuple[DueEffect, float]]:
        """Leave out effects of which workers were notified and that are checked again soon after their time."""
        times = self._services.due_index.times([f"effect:{each.id}" for each, _ in timed])
        return [
            (each, delay)
            for each, delay in timed
            if each.id in recovered
            or not self._now < times.get(f"effect:{each.id}", 0.0) <= self._now + delay + RENOTIFY_SECONDS
        ]

    def _forgotten_events(self) -> list[ForgottenEvent]:
        db = self._services.db
        back = CLOCK_MARGIN if self.summary.full else None
        found = ledger.forgotten_events(
            db, grace=MIN_EVENT_AGE, named=self._due.ids("event"), back=back, limit=MAX_EVENTS_PER_SWEEP
        )
        self._cut |= len(found) == MAX_EVENTS_PER_SWEEP
        self._note_age(max((event.age for event in found), default=0.0))
        self._checks |= {
            f"event:{event.id}": self._now
            + (RENOTIFY_SECONDS if event.age < OLD_EVENT_SECONDS else min(event.age / 4, FULL_SWEEP_SECONDS))
            for event in found
        }
        replannable = ledger.replannable_events(
            db, fresh=REPLAN_WINDOW, full=self.summary.full, limit=MAX_EVENTS_PER_SWEEP
        )
        ledger.advance(db, margin=COMMIT_MARGIN, back=back)
        return found + [ForgottenEvent(event, campaign=True, age=0.0) for event in replannable]

    def _notify(self, effects: Sequence[tuple[DueEffect, float]], events: Sequence[ForgottenEvent]) -> None:
        """Notify workers, campaigns last. What the queue does not take has an entry, and is sent again in a minute."""
        queue = self._services.queue
        for campaign in (False, True):
            self._try(queue.notify, [event.id for event in events if event.campaign is campaign])
            self._try(queue.notify_later, [(each.id, delay) for each, delay in effects if each.campaign is campaign])
        self.summary.effects, self.summary.events = len(effects), len(events)

    def _try[T](self, notify: Callable[[list[T]], None], what: list[T]) -> None:
        try:
            notify(what)
        except QueueError as error:
            self.summary.not_notified += error.messages
            _LOG.warning("relay: %s", error)

    def _drain(self) -> None:
        """Record what was received while the ledger was unreachable: it answers now. Deleted only once recorded."""
        if not self._services.settings.buffer_queue_url:
            return
        from drumbeat.ingest import drain

        buffer = self._services.buffer
        try:
            while self._has_time() and (messages := buffer.receive()):
                drained = drain(messages, self._services)
                buffer.delete(drained.settled)
                self.summary.drained += drained.recorded
                self.summary.foreign += len(drained.foreign)
        except SqsError as error:
            _LOG.warning("relay: the buffer stays as it is until the next minute: %s", error)

    def _catch_up_campaigns(self) -> None:
        """Fire what should have fired, and schedule the next checks."""
        if not self._has_time():
            return
        from drumbeat.campaigns import catch_up

        caught_up = catch_up(self._services, full=self.summary.full)
        self.summary.fired, self.summary.missed = caught_up.recorded, len(caught_up.missed)

    def _schedule_next(self) -> None:
        """Bring the due index in line: what comes next, what is left, and that everything was checked."""
        due_index = self._services.due_index
        next_due = ledger.next_due(self._services.db, ahead=NOTIFY_AHEAD)
        soonest = self._now + RENOTIFY_SECONDS
        if next_due is not None:
            due_index.set(minute(max(self._now + next_due, soonest)))
        if self._cut or not self._has_time():
            due_index.set(minute(soonest))
        if self.summary.full and self._has_time():
            due_index.distrust_before()
            due_index.watch(full_at=self._now + (SECOND_SWEEP_SECONDS if self._due.missing else FULL_SWEEP_SECONDS))
        due_index.forget(self._due.members, self._now)

    def _note_age(self, seconds: float) -> None:
        self.summary.oldest = max(self.summary.oldest, round(seconds, 1))

    def _has_time(self) -> bool:
        return self._remaining() > RESERVED_SECONDS


def _buffered(services: Services) -> bool:
    if not services.settings.buffer_queue_url:
        return False
    try:
        return services.buffer.count() > 0
    except SqsError as error:
        _LOG.warning("relay: whether the buffer is empty is not known: %s", error)
        return False


@contextmanager
def _alone(redis: "LeanRedis") -> Iterator[bool]:
    """Yield whether no other relay sweeps now; without Redis several may: that costs only extra messages.

    What stands there and never expires is no relay's lock, and keeps none from sweeping.
    """
    ours = uuid4().hex
    try:
        held = redis.set(LOCK_KEY, ours, ex=LOCK_SECONDS, nx=True)
        stuck = not held and redis.run("PTTL", LOCK_KEY) not in range(LOCK_SECONDS * 1000 + 1)
    except RedisError:
        yield True
        return
    try:
        yield held or stuck
    finally:
        if held:
            with suppress(RedisError):  # it expires by itself
                redis.run("EVAL", UNLOCK, 1, LOCK_KEY, ours)
