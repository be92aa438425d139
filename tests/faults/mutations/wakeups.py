"""Deliberate bugs. From the door to the worker: recording, due entries, wake-ups."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import psycopg

from drumbeat.access.keys import ApiKey
from drumbeat.core.call_times import LEASE
from drumbeat.delivery import (
    attempts_sql,
    commits,
    deliver,
    planning,
    splits_sql,
)
from drumbeat.ingest import buffer, feedback
from drumbeat.ingest import sql as store_events
from drumbeat.ingest.sql import Recorded
from drumbeat.relay import lots, sweep
from drumbeat.wakeups import notifier
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryWithFault

# ---------------------------------------------------------------- ingest and wake-ups


def _stop_after_the_first_lot(patch: Patch) -> None:
    notify = sweep._Sweep._notify
    patch.setattr(lots, "IDS_PER_LOT", 1)
    patch.setattr(sweep._Sweep, "_notify", lambda self, found: notify(self, islice(found, 1)))


def _answer_before_the_commit(patch: Patch) -> None:
    record = store_events.record

    def hopefully(db: Any, arrival: Any, *, caller: ApiKey | None = None) -> Recorded:
        try:
            return record(db, arrival, caller=caller)
        except psycopg.OperationalError:
            return Recorded(arrival.id, inserted=True, fingerprint=arrival.fingerprint)

    patch.setattr(store_events, "record", hopefully)


def _forget_what_the_release_before_recorded(patch: Patch) -> None:
    change_statement(patch, store_events, "RECORD_DELIVERY", ("WHERE earlier.id IS NULL", "WHERE true"))


def _leave_no_alias(patch: Patch) -> None:
    change_statement(
        patch,
        store_events,
        "RECORD_DELIVERY",
        ("id FROM inserted\n    )\n    SELECT", "id FROM inserted WHERE false\n    )\n    SELECT"),
    )


def _forget_a_fact(patch: Patch) -> None:
    change_statement(
        patch,
        splits_sql,
        "RECORD",
        (
            "          JOIN split ON split.id = f.delivery\n",
            "          JOIN split ON split.id = f.delivery AND place > 0\n",
        ),
    )


def _acknowledge_before_recording(patch: Patch) -> None:
    """The buffer's messages are deleted even if their events were not recorded."""
    drain = buffer.drain

    def carelessly(messages: Any, services: Any) -> Any:
        try:
            return drain(messages, services)
        except psycopg.Error:
            return buffer.Drained(tuple(messages), (), 0)

    patch.setattr("drumbeat.ingest.drain", carelessly)


def _clear_the_events_due_entry_early(patch: Patch) -> None:
    plan_events = planning.plan_events

    def forgetful(ids: Any, services: Any, **how: Any) -> Any:
        services.notifier.clear(events=ids)
        return plan_events(ids, services, **how)

    patch.setattr(deliver, "plan_events", forgetful)


def _notify_without_a_due_entry(patch: Patch) -> None:
    patch.setattr(notifier.Notifier, "schedule", lambda self, due_in: None)


def _leave_what_could_not_be_opened(patch: Patch) -> None:
    """As it was: only the six-hourly sweep found effects whose opening had failed."""
    remember = notifier.Notifier.schedule

    def only_waits(self: notifier.Notifier, due_in: Mapping[Any, float]) -> None:
        remember(self, {effect: wait for effect, wait in due_in.items() if wait != LEASE.total_seconds()})

    patch.setattr(notifier.Notifier, "schedule", only_waits)


# ---------------------------------------------------------------- bugs that existed once


def _set_a_due_entry_ahead_of_the_commit(patch: Patch) -> None:
    """The due entry of a lease was moved to the time that a commit would have set, and the commit never came."""
    schedule = commits.Commits._schedule

    def too_far(self: commits.Commits, waits: Mapping[Any, float], ending: Any) -> None:
        schedule(self, waits, ending)
        self._services.notifier.schedule(waits)

    patch.setattr(commits.Commits, "_schedule", too_far)


def _forget_what_an_end_at_the_opening_releases(patch: Patch) -> None:
    really_open = commits.Commits.open

    def forgetful(self: commits.Commits, openings: Any) -> Any:
        dependents, self._dependents = self._dependents, {}
        try:
            return really_open(self, openings)
        finally:
            self._dependents = dependents

    patch.setattr(commits.Commits, "open", forgetful)


def _clear_the_due_entries_of_others(patch: Patch) -> None:
    """A second wake-up for a planned event cleared its due entry, though its planner was still working."""
    plan_events = planning.plan_events

    def presumptuous(ids: Any, services: Any, **how: Any) -> Any:
        planned = plan_events(ids, services, **how)
        return replace(planned, ours=set(ids) - planned.missing)

    patch.setattr(deliver, "plan_events", presumptuous)


def _set_no_due_entry_for_new_effects(patch: Patch) -> None:
    """An effect that was due when it was created, and not claimed, had a wake-up only."""
    plan_events = planning.plan_events

    def optimistic(ids: Any, services: Any, **how: Any) -> Any:
        planned = plan_events(ids, services, **how)
        return replace(planned, due_later=[(effect, wait or 1e-3) for effect, wait in planned.due_later])

    patch.setattr(deliver, "plan_events", optimistic)


def _count_an_answer_twice(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "CLOSE", ("WHERE origin <> 'answer'\n", "WHERE true\n"))


def _count_a_recovered_try_twice(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "CLOSE", ("THEN least(i.tries, 1) ELSE 0 END", "THEN 0 ELSE 0 END"))


def _let_reports_wait_for_an_hour(patch: Patch) -> None:
    patch.setattr(feedback, "EARLIER_SECONDS", -60 * 60.0)


def _notify_before_reports_are_recorded(patch: Patch) -> None:
    patch.setattr(sweep, "REPORTS_SECONDS", 0.0)


MUTATIONS = (
    Mutation(
        "reports wait beyond the next work",
        _let_reports_wait_for_an_hour,
        "a delivery's report waits as the time for reports ends",
    ),
    Mutation(
        "workers are notified before reports are recorded",
        _notify_before_reports_are_recorded,
        "a delivery's report waits until the relay is back",
    ),
    Mutation("the relay stops after its first lot", _stop_after_the_first_lot, "abandoned"),
    Mutation("ingest answers before the commit", _answer_before_the_commit, "outage"),
    Mutation("an event is not looked for under its former id", _forget_what_the_release_before_recorded, "upgraded"),
    Mutation("an event leaves no alias", _leave_no_alias, "delivered"),
    Mutation(
        "the buffer is emptied before its events are recorded",
        _acknowledge_before_recording,
        StoryWithFault("outage", Site("relay", "db ingest.RECORD_ALL", 1), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "an event's due entry is cleared before its effects are safe",
        _clear_the_events_due_entry_early,
        StoryWithFault("lead", Site("worker", "db plans.RECORD", 1), Fault.CRASH_BEFORE),
    ),
    Mutation(
        "no due entry is set before a commit",
        _notify_without_a_due_entry,
        StoryWithFault("cut", Site("worker", "db attempts.OPEN", 1), Fault.CRASH_AFTER),
    ),
    Mutation(
        "a due entry is later than the commit before it allows",
        _set_a_due_entry_ahead_of_the_commit,
        StoryWithFault("swallowed", Site("worker", "db attempts.CLOSE", 7), Fault.CRASH_BEFORE),
    ),
    Mutation("a fact of a delivery is lost", _forget_a_fact, "split"),
    Mutation(
        "what an end at the opening releases has a wake-up only",
        _forget_what_an_end_at_the_opening_releases,
        StoryWithFault("unsubscribed", Site("worker", "sqs SendMessage effects", 1), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "an effect that is created due and not claimed has a wake-up only",
        _set_no_due_entry_for_new_effects,
        StoryWithFault("crowd", Site("worker", "sqs SendMessage effects", 2), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "the due entries of events are cleared by any wake-up",
        _clear_the_due_entries_of_others,
        "a second wake-up is processed too early",
    ),
    Mutation(
        "an answer is recorded twice",
        _count_an_answer_twice,
        StoryWithFault("cut", Site("worker", "db attempts.CLOSE", 1), Fault.ERROR_AFTER),
    ),
    Mutation("a recovered try is counted twice", _count_a_recovered_try_twice, "the relay comes before an answer"),
    Mutation(
        "a decision has a wake-up only",
        _notify_without_a_due_entry,
        StoryWithFault("redriven", Site("person", "sqs SendMessage effects", 1), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "an effect that could not be opened has no due entry",
        _leave_what_could_not_be_opened,
        StoryWithFault("post", Site("worker", "db attempts.OPEN", 1), Fault.ERROR_BEFORE),
    ),
)
