"""Decisions about many effects: shown first, with how many of what they take; then carried out, and what is left."""

import re

import pytest

from drumbeat.console import decisions
from drumbeat.core.status import Status
from drumbeat.operations import decisions as use_case
from tests.conftest import TestDatabase
from tests.functions.pages.effects_rows import ended, given_up, held
from tests.functions.pages.visitor import Shown, Visitor
from tests.store.rows import status, waiting


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    """A browser of a person who may decide."""
    visitor.sign_in("read", "operate")
    return visitor


def hidden(page: Shown) -> dict[str, str]:
    """Return what the form of a page carries."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.html))


def test_a_group_is_shown_and_then_decided_as_a_whole_and_nothing_else(
    operator: Visitor, database: TestDatabase
) -> None:
    meant = [held(database) for _ in range(3)]
    other = held(database, account="crm")

    page = operator.get("/effects/decide?status=held&account=mail&cause=unprovable")
    later = held(database)
    fields = hidden(page)
    done = operator.post("/effects/decide", **fields, decision="drop", reason="the list was wrong")

    assert "Decide about 3 held effects" in page.html
    assert [status(database, each) for each in meant] == ["cancelled"] * 3
    assert (status(database, other), status(database, later)) == ("held", "held")
    assert "3 effects were decided" in operator.get(done.following).html
    rows = database.run("SELECT DISTINCT actor, reason_detail FROM journal WHERE to_status = 'cancelled'")
    assert rows == [{"actor": "person:ada", "reason_detail": "the list was wrong"}]


def test_what_one_press_cannot_take_is_left_and_said(
    operator: Visitor, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        waiting(database)
    monkeypatch.setattr(use_case, "EFFECTS_PER_REQUEST", 1)
    monkeypatch.setattr(decisions, "MOST_CHUNKS", 2)
    page = operator.get("/effects/decide?status=waiting&account=mail")

    done = operator.post("/effects/decide", **hidden(page), decision="cancel", reason="not today")
    shown = operator.get(done.following).html

    assert "2 effects were decided. More of the same are left" in shown
    assert "Decide about 3 waiting effects" in shown


def test_what_may_have_been_carried_out_is_left_out_unless_that_is_said(
    operator: Visitor, database: TestDatabase
) -> None:
    unsure = given_up(database)
    fields = hidden(operator.get("/effects/decide?status=cancelled")) | {"decision": "redrive", "reason": "again"}

    operator.post("/effects/decide", **fields)
    assert status(database, unsure) == "cancelled"
    operator.post("/effects/decide", **fields, evenIfSent="on")
    assert status(database, unsure) == "waiting"


def test_a_decision_needs_its_scope_a_choice_and_a_status_that_it_takes(
    visitor: Visitor, database: TestDatabase
) -> None:
    effect = held(database)
    ended(database, Status.REFUSED)
    visitor.sign_in("read", "operate")
    fields = hidden(visitor.get("/effects/decide?status=held")) | {"reason": "why"}

    assert visitor.get("/effects/decide?status=accepted").status == 400
    assert visitor.get("/effects/decide?status=held&cause=nonsense").status == 400
    assert visitor.post("/effects/decide", **fields).status == 400
    assert visitor.post("/effects/decide", **fields, decision="redrive").status == 400
    assert visitor.post("/effects/decide", **(fields | {"seenAt": ""}), decision="drop").status == 400
    visitor.sign_in("read", id="eve")
    page = visitor.get("/effects/decide?status=held")
    assert 'action="/effects/decide"' not in page.html
    assert visitor.post("/effects/decide", **(fields | {"decision": "drop"})).status == 403
    assert status(database, effect) == "held"
    assert "No effects are so" in visitor.get("/effects/decide?status=waiting").html
