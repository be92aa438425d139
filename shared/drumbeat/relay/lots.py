"""What workers are to be notified of, in lots: each lot is found, entered in the due index and sent before the next.

A lot is found when it is asked for, so a relay that runs out of time has read little in vain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from heapq import merge
from itertools import batched, groupby
from operator import attrgetter
from typing import Literal
from uuid import UUID

from drumbeat.core.configuration import Limit
from drumbeat.relay import sql as ledger
from drumbeat.relay.sql import DueEffect, ForgottenEvent
from drumbeat.services import Services
from drumbeat.throttle.pace import NOTIFY_AHEAD, UNLIMITED, allowance, pace
from drumbeat.wakeups.due_index import AGAIN, FULL, Due

IDS_PER_LOT = 1_000
ROWS_PER_STATEMENT = 5_000
MAX_EFFECTS_PER_SWEEP = 50_000
MIN_EVENT_AGE = timedelta(seconds=20)  # of an event without a plan: a younger one was just sent to a worker
CLOCK_MARGIN = timedelta(days=1)  # a full sweep searches from this long before now: no clock is set back further
REPLAN_WINDOW = timedelta(minutes=10)  # how long after an `apply` the flows that had failed are tried again
# After a notification an effect or event is checked again: at the next sweep, which may begin a little early.
RENOTIFY_SECONDS = 50.0
OLD_EVENT_SECONDS = 3600.0  # an event without a plan for longer than this is notified of less and less often
FULL_SWEEP_SECONDS = 6 * 3600.0  # between two sweeps that check everything
FIRST_ID = UUID(int=0)

type Kind = Literal["event", "effect"]


@dataclass(frozen=True, slots=True)
class Lot:
    """Ids that workers are notified of together, each after its own seconds, and when the relay checks them again."""

    campaign: bool
    kind: Kind
    delays: Mapping[UUID, float]
    checks: Mapping[str, float]


class Lots:
    """Everything that a sweep notifies workers of; what people caused comes before what campaigns send."""

    def __init__(self, services: Services, now: float, due: Due, recovered: set[UUID]) -> None:
        self._services = services
        self._now = now
        self._named = due.ids("event")
        self._full = due.missing or FULL in due.members
        self._recovered = recovered
        self.oldest = 0.0  # seconds for which the oldest effect found has been due, or the oldest event without a plan
        self.held_back = False  # more is due than the limits of accounts, or one sweep, let through

    def __iter__(self) -> Iterator[Lot]:
        return merge(self._effects(), self._events(), self._failed_flows(), key=attrgetter("campaign"))

    @property
    def back(self) -> timedelta | None:
        """How long before now the search for unplanned events begins at the latest; None: where the last one ended."""
        return CLOCK_MARGIN if self._full else None

    def _effects(self) -> Iterator[Lot]:
        """Give the effects that are due: of each account no more and no faster than its limits let through."""
        limits = ledger.limits(self._services.db)
        allowances = {account: allowance(each) for account, each in limits.items()}
        unlimited = allowance(())
        found = ledger.due_effects(
            self._services.db,
            ahead=NOTIFY_AHEAD,
            allowances={account: most + 1 for account, most in allowances.items()},
            otherwise=unlimited + 1,
            limit=MAX_EFFECTS_PER_SWEEP,
        )
        self._note_age(-each.due_in for each in found)
        released = [each for each in found if each.place <= allowances.get(each.account, unlimited)]
        self.held_back |= len(released) < len(found) or len(found) == MAX_EFFECTS_PER_SWEEP
        for campaign, some in groupby(released, key=attrgetter("campaign")):
            for effects in batched(some, IDS_PER_LOT, strict=False):
                delays = {each.id: _delay(each, limits.get(each.account, ())) for each in effects}
                yield self._lot(campaign, "effect", delays, dict.fromkeys(delays, RENOTIFY_SECONDS))

    def _events(self) -> Iterator[Lot]:
        """Give the events that no worker has planned."""
        for campaign, some in groupby(self._forgotten(), key=attrgetter("campaign")):
            for events in batched(some, IDS_PER_LOT, strict=False):
                self._note_age(each.age for each in events)
                delays = {each.id: _until_forgotten(each) for each in events}
                yield self._lot(campaign, "event", delays, {each.id: _patience(each) for each in events})

    def _forgotten(self) -> Iterator[ForgottenEvent]:
        last: ForgottenEvent | None = None
        while True:
            page = ledger.forgotten_events(
                self._services.db,
                grace=MIN_EVENT_AGE,
                named=self._named,
                back=self.back,
                limit=ROWS_PER_STATEMENT,
                after=last,
            )
            yield from page
            if len(page) < ROWS_PER_STATEMENT:
                return
            last = page[-1]

    def _failed_flows(self) -> Iterator[Lot]:
        """Give planned events with a flow that failed, after an `apply`.

        Whether it failed again leaves no trace, so the next sweep looks again.
        """
        for events in batched(self._replannable(), IDS_PER_LOT, strict=False):
            yield Lot(True, "event", dict.fromkeys(events, 0.0), {AGAIN: self._now + RENOTIFY_SECONDS})

    def _replannable(self) -> Iterator[UUID]:
        last = FIRST_ID
        while True:
            page = ledger.replannable_events(
                self._services.db, fresh=REPLAN_WINDOW, full=self._full, limit=ROWS_PER_STATEMENT, after=last
            )
            yield from page
            if len(page) < ROWS_PER_STATEMENT:
                return
            last = page[-1]

    def _lot(self, campaign: bool, kind: Kind, delays: Mapping[UUID, float], renotify: Mapping[UUID, float]) -> Lot:
        """Make a lot of those of which workers were not just notified."""
        checks = {id: self._now + delay + renotify[id] for id, delay in delays.items()}
        times = self._services.due_index.times([f"{kind}:{id}" for id in delays]) or {}
        new = [
            id for id in delays if id in self._recovered or not self._now < times.get(f"{kind}:{id}", 0.0) <= checks[id]
        ]
        return Lot(campaign, kind, {id: delays[id] for id in new}, {f"{kind}:{id}": checks[id] for id in new})

    def _note_age(self, ages: Iterable[float]) -> None:
        self.oldest = max(self.oldest, *(round(age, 1) for age in ages), 0.0)


def _delay(effect: DueEffect, limits: Sequence[Limit]) -> float:
    """Return the seconds after which an effect may be carried out: at its time, at the pace of its account."""
    paced = limits or (UNLIMITED if effect.campaign else ())
    return max(effect.due_in, pace(paced, effect.place), 0.0)


def _until_forgotten(event: ForgottenEvent) -> float:
    """Return in how many seconds an event is old enough; one that seems to come is of another clock."""
    grace = MIN_EVENT_AGE.total_seconds()
    return min(max(grace - event.age, 0.0), grace)


def _patience(event: ForgottenEvent) -> float:
    return RENOTIFY_SECONDS if event.age < OLD_EVENT_SECONDS else min(event.age / 4, FULL_SWEEP_SECONDS)
