"""`/v1/events`: what arrived, and what followed from it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat import views
from drumbeat.api.access import READ
from drumbeat.api.query import identifier, instant, limit, query
from drumbeat.api.response import page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import NotFound
from drumbeat.ingest import parking
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


@router.get("/v1/events", middlewares=READ)
def list_events() -> Response[Any]:
    """List events, newest first."""
    parameters = query(router, "type", "source", "status", "since", "q", "cursor", "limit")
    wanted = views.EventFilter(
        type=parameters.get("type"),
        source=parameters.get("source"),
        status=parameters.get("status"),
        since=instant(parameters.get("since")),
        q=parameters.get("q"),
    )
    return page(
        views.events(services().db, wanted, cursor=parameters.get("cursor"), limit=limit(parameters, PAGE_SIZE))
    )


@router.get("/v1/events/<event_id>", middlewares=READ)
def show_event(event_id: str) -> Response[Any]:
    """Show one event with everything that followed from it."""
    story = views.event(services().db, identifier(event_id))
    if story is None and parking.is_parked(services(), identifier(event_id)):
        raise NotFound(
            f"event {event_id} is parked: its caller's API key was revoked before it could be recorded. It is kept"
            " until `drumbeat parked` releases or discards it"
        )
    if story is None:
        raise NotFound(
            f"no event {event_id} is recorded. If its receipt said `buffered`, it waits for the ledger; it will be here"
            " within minutes of its return"
        )
    return reply(story)
