"""Deliver: plan the events and carry out the effects that messages name.

Harmless to repeat: the queue may deliver the same id twice, late, or to two workers. No transaction is open while a
provider is called. What a process that ends in the middle leaves behind is found when its lease has ended, by the relay
or by the worker that the relay woke for that moment: with no attempt opened it is waiting again, with an open one it is
unknown, and nothing is sent again without evidence.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from drumbeat.delivery import claims_sql
from drumbeat.delivery.batch import carry_out
from drumbeat.delivery.budget import EFFECTS_PER_BATCH, EVENTS_PER_BATCH
from drumbeat.delivery.effects import EffectState
from drumbeat.delivery.planning import plan_events
from drumbeat.delivery.probes import probe
from drumbeat.delivery.run_turns import take_turn
from drumbeat.ledger import leases
from drumbeat.runs.advance import advance
from drumbeat.services import Services
from drumbeat.wakeups.queue import WakeUp

MAX_STALLS = 2  # tries to claim effects of which none could be taken: another worker has them


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the events and effects that messages named."""

    counts: Counter[str] = field(default_factory=Counter)  # status reached -> effects; `doubled`, accounts `stopped`
    missing: frozenset[UUID] = frozenset()  # ids that the ledger does not know
    left: frozenset[UUID] = frozenset()  # all the ids, when there was no time for any: nothing was changed
    runs: tuple[UUID, ...] = ()  # that have steps to take

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            self.counts + other.counts, self.missing | other.missing, self.left | other.left, self.runs + other.runs
        )


def deliver(wake_ups: Sequence[WakeUp], services: Services, time_left: Callable[[], float]) -> Delivered:
    """Take what the messages name to its next status, as far as it is due and free.

    `time_left` gives the seconds until the process may be stopped: nothing is claimed that could not be finished. What
    there was no time for goes back into the queue at once; were its messages reported as failed, they would be hidden
    for minutes, and a few slow batches would make dead letters of them.

    Raises:
        psycopg.Error: the ledger is away; what was not reported stays as it is and may be delivered again.
    """
    done = Delivered()
    events = list(dict.fromkeys(event for wake_up in wake_ups for event in wake_up.events))
    effects = list(dict.fromkeys(effect for wake_up in wake_ups for effect in wake_up.effects))
    turns = [turn for wake_up in wake_ups for turn in wake_up.turns]
    batch_seconds = services.settings.times.batch_seconds
    if time_left() < batch_seconds:
        return Delivered(left=frozenset((*events, *effects, *(turn.run for turn in turns))))

    dangerous: list[UUID] = []  # events that have to be planned alone
    while events and time_left() >= batch_seconds:
        part, left, found = _plan_and_carry_out(_first(events, EVENTS_PER_BATCH), services)
        done += part
        events[:0] = left
        dangerous += found

    suspects: list[UUID] = []
    stalls = 0
    while effects and time_left() >= batch_seconds:
        batch = _first(effects, EFFECTS_PER_BATCH)
        part, again, found = _claim_and_carry_out(batch, services)
        done += part
        suspects += found
        stalls = stalls + 1 if len(again) == len(batch) else 0
        if stalls < MAX_STALLS:  # else others are changing them: their due entries stand
            effects[:0] = again

    while dangerous and time_left() >= batch_seconds:
        part, _, _ = _plan_and_carry_out([dangerous.pop(0)], services, alone=True)
        done += part
    while suspects and time_left() >= batch_seconds:
        done += _carry_out_alone(suspects.pop(0), services)
    services.notifier.notify_again([*events, *dangerous], [*effects, *suspects])
    for run in dict.fromkeys(done.runs):
        _advance(run, services, lambda: time_left() >= batch_seconds)
    for turn in turns:
        if time_left() < batch_seconds:
            services.turns.ask(turn, delay=0.0)
        else:
            done += Delivered(take_turn(turn, services))
    return done


def _advance(id: UUID, services: Services, has_time: Callable[[], bool]) -> None:
    """Take a run some steps further."""
    if advance(id, services, has_time).unfinished:
        services.notifier.notify_again([id], [])


def _first(ids: list[UUID], most: int) -> list[UUID]:
    """Take the first of these out of the list."""
    first, ids[:] = ids[:most], ids[most:]
    return first


def _plan_and_carry_out(
    ids: Sequence[UUID], services: Services, *, alone: bool = False
) -> tuple[Delivered, list[UUID], list[UUID]]:
    """Plan these and carry out what is due; return also those that are left, and those that must be planned alone."""
    started = services.clock.elapsed()
    planned = plan_events(ids, services, alone=alone)
    if not planned.only_reports:
        services.ledger_rest.used()
    counts = carry_out(planned.claimed, started, services)
    if planned.stopped:
        counts["stopped"] += len(planned.stopped)
    services.notifier.schedule({effect: wait for effect, wait in planned.due_later if wait <= 0})
    services.notifier.notify(planned.due_later)
    services.notifier.clear(events=planned.ours)
    if not planned.only_reports:
        services.due_index.look_soon(services.clock.now().timestamp())
    done = Delivered(counts, missing=frozenset(planned.missing), runs=tuple(planned.runs))
    return done, planned.left, planned.suspects


def _claim_and_carry_out(ids: Sequence[UUID], services: Services) -> tuple[Delivered, list[UUID], list[UUID]]:
    """Carry out what can be claimed of these; return also those that may be claimed now, and that must be alone."""
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, ids, lease=services.settings.times.lease, limit=EFFECTS_PER_BATCH)
    services.ledger_rest.used()
    counts = carry_out(claimed, started, services)
    services.due_index.look_soon(services.clock.now().timestamp())
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
    suspects += _recovered([one.id for one in states.values() if one.abandoned], services)
    done = Delivered(counts, missing=others - states.keys())
    return done + _probe(states.values(), services), again, suspects


def _recovered(abandoned: Sequence[UUID], services: Services) -> list[UUID]:
    """Free those whose lease ended without a result, as the relay would at its next sweep; return which."""
    if not abandoned:
        return []
    services.notifier.schedule(dict.fromkeys(abandoned, 0.0))  # before the commit that makes them due
    return leases.recover_named(services.db, abandoned)


def _probe(states: Collection[EffectState], services: Services) -> Delivered:
    """Carry out one effect of each account whose pause is over; what it shows decides about the others."""
    oldest = {one.account: one.id for one in sorted(states, key=lambda one: -one.due_in) if one.may_probe}
    return Delivered(probe(oldest, services))


def _carry_out_alone(suspect: UUID, services: Services) -> Delivered:
    started = services.clock.elapsed()
    claimed = claims_sql.claim(services.db, [suspect], lease=services.settings.times.lease, limit=1, alone=True)
    return Delivered(carry_out(claimed, started, services))
