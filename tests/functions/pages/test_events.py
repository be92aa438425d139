"""The pages of events: the list, and one event with its plan as a tree."""

import json
from uuid import UUID

import pytest

from drumbeat.core.status import Status
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.functions.pages.effects_rows import ended, held, sign_in_as_clerk
from tests.functions.pages.visitor import Visitor
from tests.store.rows import new_effect, planned, recorded, unplannable

PAYLOAD = json.dumps({"payload": {"email": "bob@example.org", "plan": "trial"}}).encode()


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    """A browser of a person who may see and decide everything."""
    visitor.sign_in("read", "people", "operate")
    return visitor


def owner(db: Database, effect: UUID) -> UUID:
    event: UUID = db.run("SELECT event_id FROM effects WHERE id = %s", (effect,))[0]["event_id"]
    return event


def test_the_list_is_newest_first_and_narrowed_by_its_address(operator: Visitor, database: TestDatabase) -> None:
    bare = recorded(database, "order-1", PAYLOAD)
    done = owner(database, ended(database, Status.ACCEPTED))
    wrong = owner(database, held(database))

    every = operator.get("/events").html

    assert every.index(f"/events/{wrong}") < every.index(f"/events/{done}") < every.index(f"/events/{bare}")
    assert f"/events/{wrong}" in operator.get("/events?status=attention").html
    assert f"/events/{done}" not in operator.get("/events?status=attention").html
    assert f"/events/{bare}" in operator.get("/events?status=recorded&since=24h").html
    assert f"/events/{bare}" in operator.get("/events?q=order-1").html
    assert f"/events/{done}" not in operator.get("/events?q=order-1").html
    assert f"/events/{done}" in operator.get(f"/events?q={str(done)[:8]}").html
    assert "No events are so" in operator.get("/events?source=elsewhere").html
    assert operator.get("/events?format=csv").html.startswith("eventId,source,")
    assert operator.get("/events?since=nonsense").status == 400
    assert operator.get("/events?type=nonsense").status == 400


def test_a_longer_list_is_read_on_from_its_cursor(operator: Visitor, database: TestDatabase) -> None:
    first = recorded(database, "first")
    for n in range(50):
        recorded(database, str(n))

    page = operator.get("/events?source=test").html
    _, _, rest = page.partition('<a href="/events?source=test&amp;cursor=')

    assert f"/events/{first}" not in page
    assert f"/events/{first}" in operator.get(f"/events?source=test&cursor={rest.partition(chr(34))[0]}").html


def test_the_plan_is_a_tree_of_steps_with_what_became_of_each(operator: Visitor, database: TestDatabase) -> None:
    event = recorded(database, "order-1", PAYLOAD)
    later = new_effect(event, "nudge")
    first = new_effect(event, dependents=(later.id,))
    planned(database, first, new_effect(event, "nudge", after=first.id))

    page = operator.get(f"/events/{str(event)[:6]}").html

    assert (
        page.index(f"/effects/{first.id}") < page.index('aria-label="After hello"') < page.index(f"/effects/{later.id}")
    )
    assert "&#34;plan&#34;: &#34;trial&#34;" in page
    assert "bob@example.org" in page


def test_a_flow_that_cannot_be_planned_says_what_to_do_and_may_be_dismissed(
    operator: Visitor, database: TestDatabase
) -> None:
    event = recorded(database)
    unplannable(database, event, "its template is missing")
    page = operator.get(f"/events/{event}")

    done = operator.post(f"/events/{event}/dismiss", token=page.token, reason="the offer is over")
    after = operator.get(done.following).html

    assert "its template is missing" in page.html
    assert "drumbeat apply" in page.html
    assert done.status == 303
    assert "Dismissed by person:ada" in after
    assert f'action="/events/{event}/dismiss"' not in after
    assert operator.post(f"/events/{event}/dismiss", token=page.token, reason="again").status == 409


def test_an_event_with_a_held_effect_is_not_dismissed(operator: Visitor, database: TestDatabase) -> None:
    event = owner(database, held(database))

    refused = operator.post(f"/events/{event}/dismiss", reason="later")

    assert refused.status == 409
    assert "held" in refused.html


def test_the_id_of_an_effect_leads_to_its_page_and_an_unknown_one_says_so(
    operator: Visitor, database: TestDatabase
) -> None:
    effect = held(database)

    assert operator.get(f"/events/{effect}").location == f"/effects/{effect}"
    assert operator.get(f"/events/{str(effect)[:8]}").location == f"/effects/{effect}"
    assert operator.get("/events/00000000").status == 404


def test_who_may_not_see_persons_finds_and_is_shown_none(visitor: Visitor, database: TestDatabase) -> None:
    event = recorded(database, "bob@example.org", PAYLOAD)
    sign_in_as_clerk(visitor, "read")

    for path in ("/events", f"/events/{event}", "/events?format=csv"):
        shown = visitor.get(path)
        assert shown.status == 200
        assert "bob" not in shown.html
        assert "trial" not in shown.html
    assert f"/events/{event}" not in visitor.get("/events?q=bob").html
    assert visitor.get("/events?q=bob@example.org").status == 403
    assert visitor.post(f"/events/{event}/dismiss", token=None, reason="mine").status == 403
