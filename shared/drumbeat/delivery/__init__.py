"""Deliver: take what doorbells name to its next status.

Harmless to repeat: the queue may hand the same id over twice, late, or to two workers. No transaction is open while a
provider is called. Whatever ends this process in the middle is the relay's work: a lease that ends with no attempt
opened is waiting again, one that ends with an open attempt is unknown, and nothing is sent again without evidence.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched
from uuid import UUID

from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import Batch
from drumbeat.delivery.planning import plan_events
from drumbeat.providers.calls import CALL_BUDGET
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp

LEASE = timedelta(seconds=45)  # at least three times the one total deadline of a call
AT_ONCE = 32  # effects, or events, taken together
TIME_FOR_A_BATCH = 3 * CALL_BUDGET + 8.0  # seconds: as many rounds as there are threads for, and the ledger


@dataclass(slots=True)
class Delivered:
    """What became of a batch of doorbells."""

    counts: Counter[str] = field(default_factory=Counter)  # status reached -> effects; `doubled`, accounts `stopped`
    missing: set[UUID] = field(default_factory=set)  # ids that the ledger does not know
    left: set[UUID] = field(default_factory=set)  # ids that time did not suffice for; still as they were


def deliver(wake_ups: Sequence[WakeUp], services: Services, time_left: Callable[[], float]) -> Delivered:
    """Plan the events and carry out the effects that the doorbells name, as far as they are due and free.

    `time_left` tells the seconds until the process may be stopped: nothing is claimed that could not be finished.

    Raises:
        psycopg.Error: the ledger is away; what was not reported stays as it is and may be delivered again.
    """
    done = Delivered()
    batch = Batch(services, done.counts)
    suspects: list[UUID] = []
    events = list(dict.fromkeys(event for wake_up in wake_ups for event in wake_up.events))
    named = list(dict.fromkeys(effect for wake_up in wake_ups for effect in wake_up.effects))

    for ids in batched(events, AT_ONCE, strict=False):
        if time_left() < TIME_FOR_A_BATCH:
            done.left.update(ids)
            continue
        started = services.clock.elapsed()
        planned = plan_events(ids, services, LEASE)
        done.missing |= planned.missing
        batch.carry_out(planned.claimed, started, LEASE)
        services.notifier.schedule({effect: wait for effect, wait in planned.due_later if wait <= 0})
        services.notifier.notify(planned.due_later)
        services.notifier.clear(events=planned.ours)

    for ids in batched(named, AT_ONCE, strict=False):
        if time_left() < TIME_FOR_A_BATCH:
            done.left.update(ids)
            continue
        suspects += _claim_and_carry_out(ids, batch, services, done)

    for suspect in suspects:  # its last claim ended without a word: it is taken alone, when its neighbours are done
        if time_left() < TIME_FOR_A_BATCH:
            services.notifier.notify([(suspect, 0.0)])
            continue
        started = services.clock.elapsed()
        claimed = claims_sql.claim(services.db, [suspect], lease=LEASE, limit=1, alone=True)
        batch.carry_out(claimed, started, LEASE)
    return done


def _claim_and_carry_out(ids: Sequence[UUID], batch: Batch, services: Services, done: Delivered) -> list[UUID]:
    """Carry out what can be claimed of these; return those that must be taken alone."""
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, ids, lease=LEASE, limit=AT_ONCE)
    batch.carry_out(claimed, started, LEASE)
    others = set(ids) - {effect.id for effect in claimed}
    if not others:
        return []
    states = claims_sql.states(services.db, sorted(others))
    done.missing |= others - states.keys()
    early = {one.id: one.due_in for one in states.values() if one.is_early}
    services.notifier.schedule(early)
    services.notifier.notify(early.items())
    services.notifier.clear(effects=[one.id for one in states.values() if one.is_at_rest])
    return [one.id for one in states.values() if one.is_suspect]
