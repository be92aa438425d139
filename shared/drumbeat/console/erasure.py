"""Erasing a person: a page that says what goes and what stays, and the deed, for which the address is typed again."""

from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat.access.keys import PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.query import identifier
from drumbeat.api.routing import Routes
from drumbeat.console.access import Page, changes, reads, see
from drumbeat.console.person import story_of
from drumbeat.core.address import LONGEST_TEXT
from drumbeat.core.errors import Invalid
from drumbeat.services import services
from drumbeat.views.person_named import named as person_named

router = Routes()


@router.get("/people/<person>/erase", middlewares=reads("read", PEOPLE, "operate"))
def ask(person: str) -> Response[Any]:
    """Say what an erasure deletes, and ask for the address."""
    from drumbeat.people import erasure  # imports the planner, which only this page needs

    page: Page = router.context["page"]
    story = story_of(person)
    held = erasure.preview(story.address, services()) if story.address else None
    return _page(page, story.id, story.address, held=held)


@router.post("/people/<person>/erase", middlewares=changes("operate", PEOPLE))
def erase(person: str) -> Response[Any]:
    """Erase a person, or go on with it. The address has to be theirs."""
    from drumbeat.people import erasure

    page: Page = router.context["page"]
    id, typed = identifier(person), page.form.get("email", "").strip()
    _, keys = named(typed) if "@" in typed else (None, ())
    if not keys or person_named(services().db, keys) != id:
        raise Invalid("The address that was typed is not that of this person. Nothing was erased.")
    after = page.form.get("after")
    erased = erasure.erase(typed, actor=page.actor, services=services(), after=identifier(after) if after else None)
    if erased.next is None:
        return see(f"/people/{id}?did=erased")
    return _page(page, id, typed, after=erased.next, events=erased.events)


def _page(
    page: Page,
    id: UUID,
    address: str | None,
    *,
    held: object = None,
    after: UUID | None = None,
    events: int = 0,
) -> Response[Any]:
    return page.show(
        "erase.html",
        "Erase a person",
        here="people",
        id=id,
        address=address,
        held=held,
        after=after,
        events=events,
        longest=LONGEST_TEXT,
    )
