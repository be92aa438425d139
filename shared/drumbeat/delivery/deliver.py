"""Deliver: plan the events and carry out the effects that messages name.

Harmless to repeat: the queue may deliver the same id twice, late, or to two workers. No transaction is open while a
provider is called. What a process that ends in the middle leaves behind is the relay's work: a lease that ends with no
attempt opened is waiting again, one that ends with an open attempt is unknown, and nothing is sent again without
evidence.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.budget import BATCH_SECONDS, EFFECTS_PER_BATCH, EVENTS_PER_BATCH, LEASE
from drumbeat.delivery.planning import plan_events
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp

MAX_STALLS = 2  # tries to claim effects of which none could be taken: another worker has them


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the events and effects that messages named."""

    counts: Counter[str] = field(default_factory=Counter)  # status reached -> effects; `doubled`, accounts `stopped`
    missing: frozenset[UUID] = frozenset()  # ids that the ledger does not know
    left: frozenset[UUID] = frozenset()  # ids not processed for lack of time; nothing about them was changed

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(self.counts + other.counts, self.missing | other.missing, self.left | other.left)


def deliver(wake_ups: Sequence[WakeUp], services: Services, time_left: Callable[[], float]) -> Delivered:
    """Take what the messages name to its next status, as far as it is due and free.

    `time_left` gives the seconds until the process may be stopped: nothing is claimed that could not be finished.

    Raises:
        psycopg.Error: the ledger is away; what was not reported stays as it is and may be delivered again.
    """
    done = Delivered()
    events = dict.fromkeys(event for wake_up in wake_ups for event in wake_up.events)
    effects = dict.fromkeys(effect for wake_up in wake_ups for effect in wake_up.effects)

    suspicious: list[UUID] = []
    for ids in batched(events, EVENTS_PER_BATCH, strict=False):
        left: Sequence[UUID] = ids
        while left and time_left() >= BATCH_SECONDS:
            part, left, found = _plan_and_carry_out(left, services)
            done += part
            suspicious += found
        done += Delivered(left=frozenset(left))

    suspects: list[UUID] = []
    for ids in batched(effects, EFFECTS_PER_BATCH, strict=False):
        left, stalls = ids, 0
        while left and stalls < MAX_STALLS and time_left() >= BATCH_SECONDS:
            part, again, found = _claim_and_carry_out(left, services)
            done += part
            suspects += found
            stalls += len(again) == len(left)
            left = again
        if stalls < MAX_STALLS:
            done += Delivered(left=frozenset(left))

    for event in suspicious:
        if time_left() >= BATCH_SECONDS:  # otherwise its due entry brings it back
            part, _, _ = _plan_and_carry_out([event], services, alone=True)
            done += part
    for suspect in suspects:
        if time_left() < BATCH_SECONDS:
            services.notifier.notify([(suspect, 0.0)])
        else:
            done += _carry_out_alone(suspect, services)
    return done


def _plan_and_carry_out(
    ids: Sequence[UUID], services: Services, *, alone: bool = False
) -> tuple[Delivered, list[UUID], list[UUID]]:
    """Plan these and carry out what is due; return also those that are left, and those that must be planned alone."""
    started = services.clock.elapsed()
    planned = plan_events(ids, services, alone=alone)
    counts = carry_out(planned.claimed, started, services)
    services.notifier.schedule({effect: wait for effect, wait in planned.due_later if wait <= 0})
    services.notifier.notify(planned.due_later)
    services.notifier.clear(events=planned.ours)
    return Delivered(counts, missing=frozenset(planned.missing)), planned.left, planned.suspects


def _claim_and_carry_out(ids: Sequence[UUID], services: Services) -> tuple[Delivered, list[UUID], list[UUID]]:
    """Carry out what can be claimed of these; return also those that may be claimed now, and that must be alone."""
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, ids, lease=LEASE, limit=EFFECTS_PER_BATCH)
    counts = carry_out(claimed, started, services)
    others = frozenset(ids) - {effect.id for effect in claimed}
    if not others:
        return Delivered(counts), [], []
    states = claims_sql.states(services.db, sorted(others))
    early = {one.id: one.due_in for one in states.values() if one.is_early}
    services.notifier.schedule(early)
    services.notifier.notify(early.items())
    services.notifier.clear(effects=[one.id for one in states.values() if one.is_at_rest])
    again = [one.id for one in states.values() if one.is_claimable]
    suspects = [one.id for one in states.values() if one.is_suspect]
    return Delivered(counts, missing=others - states.keys()), again, suspects


def _carry_out_alone(suspect: UUID, services: Services) -> Delivered:
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, [suspect], lease=LEASE, limit=1, alone=True)
    return Delivered(carry_out(claimed, started, services))
