"""Deliberate bugs. People: their leads, their consent, and how often they are asked."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.plans_sql import NewEffect, NewPlan
from drumbeat.ingest import sql as ingest_sql
from drumbeat.ledger.database import Database, Row
from drumbeat.people import wishes, wishes_sql
from drumbeat.planning import people as planning_people
from tests.faults.fault_points import Fault, Site
from tests.faults.mutations.mutation import Mutation, Patch, change_statement
from tests.faults.proof import StoryWithFault


def _open_without_consent(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN", ("AND consent_state(own.consents, e.list) <> 'given'", "AND false"))


def _mail_who_complained(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN", ("e.list IS NOT NULL AND own.complained_at IS NOT NULL", "false"))


def _take_the_last_word_planned(patch: Patch) -> None:
    change_statement(
        patch,
        plans_sql,
        "RECORD",
        ("consents_merged(c.consents, excluded.consents)", "c.consents || excluded.consents"),
    )


def _plan_without_what_was_said(patch: Patch) -> None:
    _change_people(patch, consents=())


def _plan_without_leads(patch: Patch) -> None:
    _change_people(patch, address=None)


def _change_people(patch: Patch, **without: Any) -> None:
    record = plans_sql.record

    def less(db: Database, plans: Sequence[NewPlan], effects: Sequence[NewEffect], lease: timedelta) -> list[Row]:
        known = [replace(plan, person=plan.person and replace(plan.person, **without)) for plan in plans]
        return record(db, known, effects, lease)

    patch.setattr(plans_sql, "record", less)


def _record_people_after_the_plan(patch: Patch) -> None:
    record = plans_sql.record

    def apart(db: Database, plans: Sequence[NewPlan], effects: Sequence[NewEffect], lease: timedelta) -> list[Row]:
        rows = record(db, [replace(plan, person=None) for plan in plans], effects, lease)
        with pytest.MonkeyPatch.context() as second:
            change_statement(second, plans_sql, "RECORD", ("          JOIN planned USING (event_id)\n", ""))
            record(db, plans, effects, lease)
        return rows

    patch.setattr(plans_sql, "record", apart)


def _believe_a_program_as_a_person(patch: Patch) -> None:
    patch.setattr(planning_people, "PERSONS_DOORS", frozenset({"form", "confirm", "unsubscribe", "api", "import"}))


def _count_confirmations_without_the_lock(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_COUNTED", ("           FOR NO KEY UPDATE\n", ""))


def _ask_without_end(patch: Patch) -> None:
    change_statement(patch, attempts_sql, "OPEN_COUNTED", ("WHERE NOT again AND place > %(most)s", "WHERE false"))


def _confirm_all_that_was_asked(patch: Patch) -> None:
    confirming = wishes._confirming

    def of_every_list(pending: Any, wish: Any) -> bytes:
        asked = json.loads(pending.body)["consent"]
        given = [{"list": said["list"], "kind": "given"} for said in asked]
        return json.dumps(json.loads(confirming(pending, wish) or b"{}") | {"consent": given}).encode()

    patch.setattr(wishes, "_confirming", of_every_list)


def _name_every_confirmation_by_its_event(patch: Patch) -> None:
    change_statement(patch, wishes_sql, "PENDING", ("CASE e.type WHEN 'CONSENT' THEN e.id ELSE asks.id END", "e.id"))


def _believe_a_clock_that_is_ahead(patch: Patch) -> None:
    change_statement(patch, ingest_sql, "RECORD", ("least(%(received_at)s, drumbeat_now())", "%(received_at)s"))


def _withdraw_by_the_clock_of_the_page(patch: Patch) -> None:
    change_statement(patch, wishes_sql, "WITHDRAW", ("ELSE drumbeat_now() END", "ELSE %(received_at)s END"))


MUTATIONS = (
    Mutation("a letter is opened without consent", _open_without_consent, "unconfirmed"),
    Mutation("who complained gets letters", _mail_who_complained, "a person complains just in time"),
    Mutation(
        "the last word that is planned counts",
        _take_the_last_word_planned,
        "a confirmation is planned after its withdrawal",
    ),
    Mutation("a plan keeps nothing of what was said", _plan_without_what_was_said, "subscribed"),
    Mutation("a plan keeps nothing of its lead", _plan_without_leads, "lead"),
    Mutation(
        "people are recorded after the plan",
        _record_people_after_the_plan,
        StoryWithFault("subscribed", Site("worker", "db plans.RECORD", 1), Fault.CRASH_AFTER),
    ),
    Mutation("a program's word is taken for the person's", _believe_a_program_as_a_person, "back"),
    Mutation("mails that ask are counted without the lock", _count_confirmations_without_the_lock, "asked"),
    Mutation("a person is asked without end", _ask_without_end, "capped"),
    Mutation("one press confirms every list that its event asked about", _confirm_all_that_was_asked, "asked twice"),
    Mutation(
        "what confirms one list is taken for what confirms another",
        _name_every_confirmation_by_its_event,
        "asked twice, away",
    ),
    Mutation(
        "a confirmation may be newer than its commit",
        _believe_a_clock_that_is_ahead,
        "a confirmation of a clock that is ahead is planned after its withdrawal",
    ),
    Mutation(
        "a withdrawal is as old as the clock of its page says",
        _withdraw_by_the_clock_of_the_page,
        "a form that a clock ahead took is planned after a withdrawal",
    ),
)
