"""Deliberate bugs. What is planned, for whom, when, and what a person decides."""

from dataclasses import replace
from uuid import uuid4

from drumbeat.campaigns import in_force
from drumbeat.core import ids
from drumbeat.delivery import (
    attempts_sql,
    batch,
    plans_sql,
    sends,
)
from drumbeat.operations import decisions, decisions_sql
from drumbeat.people import sql as people_sql
from drumbeat.services import Services
from drumbeat.throttle import fallback
from tests.faults.beside import Release
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryOfTwo

# ---------------------------------------------------------------- plans


def _plan_with_random_ids(patch: Patch) -> None:
    patch.setattr(ids, "effect_id", lambda *parts: uuid4())


def _record_the_steps_of_a_second_plan(patch: Patch) -> None:
    change_statement(
        patch,
        plans_sql,
        "RECORD",
        ("JOIN (SELECT * FROM planned UNION ALL SELECT * FROM replanned) AS new", "JOIN input AS new"),
    )


# ---------------------------------------------------------------- consent


def _read_consent_without_the_lock(patch: Patch) -> None:
    change_statement(
        patch, attempts_sql, "OPEN", ("         ORDER BY key\n           FOR SHARE\n", "         ORDER BY key\n")
    )


def _read_consent_at_the_claim_only(patch: Patch) -> None:
    change_statement(
        patch,
        attempts_sql,
        "OPEN",
        ("WHERE own.suppressed_at IS NOT NULL", "WHERE false"),
        ("WHERE former.suppressed_at IS NOT NULL", "WHERE false"),
    )


def _read_consent_under_todays_key_only(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN", ("WHERE former.suppressed_at IS NOT NULL", "WHERE false"))


def _suppress_under_todays_key_only(patch: Patch) -> None:
    change = people_sql.change
    patch.setattr(people_sql, "change", lambda db, keys, **facts: change(db, keys._replace(former=None), **facts))


# ---------------------------------------------------------------- a person's decisions


def _redrive_without_a_look_at_what_was_sent(patch: Patch) -> None:
    change_statement(patch, decisions_sql, "DECIDE", ("NOT %(redrive)s OR", "true OR"))
    patch.setattr(decisions, "_why_not", lambda *_, **__: None)


def _send_a_redriven_step_before_the_one_it_follows(patch: Patch) -> None:
    change_statement(patch, decisions_sql, "DECIDE", ("AND NOT m.comes_later", ""))


def _leave_what_follows_a_redriven_step_due(patch: Patch) -> None:
    change_statement(patch, decisions_sql, "DECIDE", ("WHERE moved.status = 'waiting'\n", "WHERE false\n"))


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
    Mutation("effects have random ids", _plan_with_random_ids, "lead"),
    Mutation(
        "a second plan's steps are recorded too",
        _record_the_steps_of_a_second_plan,
        "an event is planned twice at once",
    ),
    Mutation("consent is read without the lock", _read_consent_without_the_lock, "consent"),
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
        "people have other keys than in the release before",
        _key_people_otherwise,
        StoryOfTwo("unsubscribed", Release.BEFORE),
    ),
)
