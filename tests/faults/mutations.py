"""Deliberate bugs, and which part of the proof must notice each.

Long, because it is one list: a bug is a few lines, and the list is what a reader wants to see whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from drumbeat.access.keys import ApiKey
from drumbeat.campaigns import in_force
from drumbeat.core import ids
from drumbeat.core.call_times import LEASE
from drumbeat.core.outcomes import Found, NotSent, Outcome, Refused
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import (
    attempts_sql,
    batch,
    commits,
    deliver,
    lookups_sql,
    planning,
    plans_sql,
    sends,
    verdicts,
    work,
)
from drumbeat.delivery.effects import Moved, Opening
from drumbeat.delivery.verdicts import Verdict
from drumbeat.ingest import buffer
from drumbeat.ingest import sql as store_events
from drumbeat.ingest.sql import Recorded
from drumbeat.ledger import configs, leases
from drumbeat.operations import decisions, decisions_sql
from drumbeat.people import sql as people_sql
from drumbeat.providers import calls, http_endpoint, hubspot, mailgun, replies, resend
from drumbeat.relay import lots, sweep
from drumbeat.services import Services
from drumbeat.throttle import fallback
from drumbeat.wakeups import notifier
from tests.faults.beside import Release
from tests.faults.fault_points import Fault, Site
from tests.faults.proof import StoryOfTwo, StoryWithFault

type Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutation:
    """One bug. `noticed_by`: a scenario, a story, a story with one fault, a story of two releases, or the seeds."""

    name: str
    make: Callable[[Patch], None]
    noticed_by: str | StoryWithFault | StoryOfTwo


def _change_statement(patch: Patch, module: Any, statement: str, *changes: tuple[str, str]) -> None:
    """Change a statement's text; each changed text must occur exactly once."""
    text = getattr(module, statement)
    for before, after in changes:
        assert text.count(before) == 1, f"{statement} does not hold {before!r} once"
        text = text.replace(before, after)
    patch.setattr(module, statement, text)


# ---------------------------------------------------------------- the fence and the lease


def _open_without_fence(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "OPEN", ("e.fence = i.fence\n           AND", "true\n           AND"))


def _close_without_fence(patch: Patch) -> None:
    _change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("CASE WHEN e.fence = i.fence AND NOT overruled THEN i.target ELSE 'accepted' END", "i.target"),
        ("(e.fence = i.fence AND e.status IN", "(e.status IN"),
    )


def _let_a_refusal_overrule_proof(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "CLOSE", ("LIMIT 1) IS NOT NULL", "LIMIT 1) IS NULL AND false"))


def _recover_sending_as_waiting(patch: Patch) -> None:
    _change_statement(
        patch,
        leases,
        "RECOVER",
        ("CASE dead.status WHEN 'claimed' THEN 'waiting' ELSE 'unknown' END", "'waiting'"),
    )


def _recover_nothing_in_flight(patch: Patch) -> None:
    for statement in ("RECOVER", "RECOVER_NAMED"):
        _change_statement(
            patch, leases, statement, ("status IN ('claimed', 'sending', 'unknown')", "status IN ('claimed')")
        )


def _recover_live_leases(patch: Patch) -> None:
    _change_statement(
        patch,
        leases,
        "RECOVER",
        ("AND lease_until <= drumbeat_now()", "AND lease_until IS NOT NULL"),
    )


def _free_live_leases_by_name(patch: Patch) -> None:
    _change_statement(patch, leases, "RECOVER_NAMED", ("           AND lease_until <= drumbeat_now()\n", ""))


# ---------------------------------------------------------------- attempt before call


def _send_before_the_attempt_commits(patch: Patch) -> None:
    put_off: list[tuple[commits.Commits, Any]] = []
    really_open, really_close = commits.Commits.open, commits.Commits.close

    def open_later(self: commits.Commits, transitions: Any) -> Any:
        put_off.append((self, transitions))
        openings = [one for one in transitions if isinstance(one, Opening)]
        return [Moved(one.id, one.to, ()) for one in openings if one.to is Status.SENDING]

    def close(self: commits.Commits, transitions: Any) -> Any:
        while put_off:
            really_open(*put_off.pop())
        return really_close(self, transitions)

    patch.setattr(commits.Commits, "open", open_later)
    patch.setattr(commits.Commits, "close", close)


def _call_it_accepted_before_the_answer(patch: Patch) -> None:
    patch.setattr(verdicts, "of_answer", lambda *_, **__: Verdict(Status.ACCEPTED))


def _freeze_anew(patch: Patch) -> None:
    prepare = sends.prepare

    def afresh(made: work.Work, services: Any) -> Any:
        effect = replace(made.effect, version=made.effect.newest_version)
        return prepare(replace(made, effect=effect, request=None), services)

    patch.setattr(sends, "prepare", afresh)


def _a_key_for_each_attempt(patch: Patch) -> None:
    patch.setattr(work.Work, "key", property(lambda self: f"{self.effect.id}-{self.effect.fence}"))
    _freeze_anew(patch)


# ---------------------------------------------------------------- evidence before repeat


def _read_5xx_as(outcome: Callable[[str], Outcome]) -> Callable[[Patch], None]:
    def make(patch: Patch) -> None:
        def unsuccessful(reply: Any, *said: Any) -> Outcome:
            return outcome("HTTP 5xx") if reply.status >= 500 else replies.unsuccessful(reply, *said)

        for module in (mailgun, resend, hubspot, http_endpoint):
            patch.setattr(module, "unsuccessful", unsuccessful)

    return make


def _ignore_the_keys_lifetime(patch: Patch) -> None:
    patch.setattr(verdicts, "window_ends", lambda effect, key: None)


def _believe_the_first_absence(patch: Patch) -> None:
    def at_once(effect: Any, age: float, control: Any, policy: Any, account: Any, random: Any) -> Verdict:
        return verdicts._again_after_absence(effect, account, random)

    patch.setattr(verdicts, "_of_absence", at_once)


def _believe_absence_past_retention(patch: Patch) -> None:
    of_look = verdicts.of_look

    def trusting(effect: Any, look: Any, control: Any, policy: Any, *rest: Any, took: float) -> Any:
        return of_look(effect, look, control, replace(policy, retention=1e9), *rest, took=took)

    patch.setattr(verdicts, "of_look", trusting)


def _date_an_absence_by_its_claim(patch: Patch) -> None:
    of_look = verdicts.of_look
    patch.setattr(verdicts, "of_look", lambda *args, took: of_look(*args, took=0.0))


def _believe_absence_without_a_control(patch: Patch) -> None:
    of_absence = verdicts._of_absence

    def blindly(effect: Any, age: float, control: Any, policy: Any, account: Any, random: Any) -> Verdict:
        return of_absence(effect, age, Found("surely"), policy, account, random)

    patch.setattr(verdicts, "_of_absence", blindly)


def _repeat_what_is_blind(patch: Patch) -> None:
    not_repeatable = verdicts._not_repeatable

    def optimistic(effect: Any, account: Any, repeat: Any) -> Reason | None:
        why = not_repeatable(effect, account, repeat)
        return None if why and why.code is ReasonCode.UNPROVABLE else why

    patch.setattr(verdicts, "_not_repeatable", optimistic)


def _discard_late_answers(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "CLOSE", ("i.kind IN ('accepted', 'found')", "false"))


# ---------------------------------------------------------------- identity


def _look_up_under_the_new_login(patch: Patch) -> None:
    of_unknown, before_sending, control = verdicts.of_unknown, verdicts.before_sending, lookups_sql.control
    patch.setattr(verdicts, "of_unknown", lambda e, a, r, i: of_unknown(e, a, r, e.identity))
    patch.setattr(verdicts, "before_sending", lambda e, a, r, i: before_sending(e, a, r, e.identity))
    newest = "mailgun http://sandbox/mailgun mg.example.org"
    patch.setattr(lookups_sql, "control", lambda db, identity, lag: control(db, newest, lag))


def _send_frozen_bytes_under_another_login(patch: Patch) -> None:
    before_sending = verdicts.before_sending
    patch.setattr(verdicts, "before_sending", lambda e, a, r, i: before_sending(e, a, r, e.identity))


def _change_a_login_whose_outcomes_are_open(patch: Patch) -> None:
    _change_statement(patch, configs, "INSERT", ("effects.status IN ('sending', 'unknown')", "false"))


# ---------------------------------------------------------------- plans


def _plan_with_random_ids(patch: Patch) -> None:
    patch.setattr(ids, "effect_id", lambda *parts: uuid4())


def _record_the_steps_of_a_second_plan(patch: Patch) -> None:
    _change_statement(
        patch,
        plans_sql,
        "RECORD",
        ("JOIN (SELECT * FROM planned UNION ALL SELECT * FROM replanned) AS new", "JOIN input AS new"),
    )


# ---------------------------------------------------------------- consent


def _read_consent_without_the_lock(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "OPEN", ("           FOR SHARE\n", ""))


def _read_consent_at_the_claim_only(patch: Patch) -> None:
    text = attempts_sql.OPEN.replace("c.suppressed_at IS NOT NULL", "false")
    assert text != attempts_sql.OPEN
    patch.setattr(attempts_sql, "OPEN", text)


def _read_consent_under_todays_key_only(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "OPEN", ("p.key IN (own.key, own.former)", "p.key = own.key"))


def _suppress_under_todays_key_only(patch: Patch) -> None:
    change = people_sql.change
    patch.setattr(people_sql, "change", lambda db, key, former, **facts: change(db, key, None, **facts))


# ---------------------------------------------------------------- the journal


def _move_without_a_journal_row(patch: Patch) -> None:
    _change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("%(actor)s FROM moved WHERE before <> status", "%(actor)s FROM moved WHERE false"),
    )


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
    _change_statement(patch, store_events, "RECORD_DELIVERY", ("WHERE earlier.id IS NULL", "WHERE true"))


def _leave_no_alias(patch: Patch) -> None:
    _change_statement(
        patch,
        store_events,
        "RECORD_DELIVERY",
        ("id FROM inserted\n    )\n    SELECT", "id FROM inserted WHERE false\n    )\n    SELECT"),
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
    _change_statement(patch, attempts_sql, "CLOSE", ("WHERE origin <> 'answer'\n", "WHERE true\n"))


def _count_a_recovered_try_twice(patch: Patch) -> None:
    _change_statement(patch, attempts_sql, "CLOSE", ("THEN least(i.tries, 1) ELSE 0 END", "THEN 0 ELSE 0 END"))


# ---------------------------------------------------------------- neighbours


def _keep_what_a_provider_says_as_it_is(patch: Patch) -> None:
    patch.setattr(calls, "fit_outcome", lambda end, *, key: end)


def _believe_in_a_worker_before_its_call(patch: Patch) -> None:
    """As it was: a verdict without any call forgot that the call had ended its worker."""
    _change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("CASE WHEN m.kind IS NULL OR m.origin = 'look' THEN e.crashes ELSE 0 END", "0"),
    )


# ---------------------------------------------------------------- a person's decisions


def _redrive_without_a_look_at_what_was_sent(patch: Patch) -> None:
    _change_statement(patch, decisions_sql, "DECIDE", ("NOT %(redrive)s OR", "true OR"))
    patch.setattr(decisions, "_why_not", lambda *_, **__: None)


def _send_a_redriven_step_before_the_one_it_follows(patch: Patch) -> None:
    _change_statement(patch, decisions_sql, "DECIDE", ("AND NOT m.comes_later", ""))


def _leave_what_follows_a_redriven_step_due(patch: Patch) -> None:
    _change_statement(patch, decisions_sql, "DECIDE", ("WHERE moved.status = 'waiting'\n", "WHERE false\n"))


def _send_again_what_could_not_be_rendered(patch: Patch) -> None:
    patch.setattr(sends, "plans", lambda *_, **__: False)


# ---------------------------------------------------------------- campaigns


def _judge_every_instant_by_the_newest_version(patch: Patch) -> None:
    terms = in_force.terms
    patch.setattr(in_force, "terms", lambda versions: terms(versions[-1:]))


def _let_an_earlier_version_go_on(patch: Patch) -> None:
    terms = in_force.terms
    patch.setattr(in_force, "terms", lambda versions: [replace(term, until=None) for term in terms(versions)])


# ---------------------------------------------------------------- rate limits


def _let_campaigns_go_first(patch: Patch) -> None:
    ask = batch._ask
    patch.setattr(batch, "_ask", lambda effect: replace(ask(effect), campaign=not ask(effect).campaign))


def _take_every_share(patch: Patch) -> None:
    share = fallback.interval_of
    patch.setattr(fallback, "interval_of", lambda limits, processes: share(limits, 1))


# ---------------------------------------------------------------- the release before


def _key_people_otherwise(patch: Patch) -> None:
    """Right as long as no other release runs."""
    patch.setattr(Services, "contact_secret", property(lambda self: self._derived("people")))


MUTATIONS = (
    Mutation("what a provider says is kept as it is", _keep_what_a_provider_says_as_it_is, "ids are unusable"),
    Mutation(
        "a verdict without a call clears a suspicion",
        _believe_in_a_worker_before_its_call,
        "a call ends its worker each time",
    ),
    Mutation("an attempt is opened under an old fence", _open_without_fence, "a worker is overtaken before it opens"),
    Mutation("an attempt is closed under an old fence", _close_without_fence, "a worker is overtaken before it closes"),
    Mutation("a refusal overrules proof", _let_a_refusal_overrule_proof, "proof arrives while it is sent again"),
    Mutation(
        "a lease that ends while sending waits again",
        _recover_sending_as_waiting,
        StoryWithFault("lead", Site("worker", "http send mailgun", 1), Fault.CRASH_AFTER),
    ),
    Mutation(
        "a lease that ends while sending is forgotten",
        _recover_nothing_in_flight,
        StoryWithFault("lead", Site("worker", "http send mailgun", 1), Fault.CRASH_AFTER),
    ),
    Mutation(
        "a live lease is freed by name", _free_live_leases_by_name, "a worker is overtaken before it frees a lease"
    ),
    Mutation("a live lease is recovered", _recover_live_leases, "a wake-up comes for effects in flight"),
    Mutation("a request leaves before its attempt commits", _send_before_the_attempt_commits, "lead"),
    Mutation("an effect is accepted whatever the answer", _call_it_accepted_before_the_answer, "swallowed"),
    Mutation("bytes are made anew for each attempt", _freeze_anew, "a text changes between two tries"),
    Mutation("each attempt has a key of its own", _a_key_for_each_attempt, "answers are lost again and again"),
    Mutation("a 5xx is read as a refusal", _read_5xx_as(Refused), "swallowed"),
    Mutation("a 5xx is read as not sent", _read_5xx_as(NotSent), "answers are lost again and again"),
    Mutation("the lifetime of keys is ignored", _ignore_the_keys_lifetime, "a key expires"),
    Mutation("the first absence is believed", _believe_the_first_absence, "the search lags"),
    Mutation("an absence past retention is believed", _believe_absence_past_retention, "the log is gone"),
    Mutation("an absence is as old as its claim", _date_an_absence_by_its_claim, "the log goes while it is searched"),
    Mutation("an absence without its control is believed", _believe_absence_without_a_control, "the search is blind"),
    Mutation("what nothing can prove is repeated", _repeat_what_is_blind, "cut"),
    Mutation("silence is read as a refusal", _repeat_what_is_blind, "undelivered"),
    Mutation(
        "late answers change nothing",
        _discard_late_answers,
        StoryWithFault("lead", Site("worker", "db attempts.CLOSE", 1), Fault.HANG_BEFORE),
    ),
    Mutation("a lookup is made under the new login", _look_up_under_the_new_login, "a login has changed"),
    Mutation(
        "frozen bytes are sent under another login",
        _send_frozen_bytes_under_another_login,
        "a login changes between two tries",
    ),
    Mutation(
        "apply changes a login with open outcomes",
        _change_a_login_whose_outcomes_are_open,
        "a login is about to change",
    ),
    Mutation("effects have random ids", _plan_with_random_ids, "lead"),
    Mutation(
        "a second plan's steps are recorded too",
        _record_the_steps_of_a_second_plan,
        "an event is planned twice at once",
    ),
    Mutation("consent is read without the lock", _read_consent_without_the_lock, "seeds"),
    Mutation(
        "consent is read at the claim only", _read_consent_at_the_claim_only, "a person unsubscribes just in time"
    ),
    Mutation(
        "consent under the key of then is not read",
        _read_consent_under_todays_key_only,
        "a person unsubscribes under the key of then",
    ),
    Mutation(
        "a suppression is not written under the key of then",
        _suppress_under_todays_key_only,
        "a person unsubscribes from a plan of then",
    ),
    Mutation("a move has no journal row", _move_without_a_journal_row, "lead"),
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
    Mutation("campaigns take tokens first", _let_campaigns_go_first, "a campaign holds slots far ahead"),
    Mutation(
        "without Redis each worker takes the whole rate",
        _take_every_share,
        "Redis is away and four workers share a limit",
    ),
    Mutation(
        "a redrive asks nothing about what was sent",
        _redrive_without_a_look_at_what_was_sent,
        "what may have been sent is redriven",
    ),
    Mutation(
        "a corrected text is not used when its mail is redriven",
        _send_again_what_could_not_be_rendered,
        "a text is corrected and its mail redriven",
    ),
    Mutation("an instant counts by the newest version", _judge_every_instant_by_the_newest_version, "edited"),
    Mutation("a removed campaign goes on", _let_an_earlier_version_go_on, "removed"),
    Mutation("a redriven step does not wait", _send_a_redriven_step_before_the_one_it_follows, "redriven"),
    Mutation("what follows a redriven step does not wait", _leave_what_follows_a_redriven_step_due, "redriven early"),
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
    Mutation(
        "people have other keys than in the release before",
        _key_people_otherwise,
        StoryOfTwo("unsubscribed", Release.BEFORE),
    ),
)
