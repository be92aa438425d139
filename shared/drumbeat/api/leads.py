"""`/v1/leads`: what is known of people, and everything that happened to one of them.

The answers are about persons throughout: without the scope for them there is nothing to show. Access logs have routes,
never paths, so an address in a path stays out of them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.access import READ_PEOPLE
from drumbeat.api.query import limit, listing, query
from drumbeat.api.response import Room, page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import Invalid, InvalidAddress, NotFound
from drumbeat.people import lists
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


@router.get("/v1/leads", middlewares=READ_PEOPLE)
def list_leads() -> Response[Any]:
    """List leads, newest first. A page may be short, and with `where` empty, while there are more: follow `next`."""
    parameters = listing(router, "where", "audience", "cursor", "limit")
    if "audience" in parameters:
        return _of_audience(parameters)
    wanted = views.LeadFilter.read(parameters.get("where"))
    if wanted.list is not None:
        lists.check(wanted.list, services().db)
    most = limit(parameters, PAGE_SIZE)
    return page(views.leads(services().db, wanted, cursor=parameters.get("cursor"), limit=most, fits=Room()))


@router.get("/v1/leads/<person>", middlewares=READ_PEOPLE)
def show_lead(person: str) -> Response[Any]:
    """Show one person, by address or id, with a page of what happened, newest first: follow `next`."""
    from drumbeat.api.sent import sent  # reads requests, which only this route needs

    parameters = query(router, "cursor")
    id, keys = named(person)
    story = views.person(services().db, keys=keys, id=id, cursor=parameters.get("cursor"), reading=sent, fits=Room())
    if story is None:
        raise NotFound(
            "no event, effect or suppression names this person. What was just sent is here once it is planned; what was"
            " recorded before leads were kept, after `drumbeat views rebuild`"
        )
    return reply(story)


def _of_audience(parameters: Mapping[str, str]) -> Response[Any]:
    """List the people of an audience, in the order of their keys, as it was when the first page was asked for."""
    from drumbeat.audiences import paging  # builds statements, which only this question needs

    if "where" in parameters:
        raise Invalid("audience and where do not go together; put the condition into an audience")
    most = limit(parameters, PAGE_SIZE)
    name, cursor = parameters["audience"], parameters.get("cursor")
    return page(paging.page(name, services(), cursor=cursor, limit=most, fits=Room()))


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
