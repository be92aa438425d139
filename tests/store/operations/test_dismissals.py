"""An event that needs attention can be dismissed with a reason, until more goes wrong."""

from datetime import timedelta
from uuid import UUID

import pytest

from drumbeat import views
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql, candidates_sql, plans_sql
from drumbeat.ledger import configs
from drumbeat.ledger.database import Database
from drumbeat.operations import dismissals_sql
from drumbeat.operations.decisions_sql import decidable, decide
from drumbeat.operations.dismissals_sql import Judged
from drumbeat.relay import sql as relay
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, claimed, closing, configured, new_effect, opening, planned, recorded

WHY = Reason(ReasonCode.REFUSED_BY_PROVIDER, "HTTP 400")


def event_with(db: Database, *ends: str) -> tuple[UUID, list[UUID]]:
    """Return an event and its effects, which ended so."""
    event = recorded(db)
    effects = [new_effect(event, f"step{number}") for number in range(len(ends))]
    planned(db, *effects)
    for effect, end in zip(effects, ends, strict=True):
        let_end(db, effect.id, end)
    return event, [effect.id for effect in effects]


def let_end(db: Database, effect: UUID, end: str) -> None:
    one = claimed(db, effect)
    attempts_sql.open_attempts(db, [opening(one)])
    kind, to, reason = (end, Status(end), WHY) if end != "held" else ("unknown", Status.UNKNOWN, None)
    attempts_sql.close_attempts(db, [closing(one, kind, to, reason=reason, wait=0.0 if end == "held" else None)])
    if end == "held":
        look = closing(
            claimed(db, effect), None, Status.HELD, n=one.fence, origin="look", reason=Reason(ReasonCode.UNPROVABLE)
        )
        attempts_sql.close_attempts(db, [look])


def dismiss(db: Database, event: UUID) -> Judged:
    judged = dismissals_sql.dismiss(db, event, reason="known to sales", actor="person:ada")
    assert judged is not None
    return judged


def status(db: Database, event: UUID) -> str:
    """Return the event's status, the same in its story, in the list and in the totals."""
    story = views.event(db, event)
    assert story is not None
    listed = [item.event_id for item in views.events(db, views.EventFilter(status="attention")).items]
    assert (event in listed) == (story.status == "attention")
    assert views.totals(db).events.get(story.status, 0) >= 1
    return story.status


def test_a_dismissed_event_needs_attention_no_longer_and_shows_who_and_why(database: TestDatabase) -> None:
    event, _ = event_with(database, "refused", "accepted")
    assert status(database, event) == "attention"

    judged = dismiss(database, event)

    assert (judged.dismissed, judged.refused) == (True, 1)
    assert status(database, event) == "done"
    assert "attention" not in views.totals(database).events
    story = views.event(database, event)
    assert story is not None
    assert [(each.actor, each.reason) for each in story.dismissals] == [("person:ada", "known to sales")]


def test_an_effect_that_is_refused_again_raises_attention_again(database: TestDatabase) -> None:
    event, (effect,) = event_with(database, "refused")
    dismiss(database, event)
    seen = decidable(database, effect)
    assert seen is not None
    decide(
        database,
        [seen],
        takes=(Status.REFUSED,),
        to=Status.WAITING,
        reason=Reason(ReasonCode.DECIDED, "again"),
        actor="person:ada",
    )

    let_end(database, effect, "refused")

    assert status(database, event) == "attention"
    assert dismiss(database, event).dismissed
    assert status(database, event) == "done"


def test_another_body_and_contrary_evidence_raise_attention_again(database: TestDatabase) -> None:
    event, (effect,) = event_with(database, "refused")
    conflict = "INSERT INTO conflicts (event_id, fingerprint, body, received_at) VALUES (%s, %s, '{}', drumbeat_now())"
    database.run(conflict, (event, b"one"))
    dismiss(database, event)
    assert status(database, event) == "done"

    database.run(conflict, (event, b"two"))
    assert status(database, event) == "attention"
    dismiss(database, event)
    assert status(database, event) == "done"

    database.run(
        "INSERT INTO outcomes (effect_id, n, generation, identity, origin, kind)"
        " VALUES (%s, 1, 1, 'i', 'late', 'found')",
        (effect,),
    )
    assert status(database, event) == "attention"


def test_a_flow_that_cannot_be_planned_can_be_dismissed(database: TestDatabase) -> None:
    configured(database)
    event = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {"welcome": "no such field"})], [], LEASE)

    assert dismiss(database, event).flows == ["welcome"]

    assert status(database, event) == "done"


@pytest.mark.parametrize("dismissed", [False, True])
def test_a_later_configuration_does_not_act_on_what_was_dismissed(database: TestDatabase, dismissed: bool) -> None:
    configured(database)
    event = recorded(database)
    plans_sql.record(database, [plans_sql.NewPlan(event, 1, b"hash", {"welcome": "no such field"})], [], LEASE)
    if dismissed:
        dismiss(database, event)
    database.run(
        "INSERT INTO configs (version, hash, document, templates, compiled, applied_by)"
        """ VALUES (2, '2', '', '{}', '{"flows": {"welcome": {}}}', 'test')"""
    )

    hour = timedelta(hours=1)
    (candidate,) = candidates_sql.read(database, [event], late=hour, lease=LEASE, most_bytes=1 << 20)
    found = relay.replannable_events(database, fresh=hour, full=True, limit=10, after=UUID(int=0))
    tried = configs.unplanned(database, after=UUID(int=0), limit=10)

    left = [] if dismissed else [event]
    assert (list(candidate.failed_flows), found, tried) == ([] if dismissed else ["welcome"], left, left)


@pytest.mark.parametrize(("ends", "held"), [(("held", "refused"), 1), (("accepted",), 0)])
def test_what_is_held_or_needs_no_attention_is_not_dismissed(
    database: TestDatabase, ends: tuple[str, ...], held: int
) -> None:
    event, _ = event_with(database, *ends)
    before = status(database, event)

    judged = dismiss(database, event)

    assert (judged.dismissed, judged.held) == (False, held)
    assert status(database, event) == before
    assert database.run("SELECT FROM dismissals") == []
