"""`/v1/leads`: what is known of people, and everything that happened to one of them.

The answers are about persons throughout: without the scope for them there is nothing to show. Access logs have routes,
never paths, so an address in a path stays out of them.
"""

from typing import Annotated
from urllib.parse import unquote
from uuid import UUID

from pydantic import Field

from drumbeat import views
from drumbeat.api.access import READ_PEOPLE
from drumbeat.api.query import Cursor, Paged, Query
from drumbeat.api.response import Answer, Room, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Invalid, InvalidAddress, NotFound
from drumbeat.people import lists
from drumbeat.services import services
from drumbeat.views import LeadItem, Page, PersonStory, person_named
from drumbeat.views.lead_pages import TAKES

router = ApiRoutes()


class LeadQuery(Paged):
    """Which leads are listed."""

    where: Annotated[str, Field(description=TAKES)] | None = None
    audience: Annotated[str, Field(description="those in this audience; without `where`")] | None = None


class PersonQuery(Query):
    """Which part of a person's story is shown."""

    cursor: Cursor | None = None


@router.get("/v1/leads", middlewares=READ_PEOPLE)
@refuses(NotFound)
def list_leads(query: LeadQuery) -> Answer[Page[LeadItem]]:
    """List leads, newest first. A page may be short, and with `where` empty, while there are more: follow `next`."""
    if query.audience is not None:
        return reply(_of_audience(query.audience, query))
    wanted = views.LeadFilter.read(query.where)
    if wanted.list is not None:
        lists.check(wanted.list, services().db)
    return reply(views.leads(services().db, wanted, cursor=query.cursor, limit=query.limit, fits=Room()))


@router.get("/v1/leads/<person>", middlewares=READ_PEOPLE)
def show_lead(person: str, query: PersonQuery) -> Answer[PersonStory]:
    """Show one person, by address or id, with a page of what happened, newest first: follow `next`."""
    from drumbeat.api.sent import sent  # reads requests, which only this route needs

    id, keys = named(person)
    story = views.person(services().db, keys=keys, id=id, cursor=query.cursor, reading=sent, fits=Room())
    if story is None:
        raise NotFound(
            "no event, effect or suppression names this person. What was just sent is here once it is planned; what was"
            " recorded before leads were kept, after `drumbeat views rebuild`"
        )
    return reply(story)


def _of_audience(name: str, query: LeadQuery) -> Page[LeadItem]:
    """List the people of an audience, in the order of their keys, as it was when the first page was asked for."""
    from drumbeat.audiences import paging  # builds statements, which only this question needs

    if query.where is not None:
        raise Invalid("audience and where do not go together; put the condition into an audience")
    return paging.page(name, services(), cursor=query.cursor, limit=query.limit, fits=Room())


def known_keys(person: str) -> tuple[bytes, ...]:
    """Return the keys of a person, by address or id; none: no one is known by this id. Raises Invalid."""
    id, keys = named(person)
    return keys if id is None else person_named.keys_of(services().db, id)


def named(person: str) -> tuple[UUID | None, tuple[bytes, ...]]:
    """Read an id, or an address. API Gateway has decoded the path once: an address without an @ was encoded twice, so
    that it may hold what no path can.

    Raises Invalid, without repeating what was given.
    """
    try:
        return UUID(person), ()
    except ValueError:
        pass
    try:
        address = normalise(person if "@" in person else unquote(person), SEMANTICS)
    except InvalidAddress as error:
        raise Invalid(f"that is neither an id nor an e-mail address: {error}") from None
    return None, keys_of(services().contact_secret, address).known
