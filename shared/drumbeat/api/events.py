"""`/v1/events`: what arrived, and what followed from it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict

from drumbeat import views
from drumbeat.access.keys import PEOPLE, ApiKey
from drumbeat.api import named
from drumbeat.api.access import OPERATE, READ
from drumbeat.api.named import only
from drumbeat.api.query import Reason, body, instant, limit, listing
from drumbeat.api.response import Room, page, reply
from drumbeat.api.routing import Routes
from drumbeat.core.address import keys_of, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.errors import InvalidAddress, NotFound
from drumbeat.ingest import parking
from drumbeat.operations.dismissals import dismiss
from drumbeat.services import services
from drumbeat.views.pages import PAGE_SIZE

router = Routes()


class Dismissal(BaseModel):
    """Why an event that needs attention is left as it is."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason


@router.get("/v1/events", middlewares=READ)
def list_events() -> Response[Any]:
    """List events, newest first. `q`: an address, the beginning of an id, or a whole key. Only who may see persons
    finds events by address or key.
    """
    parameters = listing(router, "type", "source", "status", "since", "q", "cursor", "limit")
    wanted = filter_of(parameters, router.caller)
    return page(
        views.events(services().db, wanted, cursor=parameters.get("cursor"), limit=limit(parameters, PAGE_SIZE))
    )


@router.get("/v1/events/<event_id>", middlewares=READ)
def show_event(event_id: str) -> Response[Any]:
    """Show one event with what followed from it; of many effects, the first that fit into an answer."""
    id = only("event", event_id)
    story = views.event(services().db, id, fits=Room()) if id is not None else None
    if story is None:
        raise NotFound(not_recorded(event_id, id))
    return reply(story)


@router.post("/v1/events/<event_id>/dismiss", middlewares=OPERATE)
def dismiss_event(event_id: str) -> Response[Any]:
    """Dismiss one event from attention; 409 when nothing needs it, or an effect is held."""
    request = body(router, Dismissal)
    return reply(dismiss(named.event_id(event_id), reason=request.reason, actor=router.actor, services=services()))


def filter_of(parameters: Mapping[str, str], caller: ApiKey) -> views.EventFilter:
    """Return which events are meant. Raises Invalid, and Forbidden for an address of whom the caller may not see."""
    if "@" in parameters.get("q", ""):  # an address: an empty list would look as if there were none
        caller.need(PEOPLE)
    return views.EventFilter(
        type=parameters.get("type"),
        source=parameters.get("source"),
        status=parameters.get("status"),
        since=instant(parameters.get("since")),
        q=parameters.get("q"),
        keys=PEOPLE in caller.scopes,
        contacts=_contacts(parameters.get("q")),
    )


def not_recorded(text: str, id: UUID | None) -> str:
    """Say what a text is that names no event."""
    if (parked := id or only("parked event", text)) is not None and parking.is_parked(services(), parked):
        return (
            f"event {text} is parked: its caller's API key was revoked before it could be recorded. It is kept"
            " until `drumbeat parked` releases or discards it"
        )
    effect = id or only("effect", text)
    if effect is not None and (owner := views.event_of_effect(services().db, effect)) is not None:
        return f"{text} is the id of an effect, not of an event. Its event: drumbeat event {owner}"
    return (
        f"no event {text} is recorded. If its receipt said `buffered`, it waits for the ledger; it will be here"
        " within minutes of its return"
    )


def _contacts(text: str | None) -> tuple[bytes, ...]:
    """Return the keys of the person that a text names; none when it is no address."""
    if text is None or "@" not in text:
        return ()
    try:
        return keys_of(services().contact_secret, normalise(text, SEMANTICS)).known
    except InvalidAddress:
        return ()
