"""Deliver: plan the events and carry out the effects that messages name.

Harmless to repeat: the queue may deliver the same id twice, late, or to two workers. No transaction is open while a
provider is called. What a process that ends in the middle leaves behind is the relay's work: a lease that ends with no
attempt opened is waiting again, one that ends with an open attempt is unknown, and nothing is sent again without
evidence.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.budget import BATCH_SECONDS, EFFECTS_PER_BATCH, EVENTS_PER_BATCH, LEASE
from drumbeat.delivery.effects import EffectState
from drumbeat.delivery.planning import plan_events
from drumbeat.ledger import account_states
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp


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

    for ids in batched(events, EVENTS_PER_BATCH, strict=False):
        if time_left() < BATCH_SECONDS:
            done += Delivered(left=frozenset(ids))
        else:
            done += _plan_and_carry_out(ids, services)

    suspects: list[UUID] = []
    for ids in batched(effects, EFFECTS_PER_BATCH, strict=False):
        if time_left() < BATCH_SECONDS:
            done += Delivered(left=frozenset(ids))
        else:
            part, suspicious = _claim_and_carry_out(ids, services)
            done += part
            suspects += suspicious

    for suspect in suspects:
        if time_left() < BATCH_SECONDS:
            services.notifier.notify([(suspect, 0.0)])
        else:
            done += _carry_out_alone(suspect, services)
    return done


def _plan_and_carry_out(ids: Sequence[UUID], services: Services) -> Delivered:
    started = services.clock.elapsed()
    planned = plan_events(ids, services)
    counts = carry_out(planned.claimed, started, services)
    services.notifier.schedule({effect: wait for effect, wait in planned.due_later if wait <= 0})
    services.notifier.notify(planned.due_later)
    services.notifier.clear(events=planned.ours)
    return Delivered(counts, missing=frozenset(planned.missing))


def _claim_and_carry_out(ids: Sequence[UUID], services: Services) -> tuple[Delivered, list[UUID]]:
    """Carry out what can be claimed of these; return also those that must be taken alone."""
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, ids, lease=LEASE, limit=EFFECTS_PER_BATCH)
    counts = carry_out(claimed, started, services)
    others = frozenset(ids) - {effect.id for effect in claimed}
    if not others:
        return Delivered(counts), []
    states = claims_sql.states(services.db, sorted(others))
    early = {one.id: one.due_in for one in states.values() if one.is_early}
    services.notifier.schedule(early)
    services.notifier.notify(early.items())
    services.notifier.clear(effects=[one.id for one in states.values() if one.is_at_rest])
    done = Delivered(counts, missing=others - states.keys())
    return done + _probe(states.values(), services), [one.id for one in states.values() if one.is_suspect]


def _probe(states: Collection[EffectState], services: Services) -> Delivered:
    """Carry out one effect of each account whose pause is over; what it shows decides about the others."""
    oldest = {one.account: one.id for one in sorted(states, key=lambda one: -one.due_in) if one.may_probe}
    if not oldest:
        return Delivered()
    started = services.clock.elapsed()
    taken = account_states.take_probes(services.db, oldest, lease=LEASE)
    probes = [oldest[account] for account in taken]
    claimed = claims_sql.claim(services.db, probes, lease=LEASE, limit=len(probes), alone=True, probe=True)
    return Delivered(carry_out(claimed, started, services))


def _carry_out_alone(suspect: UUID, services: Services) -> Delivered:
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, [suspect], lease=LEASE, limit=1, alone=True)
    return Delivered(carry_out(claimed, started, services))
