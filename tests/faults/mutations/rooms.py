"""More deliberate bugs, by the room that they are in: ingest, delivery, relay."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from drumbeat.core.call_times import CallTimes
from drumbeat.core.errors import Unavailable
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, batch, claims_sql, commits, verdicts
from drumbeat.delivery.effects import Claimed, Moved, Opening
from drumbeat.delivery.verdicts import Verdict
from drumbeat.ingest import buffer, recording
from drumbeat.ingest import sql as store_events
from drumbeat.ingest.receipt import BUFFERED, Receipt
from drumbeat.ledger import leases
from drumbeat.relay import sql as relay_sql
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryWithFault

# ---------------------------------------------------------------- ingest


def _set_no_due_entry_for_an_event(patch: Patch) -> None:
    patch.setattr(recording, "_schedule", lambda arrivals, door: True)


def _promise_what_the_buffer_did_not_take(patch: Patch) -> None:
    put = buffer.put

    def hopefully(arrivals: Any, door: Any, **caller: Any) -> list[Receipt]:
        try:
            return put(arrivals, door, **caller)
        except Unavailable:
            return [Receipt(arrival.id, BUFFERED) for arrival in arrivals]

    patch.setattr(buffer, "put", hopefully)


def _record_the_first_of_a_batch(patch: Patch) -> None:
    record_all = recording.record_all

    def only_one(arrivals: Any, door: Any, **caller: Any) -> Any:
        return record_all(arrivals[:1], door, **caller) * len(arrivals)

    patch.setattr(recording, "record_all", only_one)


def _record_for_any_caller(patch: Patch) -> None:
    patch.setattr(store_events, "_caller", lambda _: {"caller": None, "scopes": []})


def _store_the_first_of_a_buffered_batch(patch: Patch) -> None:
    store = buffer._store
    patch.setattr(buffer, "_store", lambda it, door: store(replace(it, arrivals=it.arrivals[:1]), door))


# ---------------------------------------------------------------- delivery


def _count_the_window_from_the_last_call(patch: Patch) -> None:
    patch.setattr(verdicts, "window_ends", lambda e, k: e.last_opened_at and e.last_opened_at + k.lifetime - k.margin)


def _count_an_unknown_answer_as_resolved(patch: Patch) -> None:
    resolving = "AND o.kind IN ('not_sent', 'throttled', 'denied', 'refused"
    change_statement(patch, claims_sql, "CLAIM", (resolving, resolving + "', 'unknown"))


def _claim_before_it_is_due(patch: Patch) -> None:
    change_statement(patch, claims_sql, "CLAIM", ("AND due_at <= drumbeat_now()\n", "\n"))


def _take_an_unanswered_opening(*, as_done: bool) -> Callable[[Patch], None]:
    def opened(db: Any, openings: Any) -> dict[Any, Moved]:
        return {one.id: Moved(one.id, one.to, ()) for one in openings} if as_done else {}

    return lambda patch: patch.setattr(attempts_sql, "opened", opened)


def _send_what_was_not_opened(patch: Patch) -> None:
    really_open = commits.Commits.open

    def open_all(self: commits.Commits, transitions: Any) -> Any:
        moved = really_open(self, transitions)
        sending = [one for one in transitions if isinstance(one, Opening) and one.to is Status.SENDING]
        return [*moved, *(Moved(one.id, Status.SENDING, ()) for one in sending)]

    patch.setattr(commits.Commits, "open", open_all)


def _connect_after_the_lease(patch: Patch) -> None:
    patch.setattr(CallTimes, "first_byte_within_seconds", 1e9)


def _judge(question: str, **forgotten: object) -> Callable[[Patch], None]:
    """Return a bug: one of the verdicts is given by something else than is known of an effect."""

    def make(patch: Patch) -> None:
        ask = getattr(verdicts, question)

        def forgetful(effect: Claimed, *rest: Any, **others: Any) -> Verdict | None:
            verdict: Verdict | None = ask(replace(effect, **forgotten), *rest, **others)  # type: ignore[arg-type]
            return verdict

        patch.setattr(verdicts, question, forgetful)

    return make


def _forget_what_is_unresolved(patch: Patch) -> None:
    """Neither the verdict on an answer nor the one before the next call knows of it: each makes up for the other."""
    for question in ("of_answer", "before_sending"):
        _judge(question, unresolved=0)(patch)


def _expire_what_may_have_been_sent(patch: Patch) -> None:
    before_sending = verdicts.before_sending

    def strictly(effect: Claimed, *rest: Any) -> Verdict | None:
        too_old = effect.now >= effect.expires_at
        return before_sending(replace(effect, unresolved=0) if too_old else effect, *rest)

    patch.setattr(verdicts, "before_sending", strictly)


def _let_no_absence_settle(patch: Patch) -> None:
    patch.setattr(verdicts, "is_proven_absence", lambda look, verdict: False)


def _clear_the_due_entries_of_what_goes_on(patch: Patch) -> None:
    notify = commits.Commits._notify

    def too_much(self: commits.Commits, moved: Any, waits: Any) -> None:
        notify(self, moved, waits)
        self._services.notifier.clear(effects=[one.id for one in moved])

    patch.setattr(commits.Commits, "_notify", too_much)


def _take_every_denial_for_one_about_the_message(patch: Patch) -> None:
    patch.setattr(batch, "accepting_others", lambda ended, services: {one.work.effect.id for one in ended})


def _let_nothing_expire(patch: Patch) -> None:
    decide = verdicts.before_sending
    never = datetime.max.replace(tzinfo=UTC)
    patch.setattr(verdicts, "before_sending", lambda effect, *rest: decide(replace(effect, expires_at=never), *rest))


# ---------------------------------------------------------------- relay


def _recover_without_a_journal_row(patch: Patch) -> None:
    change_statement(patch, leases, "RECOVER", ("WHERE before <> status", "WHERE false"))


def _pass_over_unknown_outcomes(patch: Patch) -> None:
    patch.setattr(relay_sql, "DUE", relay_sql.DUE.replace("IN ('waiting', 'unknown')", "IN ('waiting')"))


MUTATIONS = (
    Mutation(
        "an event has a wake-up only",
        _set_no_due_entry_for_an_event,
        StoryWithFault("lead", Site("ingest", "sqs SendMessage effects", 1), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "what the buffer did not take is promised",
        _promise_what_the_buffer_did_not_take,
        StoryWithFault("outage", Site("ingest", "sqs SendMessage buffer", 1), Fault.ERROR_BEFORE),
    ),
    Mutation("of a batch one event is recorded", _record_the_first_of_a_batch, "batch"),
    Mutation("an event of a revoked caller is recorded", _record_for_any_caller, "revoked"),
    Mutation("of a buffered batch one event is recorded", _store_the_first_of_a_buffered_batch, "batch"),
    Mutation(
        "a key's window begins with the last call",
        _count_the_window_from_the_last_call,
        "a key expires between two repeats",
    ),
    Mutation(
        "an unknown answer resolves its attempt",
        _count_an_unknown_answer_as_resolved,
        "a key expires before its repeat",
    ),
    Mutation("an effect is claimed before it is due", _claim_before_it_is_due, "a wake-up comes for effects in flight"),
    Mutation(
        "an opening that failed is taken as done",
        _take_an_unanswered_opening(as_done=True),
        StoryWithFault("post", Site("worker", "db attempts.OPEN", 1), Fault.ERROR_BEFORE),
    ),
    Mutation(
        "an opening without an answer is taken as failed",
        _take_an_unanswered_opening(as_done=False),
        "the answer to an opening is lost",
    ),
    Mutation("what was not opened is sent", _send_what_was_not_opened, "a person unsubscribes just in time"),
    Mutation("a call is begun after its lease", _connect_after_the_lease, "a worker sleeps before its call"),
    Mutation(
        "a try that was surely not sent makes an earlier one so",
        _forget_what_is_unresolved,
        "a provider is away after an answer was lost",
    ),
    Mutation(
        "a step ignores how the one before it ended",
        _judge("before_sending", predecessor=None),
        "a person subscribes again",
    ),
    Mutation(
        "proof does not settle an unknown outcome",
        _judge("of_unknown", proof=None),
        "a bounce is reported as the time for reports ends",
    ),
    Mutation("what may have been sent expires", _expire_what_may_have_been_sent, "a repeat comes a week late"),
    Mutation(
        "every denial is about the message",
        _take_every_denial_for_one_about_the_message,
        "every key is refused for a while",
    ),
    Mutation("nothing expires", _let_nothing_expire, "no provider can be reached for a week"),
    Mutation("no absence settles an attempt", _let_no_absence_settle, "a mail is dropped"),
    Mutation(
        "the due entry of what goes on is cleared",
        _clear_the_due_entries_of_what_goes_on,
        "the message for a repeat is lost",
    ),
    Mutation(
        "the relay recovers without a journal row",
        _recover_without_a_journal_row,
        StoryWithFault("lead", Site("worker", "http send mailgun", 1), Fault.CRASH_AFTER),
    ),
    Mutation(
        "the relay passes over unknown outcomes",
        _pass_over_unknown_outcomes,
        StoryWithFault("lead", Site("worker", "http send mailgun", 1), Fault.CRASH_AFTER),
    ),
)
