"""What people and programs are shown of the ledger."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from drumbeat import views
from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, plans_sql
from drumbeat.delivery.effects import Claimed, Opening
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.store.rows import (
    LEASE,
    as_json,
    claimed,
    closing,
    configured,
    new_effect,
    planned,
    recorded,
    sending,
    waiting,
)

EVERY = views.EventFilter()


def event_status(db: Database) -> str:
    """Return the derived status of the only event."""
    (item,) = views.events(db, EVERY).items
    return item.status


def ended(db: Database, to: Status, kind: str | None, **changes: object) -> None:
    effect = sending(db, **changes)
    attempts_sql.close_attempts(
        db, [closing(effect, kind, to, reason=Reason(ReasonCode.REFUSED_BY_PROVIDER, f"it was {to}"))]
    )


def test_an_event_without_a_plan_is_recorded(database: TestDatabase) -> None:
    recorded(database)

    assert event_status(database) == "recorded"


def test_an_event_whose_effects_wait_untouched_is_planned(database: TestDatabase) -> None:
    waiting(database)

    assert event_status(database) == "planned"


def test_an_event_with_an_effect_under_way_is_in_progress(database: TestDatabase) -> None:
    claimed(database, waiting(database))

    assert event_status(database) == "in_progress"


def test_an_event_that_no_flow_acts_on_is_done_once_planned(database: TestDatabase) -> None:
    configured(database)
    plans_sql.record(database, [plans_sql.NewPlan(recorded(database), 1, b"hash", {})], [], LEASE)

    assert event_status(database) == "done"


def test_an_event_is_done_when_all_its_effects_are(database: TestDatabase) -> None:
    ended(database, Status.ACCEPTED, "accepted")

    assert event_status(database) == "done"


@pytest.mark.parametrize(("to", "kind"), [(Status.REFUSED, "refused"), (Status.HELD, None)])
def test_a_refused_or_held_effect_needs_attention(database: TestDatabase, to: Status, kind: str | None) -> None:
    if to is Status.HELD:
        effect = sending(database)
        attempts_sql.close_attempts(database, [closing(effect, "unknown", Status.UNKNOWN, wait=0.0)])
        again = claimed(database, effect.id)
        attempts_sql.close_attempts(
            database, [closing(again, kind, to, n=effect.fence, origin="look", reason=Reason(ReasonCode.UNPROVABLE))]
        )
    else:
        ended(database, to, kind)

    assert event_status(database) == "attention"
    assert len(views.events(database, views.EventFilter(status="attention")).items) == 1


def test_a_flow_that_cannot_be_planned_needs_attention_until_it_is(database: TestDatabase) -> None:
    configured(database)
    event = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {"welcome": "no such field"})], [], LEASE)
    before = event_status(database)
    configured(database, 2)

    plans_sql.record(database, [plans_sql.NewPlan(event, 2, b"hash", {}, "welcome")], [], LEASE)

    assert (before, event_status(database)) == ("attention", "done")
    story = views.event(database, event)
    assert story is not None
    assert story.plan is not None
    assert (story.plan.failed, [replan.flow for replan in story.plan.replans]) == ({}, ["welcome"])


@pytest.mark.point(4)
def test_another_body_under_the_same_key_needs_attention(database: TestDatabase) -> None:
    event = recorded(database)
    database.run(
        "INSERT INTO conflicts (event_id, fingerprint, body, received_at) VALUES (%s, 'x', '{}', drumbeat_now())",
        (event,),
    )

    assert event_status(database) == "attention"


def test_contrary_evidence_about_an_accepted_effect_needs_attention(database: TestDatabase) -> None:
    ended(database, Status.ACCEPTED, "accepted")
    before = event_status(database)

    database.run(
        "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind)"
        " SELECT effect_id, n, generation, identity, 'feedback', 'refused' FROM attempts"
    )

    assert (before, event_status(database)) == ("done", "attention")
    assert len(views.events(database, views.EventFilter(status="attention")).items) == 1


@pytest.mark.parametrize("status", ["recorded", "planned", "in_progress", "done"])
def test_each_derived_status_finds_its_own_events(database: TestDatabase, status: str) -> None:
    recorded(database)
    waiting(database)
    claimed(database, waiting(database))
    ended(database, Status.ACCEPTED, "accepted")

    found = views.events(database, views.EventFilter(status=status)).items

    assert [item.status for item in found] == [status]


def test_pages_show_each_event_once_newest_first(database: TestDatabase) -> None:
    for _ in range(7):
        recorded(database)
    seen = []
    cursor = None

    while True:
        page = views.events(database, EVERY, cursor=cursor, limit=3)
        seen += page.items
        recorded(database)  # what arrives meanwhile moves nothing
        if (cursor := page.next) is None:
            break

    assert len({item.event_id for item in seen}) == len(seen) == 7
    assert [item.received_at for item in seen] == sorted((item.received_at for item in seen), reverse=True)


def test_q_finds_a_whole_key_and_the_beginning_of_an_id(database: TestDatabase) -> None:
    event = recorded(database, key="Order-100%")
    recorded(database, key="other")

    def found(q: str, **more: Any) -> list[object]:
        return [item.event_id for item in views.events(database, views.EventFilter(q=q, **more)).items]

    assert found("Order-100%") == found("Order-100%", source="test") == [event]
    assert found("Order-100%", source="elsewhere") == found("Order-100%", keys=False) == []
    assert found(str(event)[:9].upper()) == found(str(event)) == found(event.hex[:8], keys=False) == [event]
    assert found("Order-100") == found(str(event)[:7]) == found("test") == []


def test_since_and_type_and_source_narrow_the_list(database: TestDatabase) -> None:
    recorded(database)
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    assert views.events(database, views.EventFilter(since=tomorrow)).items == []
    assert views.events(database, views.EventFilter(type="FEEDBACK")).items == []
    assert views.events(database, views.EventFilter(source="elsewhere")).items == []
    assert len(views.events(database, views.EventFilter(source="test", type="LEAD_CAPTURE")).items) == 1


def test_values_and_cursors_that_cannot_exist_are_refused_instead_of_finding_nothing(database: TestDatabase) -> None:
    with pytest.raises(Invalid, match="attention"):
        views.EventFilter(status="lost")
    with pytest.raises(Invalid):
        views.EffectFilter(status="lost")
    with pytest.raises(Invalid):
        views.events(database, EVERY, cursor="99999999999999999999999-x")
    with pytest.raises(Invalid):
        views.effects(database, views.EffectFilter(), cursor="x")


def test_the_story_of_an_event_holds_everything_but_the_frozen_bytes(database: TestDatabase) -> None:
    event = recorded(database, body=as_json({"payload": {"email": "ada@example.com"}}))
    first = new_effect(event)
    later = new_effect(event, "nudge", after=first.id, account="crm")
    planned(database, first, later)
    effect = claimed(database, first.id)
    attempts_sql.open_attempts(database, [_opening(effect)])
    attempts_sql.close_attempts(database, [closing(effect, "accepted", Status.ACCEPTED, reference="m-1")])

    story = views.event(database, event)

    assert story is not None
    assert story.payload == {"email": "ada@example.com"}
    assert (story.status, story.effects_total) == ("in_progress", 2)
    hello, nudge = sorted(story.effects, key=lambda each: each.step)
    assert (hello.status, nudge.due_at) == ("accepted", None)
    assert [entry.to_status for entry in hello.journal] == ["waiting", "claimed", "sending", "accepted"]
    assert [(each.kind, each.reference) for each in hello.outcomes] == [("accepted", "m-1")]
    assert [(each.n, each.request_hash) for each in hello.attempts] == [(1, b"h")]
    assert [each.stored_bytes for each in hello.requests] == [len(b"bytes")]


def test_a_body_that_is_no_plain_json_is_shown_as_it_is(database: TestDatabase) -> None:
    event = recorded(database, body=b"[" * 5_000)

    story = views.event(database, event)

    assert story is not None
    assert (story.payload, story.payload_form, story.payload_bytes) == ("[" * 5_000, "text", 5_000)


def test_an_event_that_was_not_recorded_has_no_story(database: TestDatabase) -> None:
    assert views.event(database, uuid4()) is None


def test_effects_are_found_by_status_account_and_event(database: TestDatabase) -> None:
    event = recorded(database)
    planned(database, *(new_effect(event, step, account=step[:1]) for step in ("a1", "a2", "b1")))
    page = views.effects(database, views.EffectFilter(account="a", status="waiting", event=event), limit=1)

    rest = views.effects(database, views.EffectFilter(account="a"), cursor=page.next, limit=1)

    assert {each.step for each in [*page.items, *rest.items]} == {"a1", "a2"}
    assert rest.next is None


def test_totals_count_by_status_and_show_how_long_the_oldest_has_been_due(database: TestDatabase) -> None:
    waiting(database, due_at=datetime.now(UTC) - timedelta(minutes=5))
    waiting(database, account="crm", due_at=datetime.now(UTC) + timedelta(minutes=5))
    recorded(database)

    totals = views.totals(database)

    assert totals.effects == {"waiting": 2}
    assert totals.events == {"planned": 2, "recorded": 1}
    assert totals.unplanned == 1
    assert totals.oldest_due == pytest.approx(300, abs=30)
    assert [(each.account, each.oldest_due is None) for each in views.by_account(database)] == [
        ("crm", True),
        ("mail", False),
    ]


def _opening(effect: Claimed) -> Opening:
    return Opening(effect.id, effect.fence, Status.SENDING, identity="id", request_hash=b"h", frozen=b"bytes")
