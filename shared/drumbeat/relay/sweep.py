"""The relay: once a minute, record wishes and reports that wait, notify workers of what is due, free what is stuck,
find lost work, drain the buffer, export traces.

It decides nothing about an effect: it notifies, and an extra message changes nothing. The due index says when there is
anything to read, so that a suspended database stays suspended; when the index is lost, everything is checked.
"""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from redis.exceptions import RedisError

from drumbeat.infrastructure.sqs.client import UNREACHABLE
from drumbeat.ledger import leases
from drumbeat.observability.stages import leave_mark
from drumbeat.relay import deliveries_sql, drains, runs, traces, wishes
from drumbeat.relay import sql as ledger
from drumbeat.relay.deliveries_sql import PRUNED_PER_STATEMENT
from drumbeat.relay.drains import Drains
from drumbeat.relay.lots import FULL_SWEEP_SECONDS, RENOTIFY_SECONDS, Lot, Lots
from drumbeat.services import Services
from drumbeat.throttle.pace import NOTIFY_AHEAD
from drumbeat.wakeups.due_index import AGAIN, FEEDBACK, FULL, LOOK, Due, minute
from drumbeat.wakeups.queue import QueueError

if TYPE_CHECKING:
    from drumbeat.infrastructure.redis import LeanRedis

LEASES_PER_STATEMENT = 500
# The search for unplanned events begins this long before now: a slow transaction may still commit.
COMMIT_MARGIN = timedelta(minutes=5)
# After one for which the index was missing: what ran on with another index (the release before, processes with the
# former secret or Redis) has set its entries there.
SECOND_SWEEP_SECONDS = 15 * 60.0
RESERVED_SECONDS = 8.0  # of the function's time, kept to finish in order
REPORTS_SECONDS = 5.0  # for reports before anything is notified; what is left waits until that is done
DRAIN_SECONDS = 25.0  # of the function's time, kept for campaigns and the buffer however much there is to notify of
LOCK_KEY = "{relay}:lock"
LOCK_SECONDS = 55  # the function's timeout, and less than a minute: a relay that was killed costs no second sweep
# A lock that expired meanwhile may belong to another relay now.
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_LOG = logging.getLogger(__name__)

type Look = Callable[[Services, Callable[[], bool]], Sequence[int]]


@dataclass(slots=True)
class Summary:
    """What a sweep did."""

    idle: bool = False  # nothing was due: the ledger was not read
    locked_elsewhere: bool = False  # another relay sweeps
    full: bool = False
    wishes: int = 0  # withdrawals and confirmations recorded that had waited
    wishes_away: bool = False  # their queue failed, so marketing waits
    recovered: int = 0  # effects whose lease had ended
    effects: int = 0  # that workers were notified of
    events: int = 0  # the same
    runs: int = 0  # that go on by themselves
    drained: int = 0  # events recorded from the buffer
    parked: int = 0  # events of the buffer whose caller's key was revoked; they wait for a person
    fired: int = 0  # instants of campaigns that had not been fired
    missed: int = 0  # those that are too old for that, counted by full sweeps
    foreign: int = 0  # messages of the buffer or with wishes that could not be parsed; they stay for a person
    spans: int = 0  # of traces, that their collector took
    not_notified: int = 0  # messages that the queue did not take; sent again in a minute
    looked: bool = False  # nothing was due: it only looked at what was done
    violations: Sequence[int] = ()  # of invariants, of which the owner is to be told
    redis_away: bool = False
    oldest: float = 0.0  # seconds for which the oldest effect has been due, or the oldest event without a plan

    def logged(self) -> dict[str, bool | int | float]:
        """Return what is not zero, by its names in logs and in the function's result."""
        named = {
            "asleep": self.idle,
            "elsewhere": self.locked_elsewhere,
            "full": self.full,
            "wishes": self.wishes,
            "wishesAway": self.wishes_away,
            "recovered": self.recovered,
            "effects": self.effects,
            "events": self.events,
            "runs": self.runs,
            "drained": self.drained,
            "parked": self.parked,
            "fired": self.fired,
            "missed": self.missed,
            "foreign": self.foreign,
            "spans": self.spans,
            "unrung": self.not_notified,
            "looked": self.looked,
            "violations": len(self.violations),
            "redisAway": self.redis_away,
            "oldest": self.oldest,
        }
        return {name: value for name, value in named.items() if value}


def sweep(
    services: Services, *, remaining: Callable[[], float] = lambda: math.inf, look: Look | None = None
) -> Summary:
    """Sweep once. Harmless to repeat, to run twice at a time, and to stop anywhere.

    `remaining` returns the seconds until the process may be stopped. No transaction is open while a queue is called.
    `look` looks at what was done since it last did, as long as it has time, when the ledger is awake anyway: after a
    sweep, and in the minute after a worker used it. It returns of which violations the owner is to be told.

    Raises:
        psycopg.OperationalError: the ledger is unreachable; due index and buffer stay as they are for the next minute.
        SqsError: neither the queue of wishes nor Redis answers; likewise.
    """
    now = services.clock.now().timestamp()
    due = services.due_index.due(now)
    if due.members - {LOOK} == {FEEDBACK} and drains.surely_no_reports(services):
        services.due_index.forget({FEEDBACK}, now)  # it was set in case the sweep before was cut
        due = replace(due, members=due.members - {FEEDBACK})
    full = due.missing or FULL in due.members
    wished = full or due.wishes is not None or wishes.waiting(services)
    idle = not (wished or due.members - {LOOK} or drains.buffered(services))
    if idle and not due.members:
        return _idle(services, remaining)
    with _alone(services.redis) as alone:
        if not alone:
            return Summary(locked_elsewhere=True)
        made = _Sweep(services, now, due, full, remaining, look)
        if idle:
            made.summary.looked = True
            return made.look()
        return made.run() if not wished or made.record_wishes() else made.summary


def _idle(services: Services, remaining: Callable[[], float]) -> Summary:
    """Do what is done only where it wakes no database."""
    summary = Summary(idle=True)
    if traces.may_be_asked_for(services):
        with _alone(services.redis) as alone:
            if alone:
                summary.spans = traces.export(services, remaining() - RESERVED_SECONDS)
    return summary


class _Sweep:
    """One sweep of the ledger. It goes on until nothing is left, or its time is over: then the next minute goes on."""

    def __init__(
        self,
        services: Services,
        now: float,
        due: Due,
        full: bool,
        remaining: Callable[[], float],
        look: Look | None,
    ) -> None:
        self._services = services
        self._now = now
        self._due = due
        self._remaining = remaining
        self._looks = look
        self._stopped = False  # for lack of time, or of a queue
        self._drains = Drains(services)
        self.summary = Summary(full=full, redis_away=due.unreachable)

    def record_wishes(self) -> bool:
        """Record what people asked for; return whether anything else may go on: all is recorded, or the flag stands.

        While their queue fails the flag holds marketing alone: what is due of all else must not wait for that queue.
        """
        if not self._services.settings.wishes_queue_url:
            return True
        found = wishes.record(
            self._services, self._due.wishes, lambda: self._has_time(RESERVED_SECONDS + wishes.HIDDEN_SECONDS)
        )
        self.summary.wishes, self.summary.foreign = found.recorded, found.foreign
        self.summary.wishes_away = found.unanswered
        return not found.out_of_time

    def run(self) -> Summary:
        """Sweep, once wishes are recorded."""
        if self._due.missing or self._due.members - {FEEDBACK, FULL, LOOK}:
            self._services.ledger_rest.used()
        reports_left = not self._record_reports()
        lots = Lots(self._services, self._now, self._due, self._recover())
        self._notify(iter(lots))
        self.summary.oldest = lots.oldest
        self._go_on_with_runs()
        self._catch_up_campaigns()
        self._drain(reports_left=reports_left)
        self._publish_catalog()
        self._prune()
        ledger.advance(self._services.db, margin=COMMIT_MARGIN, back=lots.back)
        self._schedule_next(held_back=lots.held_back)
        if self.summary.full:
            leave_mark(self._services)
        return self.look()

    def look(self) -> Summary:
        """Look at what was done since the last look, and export it. What is done meanwhile keeps its entry."""
        if self._looks is None:
            pass
        elif self._has_time():
            self.summary.violations = self._looks(self._services, self._has_time)
        else:
            self._services.due_index.look_soon(self._now + RENOTIFY_SECONDS)
        self._services.due_index.forget(self._due.members & {LOOK}, self._now)
        # Last: their collector may be away or slow, and nothing else waits for it.
        self.summary.spans = traces.export(self._services, self._remaining() - RESERVED_SECONDS)
        return self.summary

    def _recover(self) -> set[UUID]:
        recovered: set[UUID] = set()
        while self._has_time(DRAIN_SECONDS):
            rows = leases.recover(self._services.db, limit=LEASES_PER_STATEMENT)
            recovered.update(rows)
            if len(rows) < LEASES_PER_STATEMENT:
                break
        else:
            self._stopped = True
        self.summary.recovered = len(recovered)
        return recovered

    def _notify(self, lots: Iterator[Lot]) -> None:
        """Notify workers lot by lot: the due entries first, so that what the queue loses is sent again in a minute."""
        while not self._stopped and self._has_time(DRAIN_SECONDS):
            lot = next(lots, None)
            if lot is None:
                return
            self._services.due_index.set(lot.checks)
            self._send(lot)
        self._stopped = True

    def _send(self, lot: Lot) -> None:
        queue = self._services.queue
        try:
            if lot.kind == "event":
                self.summary.events += len(lot.delays)
                queue.notify_bulk(events=lot.delays.items())
            else:
                self.summary.effects += len(lot.delays)
                queue.notify_bulk(effects=lot.delays.items())
        except QueueError as error:
            self.summary.not_notified += error.messages
            self._stopped |= error.code == UNREACHABLE  # each further lot would wait as long
            _LOG.warning("relay: %s", error)

    def _record_reports(self) -> bool:
        """Record reports that wait, as far as there is time; return whether none is left.

        Before workers are notified: one may prove what is due, which would be held, or sent again.
        """
        elapsed = self._services.clock.elapsed
        until = elapsed() + REPORTS_SECONDS
        return self._drains.empty_feedback(
            self._now,
            lambda: elapsed() < until and self._has_time(DRAIN_SECONDS),
            surely=self.summary.full or FEEDBACK in self._due.members,
        )

    def _drain(self, *, reports_left: bool) -> None:
        """Record the events that wait in queues."""
        self._drains.empty_buffer(self._has_time, surely=self.summary.full)
        if reports_left:
            self._drains.empty_feedback(self._now, self._has_time, surely=True)
        drained = self._drains.drained
        self.summary.drained, self.summary.parked = drained.recorded, drained.parked
        self.summary.foreign += drained.foreign

    def _publish_catalog(self) -> None:
        """Write what ingest has to know without the ledger again, before its copy in Redis expires."""
        if self.summary.full and self._has_time():
            from drumbeat.ingest.catalog import announce

            announce(self._services)

    def _prune(self) -> None:
        """Delete the bytes of deliveries that were split, once they are old."""
        more = self.summary.full
        while more and self._has_time():
            more = deliveries_sql.prune(self._services.db) == PRUNED_PER_STATEMENT

    def _go_on_with_runs(self) -> None:
        if self._has_time():
            self.summary.runs = runs.go_on(self._services)

    def _catch_up_campaigns(self) -> None:
        """Fire what should have fired, and schedule the next checks."""
        if not self._has_time():
            return
        from drumbeat.campaigns import catch_up

        caught_up = catch_up(self._services, full=self.summary.full)
        self.summary.fired, self.summary.missed = caught_up.recorded, len(caught_up.missed)

    def _schedule_next(self, *, held_back: bool) -> None:
        """Bring the due index in line: what comes next, what is left, and that everything was checked."""
        due_index = self._services.due_index
        next_due = ledger.next_due(self._services.db, ahead=NOTIFY_AHEAD)
        soonest = self._now + RENOTIFY_SECONDS
        if next_due is not None:
            due_index.set(minute(max(self._now + next_due, soonest)))
        # Where entries were lost, events too young to be looked for have none either: they are looked for then.
        if held_back or self._stopped or self._due.missing or not self._has_time():
            due_index.set({AGAIN: soonest})
        if self._stopped:
            return  # the entries stand for what was not reached, and so does a sentinel that is missing
        if self.summary.full and self._has_time():
            due_index.watch(full_at=self._now + (SECOND_SWEEP_SECONDS if self._due.missing else FULL_SWEEP_SECONDS))
        due_index.forget(self._due.members - {LOOK}, self._now)

    def _has_time(self, kept: float = RESERVED_SECONDS) -> bool:
        return self._remaining() > kept


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
