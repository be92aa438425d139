"""Deliberate bugs. Attempts, and what they prove."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from drumbeat.core.outcomes import Found, NotSent, Outcome, Refused
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import (
    attempts_sql,
    commits,
    lookups_sql,
    sends,
    verdicts,
    work,
)
from drumbeat.delivery.effects import Moved, Opening
from drumbeat.delivery.verdicts import Verdict
from drumbeat.ledger import configs, leases
from drumbeat.providers import calls, http_endpoint, hubspot, mailgun, replies, resend
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryWithFault

# ---------------------------------------------------------------- the fence and the lease


def _open_without_fence(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN", ("e.fence = i.fence\n           AND", "true\n           AND"))


def _close_without_fence(patch: Patch) -> None:
    change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("CASE WHEN e.fence = i.fence AND NOT overruled THEN i.target ELSE 'accepted' END", "i.target"),
        ("(e.fence = i.fence AND e.status IN", "(e.status IN"),
    )


def _let_a_refusal_overrule_proof(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "CLOSE", ("WHEN i.target = 'refused'\n", "WHEN false\n"))


def _recover_sending_as_waiting(patch: Patch) -> None:
    change_statement(
        patch,
        leases,
        "RECOVER",
        ("CASE dead.status WHEN 'claimed' THEN 'waiting' ELSE 'unknown' END", "'waiting'"),
    )


def _recover_nothing_in_flight(patch: Patch) -> None:
    for statement in ("RECOVER", "RECOVER_NAMED", "RECOVER_OF_RUN"):
        change_statement(
            patch, leases, statement, ("status IN ('claimed', 'sending', 'unknown')", "status IN ('claimed')")
        )


def _recover_live_leases(patch: Patch) -> None:
    change_statement(
        patch,
        leases,
        "RECOVER",
        ("AND lease_until <= drumbeat_now()", "AND lease_until IS NOT NULL"),
    )


def _free_live_leases_by_name(patch: Patch) -> None:
    change_statement(patch, leases, "RECOVER_NAMED", ("           AND lease_until <= drumbeat_now()\n", ""))


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
    change_statement(patch, attempts_sql, "CLOSE", ("i.kind IN ('accepted', 'found')", "false"))


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
    change_statement(patch, configs, "INSERT", ("effects.status IN ('sending', 'unknown')", "false"))


# ---------------------------------------------------------------- the journal


def _move_without_a_journal_row(patch: Patch) -> None:
    change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("FROM moved\n         WHERE before <> status", "FROM moved WHERE false"),
    )


# ---------------------------------------------------------------- neighbours


def _keep_what_a_provider_says_as_it_is(patch: Patch) -> None:
    patch.setattr(calls, "fit_outcome", lambda end, *, key: end)


def _believe_in_a_worker_before_its_call(patch: Patch) -> None:
    """As it was: a verdict without any call forgot that the call had ended its worker."""
    change_statement(
        patch,
        attempts_sql,
        "CLOSE",
        ("CASE WHEN m.kind IS NULL OR m.origin = 'look' THEN e.crashes ELSE 0 END", "0"),
    )


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
    Mutation("a move has no journal row", _move_without_a_journal_row, "lead"),
)
